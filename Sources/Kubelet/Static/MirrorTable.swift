import API
import APIMachinery
import Client
import Synchronization

/// What the API has of the pods that come from files, by name.
final class MirrorTable: Sendable {
    struct Mirror: Sendable {
        var object: StoredObject
        /// The pod that it stood for has ended: one of the same name gets another.
        var isOutdated = false
    }

    private let mirrors = Mutex<[ObjectName: Mirror]>([:])

    subscript(name: ObjectName) -> Mirror? { mirrors.withLock { $0[name] } }

    /// Takes note of a mirror pod.
    func put(_ object: StoredObject) {
        mirrors.withLock { mirrors in
            let isSame = mirrors[object.objectName]?.object.uid == object.uid
            mirrors[object.objectName] = Mirror(
                object: object, isOutdated: isSame && mirrors[object.objectName]?.isOutdated == true)
        }
    }

    /// An object is gone. Returns whether it was a mirror pod.
    func remove(_ object: StoredObject) -> Bool {
        mirrors.withLock { mirrors in
            guard mirrors[object.objectName]?.object.uid == object.uid else { return false }
            mirrors[object.objectName] = nil
            return true
        }
    }

    /// The pod of this name has ended.
    func outdate(_ name: ObjectName) { mirrors.withLock { $0[name]?.isOutdated = true } }

    func has(_ object: StoredObject) -> Bool { self[object.objectName]?.object.uid == object.uid }
}
