import APIMachinery

/// `componentstatuses`: what clients of old ask to see whether a cluster is well (deprecated since 1.19, still served).
///
/// Nothing is asked of anybody: datastore, scheduler and controllers are parts of this process, which ends when one of
/// them does. Whoever reads this answer reads it from a process in which all of them run.
enum ComponentStatuses {
    private static let names = ["controller-manager", "etcd-0", "scheduler"]

    /// In order of their names.
    static let objects: [StoredObject] = names.map { name in
        StoredObject(received: [
            "apiVersion": "v1", "kind": "ComponentStatus", "metadata": ["name": .string(name)],
            "conditions": [["type": "Healthy", "status": "True", "message": "ok"]],
        ])
    }

    /// Those that a list asks for.
    static func page(_ request: ResourceStore.ListRequest, at revision: Int64) -> ResourceStore.Page {
        ResourceStore.Page(items: objects.filter(request.filter.includes), revision: revision)
    }

    static func get(_ name: String) -> StoredObject? { objects.first { $0.name == name } }
}
