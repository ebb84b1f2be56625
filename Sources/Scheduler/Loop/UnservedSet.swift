import APIMachinery
import Client

extension Client {
    /// The live set of a resource that a server may leave out (`--runtime-config`): then there are none.
    func observeIfServed(_ resource: GroupVersionResource) async throws(Status) -> any ObjectSet {
        do throws(Status) {
            return try await observe(resource, .all)
        } catch {
            guard error.isNotFound else { throw error }
            return UnservedSet()
        }
    }
}

/// The objects of a resource that is not served.
private struct UnservedSet: ObjectSet {
    private struct Nothing: Observation { func cancel() {} }

    func get(_ name: ObjectName) -> StoredObject? { nil }
    func list(namespace: String?) -> [StoredObject] { [] }
    func owned(by uid: String) -> [StoredObject] { [] }
    func observe(_ sink: @escaping @Sendable (ObjectChange) -> Void) -> any Observation { Nothing() }
}
