import APIMachinery
import Client
import ClientTestSupport
import Synchronization

/// An API in memory that answers no more after a number of writes: to a controller the end of the world, which may come
/// after any of them. The last write is done, and its answer is lost.
final class MortalAPI: Client {
    let api: MemoryAPI
    private let left: Mutex<Int>
    private let end = AsyncStream.makeStream(of: Void.self)

    init(_ api: MemoryAPI, writes: Int) {
        self.api = api
        left = Mutex(writes)
    }

    /// Returns when the last write was made.
    func waitForEnd() async { for await _ in end.stream { return } }

    private func write<Answer>(_ body: () async throws(Status) -> Answer) async throws(Status) -> Answer {
        let remaining = left.withLock { left in
            left -= 1
            return left
        }
        guard remaining >= 0 else { throw .serviceUnavailable("it is over") }
        let answer = try await body()
        guard remaining == 0 else { return answer }
        end.continuation.finish()
        throw .serviceUnavailable("it is over")
    }

    func observe(
        _ resource: GroupVersionResource, _ scope: ObservationScope
    ) async throws(Status) -> any ObjectSet {
        try await api.observe(resource, scope)
    }

    func get(_ target: Target) async throws(Status) -> StoredObject { try await api.get(target) }

    func list(_ target: Target, _ options: ListOptions) async throws(Status) -> ObjectList {
        try await api.list(target, options)
    }

    func watch(_ target: Target, _ options: ListOptions) async throws(Status) -> WatchStream {
        try await api.watch(target, options)
    }

    func create(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status) -> StoredObject {
        // What is told of the work is no part of it.
        guard target.resource.resource != "events" else { return try await api.create(target, object, options) }
        return try await write { () throws(Status) in try await api.create(target, object, options) }
    }

    func update(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status) -> StoredObject {
        try await write { () throws(Status) in try await api.update(target, object, options) }
    }

    func patch(_ target: Target, _ patch: Patch, _ options: WriteOptions) async throws(Status) -> StoredObject {
        guard target.resource.resource != "events" else { return try await api.patch(target, patch, options) }
        return try await write { () throws(Status) in try await api.patch(target, patch, options) }
    }

    func delete(_ target: Target, _ options: DeletionOptions) async throws(Status) -> StoredObject? {
        try await write { () throws(Status) in try await api.delete(target, options) }
    }
}
