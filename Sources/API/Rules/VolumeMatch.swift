import APIMachinery

/// Which volume suits a claim (Kubernetes documentation, "Persistent Volumes", "Binding").
public enum VolumeMatch {
    /// Why a claim cannot have the volume that it names, in Kubernetes' words; `nil` when it can.
    public static func mismatch(_ claim: PersistentVolumeClaim, _ volume: PersistentVolume) -> String? {
        if capacity(of: volume) < request(of: claim) { return "requested PV is too small" }
        if volume.className != claim.className { return "storageClassName does not match" }
        if mode(volume.spec.volumeMode) != mode(claim.spec.volumeMode) { return "incompatible volumeMode" }
        return hasModes(claim, volume) ? nil : "incompatible accessMode"
    }

    /// The volume that is kept for the claim and large enough for it.
    public static func reserved(
        for claim: PersistentVolumeClaim, among volumes: [PersistentVolume]
    ) -> PersistentVolume? {
        volumes.first { volume in
            volume.isReserved(for: claim) && isUsable(volume, for: claim)
        }
    }

    /// The free volumes that suit the claim, the one with the fewest access modes and then the smallest
    /// first, so that nothing is given away that others may need.
    public static func candidates(
        for claim: PersistentVolumeClaim, among volumes: [PersistentVolume]
    ) -> [PersistentVolume] {
        // What does not parse was refused by validation, and selects nothing.
        guard let selector = try? LabelSelector(object: claim.spec.selector?.value ?? .emptyObject) else {
            return []
        }
        let suitable = volumes.filter { volume in
            volume.spec.claimRef == nil && volume.status.phase == "Available" && isUsable(volume, for: claim)
                && volume.className == claim.className && hasModes(claim, volume)
                && selector.matches(volume.value.at("metadata", "labels")?.fields ?? Fields())
        }
        return suitable.sorted { a, b in
            let (modes, others) = (a.spec.accessModes.count, b.spec.accessModes.count)
            guard modes == others else { return modes < others }
            let (size, other) = (capacity(of: a), capacity(of: b))
            return size == other ? a.metadata.name < b.metadata.name : size < other
        }
    }

    private static func isUsable(_ volume: PersistentVolume, for claim: PersistentVolumeClaim) -> Bool {
        volume.metadata.deletionTimestamp == nil && capacity(of: volume) >= request(of: claim)
            && mode(volume.spec.volumeMode) == mode(claim.spec.volumeMode)
            && (volume.spec.volumeAttributesClassName ?? "") == (claim.spec.volumeAttributesClassName ?? "")
    }

    private static func hasModes(_ claim: PersistentVolumeClaim, _ volume: PersistentVolume) -> Bool {
        Set(claim.spec.accessModes).isSubset(of: volume.spec.accessModes)
    }

    private static func mode(_ text: String?) -> String { text ?? "Filesystem" }

    private static func request(of claim: PersistentVolumeClaim) -> Quantity {
        quantity(claim.spec.resources.requests["storage"])
    }

    private static func capacity(of volume: PersistentVolume) -> Quantity {
        quantity(volume.spec.capacity["storage"])
    }

    /// What does not parse was refused by validation, and is nothing.
    private static func quantity(_ text: String?) -> Quantity { text.flatMap { try? Quantity($0) } ?? .zero }
}
