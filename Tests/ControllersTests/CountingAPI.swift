import APIMachinery
import Client
import ClientTestSupport
import Synchronization

/// An API in memory that counts how many objects its live sets hand out: what a controller looks at.
final class CountingAPI: Client {
    let api = MemoryAPI()
    private let count = Mutex(0)

    var visits: Int { count.withLock(\.self) }

    fileprivate func visit<Answer>(_ answer: Answer, _ number: (Answer) -> Int) -> Answer {
        count.withLock { $0 += number(answer) }
        return answer
    }

    func observe(
        _ resource: GroupVersionResource, _ scope: ObservationScope
    ) async throws(Status) -> any ObjectSet {
        CountingSet(set: try await api.observe(resource, scope), api: self)
    }

    func get(_ target: Target) async throws(Status) -> StoredObject { try await api.get(target) }

    func list(_ target: Target, _ options: ListOptions) async throws(Status) -> ObjectList {
        try await api.list(target, options)
    }

    func watch(_ target: Target, _ options: ListOptions) async throws(Status) -> WatchStream {
        try await api.watch(target, options)
    }

    func create(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status) -> StoredObject {
        try await api.create(target, object, options)
    }

    func update(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status) -> StoredObject {
        try await api.update(target, object, options)
    }

    func patch(_ target: Target, _ patch: Patch, _ options: WriteOptions) async throws(Status) -> StoredObject {
        try await api.patch(target, patch, options)
    }

    func delete(_ target: Target, _ options: DeletionOptions) async throws(Status) -> StoredObject? {
        try await api.delete(target, options)
    }
}

private struct CountingSet: ObjectSet {
    let set: any ObjectSet
    let api: CountingAPI

    func get(_ name: ObjectName) -> StoredObject? { api.visit(set.get(name)) { $0 == nil ? 0 : 1 } }

    func list(namespace: String?) -> [StoredObject] { api.visit(set.list(namespace: namespace), \.count) }

    func owned(by uid: String) -> [StoredObject] { api.visit(set.owned(by: uid), \.count) }

    func observe(_ sink: @escaping @Sendable (ObjectChange) -> Void) -> any Observation { set.observe(sink) }
}
