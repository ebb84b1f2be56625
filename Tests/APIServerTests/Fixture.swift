import APIMachinery
import Client
import Datastore
import Support
import Synchronization

@testable import APIServer

/// One made-up resource over a log in memory, for tests of what is the same for all kinds.
struct Fixture {
    static let widgets = GroupVersionResource(group: "test.io", version: "v1", resource: "widgets")
    static let now = Timestamp(seconds: 1_800_000_000)

    let datastore: MemoryDatastore
    let log: ObjectLog
    let store: ResourceStore

    init(
        strategy: any ResourceStrategy = PlainStrategy(), datastore: MemoryDatastore = MemoryDatastore(),
        admission: [any AdmissionPlugin] = [], now: @escaping @Sendable () -> Timestamp = { Self.now }
    ) async throws {
        self.datastore = datastore
        log = try await ObjectLog.open(
            datastore, [ObjectLog.Stored(resource: Self.widgets, prefix: "test.io/widgets")])
        let kind = ServedKind(
            resource: Self.widgets, kind: "Widget", isNamespaced: true, hasStatus: true, countsGenerations: true,
            strategy: strategy)
        store = ResourceStore(kind, log: log, admission: AdmissionChain(plugins: admission), now: now)
    }

    func request(_ name: String = "", verb: WriteRequest.Verb = .update, isDryRun: Bool = false) -> WriteRequest {
        WriteRequest(
            user: .apiServer, target: Target(Self.widgets, namespace: "ns", name: name),
            options: WriteOptions(isDryRun: isDryRun), verb: verb)
    }

    @discardableResult
    func create(_ name: String, _ fields: Value = [:]) async throws -> StoredObject {
        var object = fields
        object[path: ["metadata", "name"]] = .string(name)
        return try await store.create(object, request(verb: .create))
    }

    @discardableResult
    func update(
        _ name: String, scope: UpdatePlan.Scope = .main(hasStatus: true),
        _ change: @escaping @Sendable (inout Value) -> Void
    ) async throws -> StoredObject {
        try await store.update(
            ObjectName(namespace: "ns", name: name), request(name),
            ResourceStore.Transform(
                apply: { current in
                    var object = current
                    change(&object)
                    return object
                }, scope: scope))
    }

    func delete(_ name: String, _ options: DeletionOptions = DeletionOptions()) async throws -> ResourceStore.Deletion {
        try await store.delete(ObjectName(namespace: "ns", name: name), request(name, verb: .delete), options)
    }
}

/// Collects what a watch delivers.
final class Collector: Sendable {
    private let events = Mutex<[String]>([])

    /// What came so far, as `ADDED a@3`.
    func drain(_ watcher: CacheWatcher) -> [String] {
        let new = (watcher.take() ?? []).map { "\($0.kind.rawValue) \($0.object.name)@\($0.revision)" }
        return events.withLock { events in
            events += new
            return events
        }
    }
}

/// What a test did not expect.
struct Unexpected: Error {
    var what: String
    init(_ what: String) { self.what = what }
}
