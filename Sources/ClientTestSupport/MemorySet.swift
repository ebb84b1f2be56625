import APIMachinery
import Client
import Synchronization

/// A live set over a ``MemoryAPI``. Scopes by namespace and labels are kept; by fields they are not.
struct MemorySet: ObjectSet {
    let api: MemoryAPI
    let resource: GroupVersionResource
    let scope: ObservationScope

    func get(_ name: ObjectName) -> StoredObject? {
        guard scope.contains(name) else { return nil }
        return api.state.withLock { $0.objects[resource]?[name] }.flatMap { matches($0) ? $0 : nil }
    }

    func list(namespace: String?) -> [StoredObject] {
        present { namespace == nil || $0.namespace == namespace }
    }

    func owned(by uid: String) -> [StoredObject] { present { $0.owners.contains { $0.uid == uid } } }

    private func present(where isIncluded: (StoredObject) -> Bool) -> [StoredObject] {
        let objects = api.state.withLock { $0.objects[resource] ?? [:] }
        return objects.filter { scope.contains($0.key) && isIncluded($0.value) && matches($0.value) }
            .sorted { $0.key < $1.key }.map(\.value)
    }

    func observe(_ sink: @escaping @Sendable (ObjectChange) -> Void) -> any Observation {
        let id = api.state.withLock { state in
            let present = (state.objects[resource] ?? [:]).filter { scope.contains($0.key) }
            for object in present.sorted(by: { $0.key < $1.key }).map(\.value) {
                sink(ObjectChange(old: nil, new: object))
            }
            state.observerCount += 1
            state.observers[state.observerCount] = MemoryAPI.Observer(
                resource: resource, scope: scope, sink: sink)
            return state.observerCount
        }
        return MemoryObservation(api: api, id: id)
    }

    private func matches(_ object: StoredObject) -> Bool {
        scope.labelSelector.isEmpty
            || ((try? LabelSelector(scope.labelSelector))?.matches(object.labels) ?? false)
    }
}

private struct MemoryObservation: Observation {
    let api: MemoryAPI
    let id: Int

    func cancel() { api.state.withLock { $0.observers[id] = nil } }
}

extension ObservationScope {
    func contains(_ name: ObjectName) -> Bool { namespace == nil || namespace == name.namespace }
}
