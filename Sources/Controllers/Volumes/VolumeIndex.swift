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
    private struct VolumeEntry {
        /// The claim that the volume is kept for.
        var claim: ObjectName?
        var className: String
    }

    private struct ClaimEntry {
        /// The volume that the claim names; empty for none.
        var volume: String
        var className: String
    }

    private var volumes: [String: VolumeEntry] = [:]
    private var claims: [ObjectName: ClaimEntry] = [:]
    /// Volumes by the claim they are kept for, and those kept for nobody by their class.
    private var reserved = Multimap<ObjectName, String>()
    private var free = Multimap<String, String>()
    /// Claims by the volume they name, and those that name none by their class.
    private var naming = Multimap<String, ObjectName>()
    private var open = Multimap<String, ObjectName>()

    /// The claims that name no volume.
    var openClaims: Set<ObjectName> { open.elements }

    /// The volumes that are free and of this class, or kept for the claim.
    func candidates(for claim: ObjectName, className: String) -> [String] {
        reserved[claim].union(free[className]).sorted()
    }

    /// Takes a volume's present version in, `nil` when it is gone, and returns what to look at.
    mutating func setVolume(_ name: String, _ volume: PersistentVolume?) -> Set<VolumeKey> {
        var concerned: Set<VolumeKey> = [.volume(name)]
        if let old = volumes.removeValue(forKey: name) {
            if let claim = old.claim {
                reserved.remove(name, for: claim)
                concerned.insert(.claim(claim))
            } else {
                free.remove(name, for: old.className)
            }
        }
        for claim in naming[name] { concerned.insert(.claim(claim)) }
        guard let volume else { return concerned }
        let claim = volume.spec.claimRef.map { ObjectName(namespace: $0.namespace, name: $0.name) }
        volumes[name] = VolumeEntry(claim: claim, className: volume.className)
        if let claim {
            reserved.insert(name, for: claim)
            concerned.insert(.claim(claim))
        } else {
            free.insert(name, for: volume.className)
            for claim in open[volume.className] { concerned.insert(.claim(claim)) }
        }
        return concerned
    }

    /// Takes a claim's present version in, `nil` when it is gone, and returns what to look at.
    mutating func setClaim(_ name: ObjectName, _ claim: PersistentVolumeClaim?) -> Set<VolumeKey> {
        var concerned: Set<VolumeKey> = [.claim(name)]
        for volume in reserved[name] { concerned.insert(.volume(volume)) }
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
