import APIMachinery
import Client
import Synchronization

/// Finds an owner by its uid: owned objects know only that in the fields that look-ups read.
///
/// Holds a uid and a name for each object of one set, nothing else.
final class OwnerIndex: Sendable {
    private let names = Mutex<[String: ObjectName]>([:])

    /// Takes in what became of an object of the set.
    func take(_ change: ObjectChange) {
        names.withLock { names in
            if let old = change.old, old.uid != change.new?.uid { names[old.uid] = nil }
            if let new = change.new { names[new.uid] = new.objectName }
        }
    }

    func name(of uid: String) -> ObjectName? { names.withLock { $0[uid] } }
}
