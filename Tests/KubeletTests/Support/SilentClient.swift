import APIMachinery
import Client
import Synchronization

/// An API that does not answer until it is told to.
final class SilentClient: Client {
    private let client: MemoryClient
    private let isSilent = Mutex(true)

    init(_ client: MemoryClient) { self.client = client }

    func answer() { isSilent.withLock { $0 = false } }

    private func reach() throws(Status) -> MemoryClient {
        guard isSilent.withLock({ $0 }) else { return client }
        throw Status(code: 503, reason: .serviceUnavailable, message: "nobody answers")
    }

    func get(_ target: Target) async throws(Status) -> StoredObject { try await reach().get(target) }
    func list(_ target: Target, _ options: ListOptions) async throws(Status) -> ObjectList {
        try await reach().list(target, options)
    }
    func watch(_ target: Target, _ options: ListOptions) async throws(Status) -> WatchStream {
        try await reach().watch(target, options)
    }
    func create(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status) -> StoredObject {
        try await reach().create(target, object, options)
    }
    func update(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status) -> StoredObject {
        try await reach().update(target, object, options)
    }
    func patch(_ target: Target, _ patch: Patch, _ options: WriteOptions) async throws(Status) -> StoredObject {
        try await reach().patch(target, patch, options)
    }
    func delete(_ target: Target, _ options: DeletionOptions) async throws(Status) -> StoredObject? {
        try await reach().delete(target, options)
    }
    func observe(
        _ resource: GroupVersionResource, _ scope: ObservationScope
    ) async throws(Status) -> any ObjectSet {
        try await reach().observe(resource, scope)
    }
}
