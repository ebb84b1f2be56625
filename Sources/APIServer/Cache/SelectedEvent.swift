import APIMachinery
import Datastore

/// A change as one watch sees it.
struct SelectedEvent: Sendable {
    enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }

    let kind: Kind
    /// The new version; for a deletion, or an object that left the selection, the last one that was selected.
    let object: StoredObject
    /// What a modified object was before; only kept for selections that are made of objects as they are shown.
    let before: StoredObject?
    /// The revision of the change. For a deletion it is newer than the object's own.
    let revision: Revision
    /// The object is gone, and not only out of the selection.
    let isLast: Bool
    /// With the others that are told of the change at once; `nil` for one of the past.
    let share: ChangeShare?

    init(_ kind: Kind, _ object: StoredObject, _ change: CacheChange, before: StoredObject? = nil) {
        self.kind = kind
        self.object = object
        self.before = before
        revision = change.revision
        isLast = change.new == nil
        share = change.share
    }

    /// An object that was there before the watch, as an addition.
    init(present object: StoredObject) {
        kind = .added
        self.object = object
        before = nil
        revision = object.revision
        isLast = false
        share = nil
    }

    /// The object as the event shows it: a deletion carries its own revision, so that a watch can resume behind it, and
    /// no grace is left of it.
    var versioned: StoredObject { versioned(object) }

    /// An object in the revision of this event.
    func versioned(_ object: StoredObject) -> StoredObject {
        guard object.revision != revision else { return object }
        var value = object.value
        if isLast { DeletionPlan.endGrace(of: &value) }
        value[path: ["metadata", "resourceVersion"]] = .string(String(revision))
        return StoredObject(received: value, managedFields: object.managedFields)
    }

    /// The JSON frame, shared by all watches that are told of the change at once.
    var frame: [UInt8] { share?.frame(kind, makeFrame) ?? makeFrame() }

    private func makeFrame() -> [UInt8] { WatchEncoder.frame(kind.rawValue, versioned.wholeBytes) }
}
