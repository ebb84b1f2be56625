import API
import APIMachinery

/// What a pass of the binder is about.
enum VolumeKey: Hashable, Sendable {
    case claim(ObjectName)
    case volume(String)
}

/// Which claims and volumes concern each other, so that a change wakes those and no others.
///
/// Holds names and classes, no copies of objects.
struct VolumeIndex: Sendable {
    private struct ClaimEntry {
        /// The volume that the claim names; empty for none.
        var volume: String
        var className: String
    }

    private var offers = VolumeOffers()
    private var claims: [ObjectName: ClaimEntry] = [:]
    /// Claims by the volume they name, and those that name none by their class.
    private var naming = Multimap<String, ObjectName>()
    private var open = Multimap<String, ObjectName>()

    /// The claims that name no volume.
    var openClaims: Set<ObjectName> { open.elements }

    /// The volumes that are free and of this class, or kept for the claim.
    func candidates(for claim: ObjectName, className: String) -> [String] {
        offers.names(for: claim, className: className)
    }

    /// The volumes that are kept for one of these claims.
    func volumes(keptFor claims: [ObjectName]) -> Set<String> {
        claims.reduce(into: []) { $0.formUnion(offers.names(keptFor: $1)) }
    }

    /// Takes a volume's present version in, `nil` when it is gone, and returns what to look at.
    mutating func setVolume(_ name: String, _ volume: PersistentVolume?) -> Set<VolumeKey> {
        var concerned: Set<VolumeKey> = [.volume(name)]
        for claim in naming[name] { concerned.insert(.claim(claim)) }
        let (old, new) = offers.set(name, volume)
        if case .claim(let claim) = old { concerned.insert(.claim(claim)) }
        switch new {
        case .claim(let claim): concerned.insert(.claim(claim))
        case .className(let name): for claim in open[name] { concerned.insert(.claim(claim)) }
        case nil: break
        }
        return concerned
    }

    /// Takes a claim's present version in, `nil` when it is gone, and returns what to look at.
    mutating func setClaim(_ name: ObjectName, _ claim: PersistentVolumeClaim?) -> Set<VolumeKey> {
        var concerned: Set<VolumeKey> = [.claim(name)]
        for volume in offers.names(keptFor: name) { concerned.insert(.volume(volume)) }
        if let old = claims.removeValue(forKey: name) {
            if old.volume.isEmpty {
                open.remove(name, for: old.className)
            } else {
                naming.remove(name, for: old.volume)
            }
        }
        guard let claim else { return concerned }
        let entry = ClaimEntry(volume: claim.spec.volumeName, className: claim.className)
        claims[name] = entry
        if entry.volume.isEmpty {
            open.insert(name, for: entry.className)
        } else {
            naming.insert(name, for: entry.volume)
            concerned.insert(.volume(entry.volume))
        }
        return concerned
    }
}
