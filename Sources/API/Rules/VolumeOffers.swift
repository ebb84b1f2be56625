public import APIMachinery

/// Which volumes come into question for a claim, so that nobody reads all volumes to find one.
///
/// Holds names and classes, no copies of volumes.
public struct VolumeOffers: Sendable {
    /// Whom a volume is for.
    public enum Place: Hashable, Sendable {
        /// Kept for the claim of this name.
        case claim(ObjectName)
        /// Free for claims of this class.
        case className(String)
    }

    private var places: [String: Place] = [:]
    private var names: [Place: Set<String>] = [:]

    public init() {}

    /// Takes a volume's present version in, `nil` when it is gone. Returns whom it was for and whom it is for now.
    public mutating func set(_ name: String, _ volume: PersistentVolume?) -> (old: Place?, new: Place?) {
        let new = volume.map { volume in
            let claim = volume.spec.claimRef.map { ObjectName(namespace: $0.namespace, name: $0.name) }
            return claim.map(Place.claim) ?? .className(volume.className)
        }
        let old = places[name]
        guard old != new else { return (old, new) }
        if let old {
            names[old]?.remove(name)
            if names[old]?.isEmpty == true { names[old] = nil }
        }
        if let new { names[new, default: []].insert(name) }
        places[name] = new
        return (old, new)
    }

    /// The volumes that are kept for the claim, in no order.
    public func names(keptFor claim: ObjectName) -> Set<String> { names[.claim(claim)] ?? [] }

    /// The volumes that are kept for the claim, or free and of its class; in order.
    public func names(for claim: ObjectName, className: String) -> [String] {
        names(keptFor: claim).union(names[.className(className)] ?? []).sorted()
    }
}
