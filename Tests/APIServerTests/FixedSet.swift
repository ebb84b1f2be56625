import APIMachinery
import Client

/// A set that never changes.
struct FixedSet: ObjectSet {
    var objects: [StoredObject] = []

    init(_ values: Value...) { objects = values.map { StoredObject(received: $0) } }

    func get(_ name: ObjectName) -> StoredObject? { objects.first { $0.objectName == name } }
    func list(namespace: String?) -> [StoredObject] {
        objects.filter { namespace == nil || $0.namespace == namespace }
    }
    func owned(by uid: String) -> [StoredObject] { [] }

    func observe(_ sink: @escaping @Sendable (ObjectChange) -> Void) -> any Observation {
        for object in objects { sink(ObjectChange(old: nil, new: object)) }
        return Ended()
    }

    private struct Ended: Observation {
        func cancel() {}
    }
}
