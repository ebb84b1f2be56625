import API
import APIMachinery
import Client
import Synchronization

/// Whose claim might be called so: `data-web-3` is one of `web`, or one of `data-web` if there is such a set.
///
/// Holds the names of the sets, nothing else.
final class ClaimNames: Sendable {
    private let sets = Mutex<Set<ObjectName>>([])

    /// Takes in what became of a StatefulSet.
    func take(_ change: ObjectChange) {
        sets.withLock { sets in
            if change.new == nil { sets.remove(change.name) } else { sets.insert(change.name) }
        }
    }

    /// The sets whose claim has this name, were it theirs.
    func owners(of claim: ObjectName) -> [ObjectName] {
        let parts = claim.name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count > 2 else { return [] }
        let names = (1..<parts.count - 1).map { first in
            ObjectName(namespace: claim.namespace, name: parts[first..<parts.count - 1].joined(separator: "-"))
        }
        return sets.withLock { sets in names.filter(sets.contains) }
    }
}
