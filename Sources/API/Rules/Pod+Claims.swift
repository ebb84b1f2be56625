extension Pod {
    /// The claims whose volumes the pod uses, those that are made for it alone included.
    public var claimNames: [String] { spec.volumes.compactMap { claimName(of: $0) } }

    /// The claim behind one of the pod's volumes. An ephemeral one is named after both (KEP-1698).
    public func claimName(of volume: Volume) -> String? { Self.claimName(of: volume, in: metadata.name) }

    /// The claim behind a volume of the pod of this name.
    public static func claimName(of volume: Volume, in pod: String) -> String? {
        if let source = volume.persistentVolumeClaim { return source.claimName }
        return volume.ephemeral == nil ? nil : pod + "-" + volume.name
    }
}
