import APIMachinery
import Client
import Datastore

/// One change of one object, both versions given for an update.
struct CacheChange: Sendable {
    var old: StoredObject?
    var new: StoredObject?
    var revision: Revision
    /// What those who are told of it at once share; `nil` for a change of the past, which is told to one at a
    /// time.
    private(set) var share: ChangeShare? = ChangeShare()

    init(old: StoredObject?, new: StoredObject?, revision: Revision) {
        self.old = old
        self.new = new
        self.revision = revision
    }

    var name: ObjectName {
        guard let object = new ?? old else { preconditionFailure("a change has at least one side") }
        return object.objectName
    }

    /// The change as the ring keeps it.
    var unshared: CacheChange {
        var change = self
        change.share = nil
        return change
    }

    /// The bytes that remembering it holds, about. Of an update one side alone is counted: the other one is
    /// the present version, or a side of the change next to it.
    var weight: Int { max(old?.bytes.count ?? 0, new?.bytes.count ?? 0) }
}
