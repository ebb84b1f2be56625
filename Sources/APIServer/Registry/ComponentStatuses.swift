import APIMachinery

/// `componentstatuses`: what clients of old ask to see whether a cluster is well (deprecated since 1.19, still served).
///
/// Nothing is asked of anybody: datastore, scheduler and controllers are parts of this process, which ends when one of
/// them does. Whoever reads this answer reads it from a process in which all of them run.
struct ComponentStatuses: ComputedResource {
    private static let names = ["controller-manager", "etcd-0", "scheduler"]

    /// In order of their names.
    private static let all: [StoredObject] = names.map { name in
        StoredObject(received: [
            "apiVersion": "v1", "kind": "ComponentStatus", "metadata": ["name": .string(name)],
            "conditions": [["type": "Healthy", "status": "True", "message": "ok"]],
        ])
    }

    func objects(_ filter: ObjectFilter) -> [StoredObject] { Self.all.filter(filter.includes) }

    func object(_ name: ObjectName) -> StoredObject? { Self.all.first { $0.objectName == name } }
}
