import APIMachinery

/// A claim for devices that a pod names (KEP-4381).
struct DeviceClaimReference: Hashable, Sendable {
    /// The name that the pod's containers know it by.
    var name: String
    /// The ResourceClaim; `nil` while the one that is made from a template is not there yet.
    var claim: String?
    /// Whether it is made for this pod alone.
    var isTemplated: Bool

    /// In the order of the spec. A claim that the template's controller found unnecessary is left out.
    static func all(of spec: Value, _ status: Value) -> [DeviceClaimReference] {
        guard let references = spec["resourceClaims"]?.array else { return [] }
        let made = status["resourceClaimStatuses"]?.array ?? []
        return references.compactMap { reference in
            let name = reference["name"]?.string ?? ""
            if let claim = reference["resourceClaimName"]?.string {
                return DeviceClaimReference(name: name, claim: claim, isTemplated: false)
            }
            let entry = made.first { $0["name"]?.string == name }
            if let entry, entry["resourceClaimName"] == nil { return nil }
            return DeviceClaimReference(name: name, claim: entry?["resourceClaimName"]?.string, isTemplated: true)
        }
    }
}
