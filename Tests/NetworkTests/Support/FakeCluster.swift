import API
import APIMachinery
import Client
import Synchronization

/// Objects in memory behind the `Client` protocol: as much of an API as the network needs.
final class FakeCluster: Client {
    private struct State {
        var objects: [GroupVersionResource: [ObjectName: StoredObject]] = [:]
        var sinks: [Int: (resource: GroupVersionResource, sink: @Sendable (ObjectChange) -> Void)] = [:]
        var revision: Int64 = 0
        var nextSink = 0
    }

    private let state = Mutex(State())

    // MARK: What tests do

    /// Creates or replaces.
    func put<R: ResourceView>(_ object: R) { write(R.resource, object.objectName, object.value) }

    func remove<R: ResourceView>(_: R.Type, _ name: ObjectName) { write(R.resource, name, nil) }

    /// From YAML-like JSON text.
    func put(_ resource: GroupVersionResource, json: String) throws {
        let value = try Value(json: Array(json.utf8))
        let stored = StoredObject(received: value)
        write(resource, stored.objectName, value)
    }

    private func write(_ resource: GroupVersionResource, _ name: ObjectName, _ value: Value?) {
        state.withLock { state in
            state.revision += 1
            let old = state.objects[resource]?[name]
            let new = value.map { value in
                var value = value
                value[path: ["metadata", "resourceVersion"]] = .string("\(state.revision)")
                return StoredObject(received: value)
            }
            guard old != nil || new != nil else { return }
            state.objects[resource, default: [:]][name] = new
            for (observed, sink) in state.sinks.values where observed == resource {
                sink(ObjectChange(old: old, new: new))
            }
        }
    }

    // MARK: Client

    func get(_ target: Target) async throws(Status) -> StoredObject {
        guard let object = state.withLock({ $0.objects[target.resource]?[target.objectName] }) else {
            throw Status.notFound(target.resource, target.name)
        }
        return object
    }

    func create(_ target: Target, _ object: Value, _: WriteOptions) async throws(Status) -> StoredObject {
        let name = ObjectName(
            namespace: target.namespace, name: object.at("metadata", "name")?.string ?? "")
        guard state.withLock({ $0.objects[target.resource]?[name] }) == nil else {
            throw Status.alreadyExists(target.resource, name.name)
        }
        write(target.resource, name, object)
        return try await get(Target(target.resource, name))
    }

    func update(_ target: Target, _ object: Value, _: WriteOptions) async throws(Status) -> StoredObject {
        write(target.resource, target.objectName, object)
        return try await get(target)
    }

    func observe(
        _ resource: GroupVersionResource, _ scope: ObservationScope
    ) async throws(Status) -> any ObjectSet {
        View(cluster: self, resource: resource)
    }

    func list(_: Target, _: ListOptions) async throws(Status) -> ObjectList { throw Self.unsupported }
    func watch(_: Target, _: ListOptions) async throws(Status) -> WatchStream { throw Self.unsupported }
    func patch(_: Target, _: Patch, _: WriteOptions) async throws(Status) -> StoredObject {
        throw Self.unsupported
    }
    func delete(_ target: Target, _: DeletionOptions) async throws(Status) -> StoredObject? {
        write(target.resource, target.objectName, nil)
        return nil
    }

    private static let unsupported = Status(code: 405, reason: .methodNotAllowed, message: "not in this fake")

    private struct View: ObjectSet {
        let cluster: FakeCluster
        let resource: GroupVersionResource

        func get(_ name: ObjectName) -> StoredObject? {
            cluster.state.withLock { $0.objects[resource]?[name] }
        }

        func list(namespace: String?) -> [StoredObject] {
            let all = cluster.state.withLock { $0.objects[resource] ?? [:] }
            return all.values.filter { namespace == nil || $0.namespace == namespace }
                .sorted { $0.objectName < $1.objectName }
        }

        func owned(by uid: String) -> [StoredObject] { [] }

        func observe(_ sink: @escaping @Sendable (ObjectChange) -> Void) -> any Observation {
            cluster.state.withLock { state in
                for object in (state.objects[resource] ?? [:]).values {
                    sink(ObjectChange(old: nil, new: object))
                }
                state.nextSink += 1
                state.sinks[state.nextSink] = (resource, sink)
                return End(cluster: cluster, number: state.nextSink)
            }
        }
    }

    private struct End: Observation {
        let cluster: FakeCluster
        let number: Int
        func cancel() { cluster.state.withLock { $0.sinks[number] = nil } }
    }
}
