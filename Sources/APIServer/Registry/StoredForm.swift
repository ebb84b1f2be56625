import APIMachinery

/// How objects lie in the log, for a store that works in another version of them.
///
/// Built-in kinds are stored in the version that their store works in. Custom resources have a store for each version
/// that is served, and objects in the log that were written in different versions.
protocol StoredForm: Sendable {
    /// Whether reading may have to ask a server outside.
    var isRemote: Bool { get }

    /// Whether the object lies in the log as it would be written now.
    func isCurrent(_ object: StoredObject) -> Bool

    /// An object in the store's version; `nil` when only a server outside can tell.
    func present(_ object: StoredObject) -> StoredObject?

    /// Objects in the store's version.
    func present(_ objects: [StoredObject]) async throws(Status) -> [StoredObject]

    /// An object of the store's version as it goes to the log.
    func stored(_ object: Value) async throws(Status) -> Value

    /// Objects of any versions in the one of this name, without its defaults.
    func converted(_ objects: [Value], to apiVersion: String) async throws(Status) -> [Value]
}
