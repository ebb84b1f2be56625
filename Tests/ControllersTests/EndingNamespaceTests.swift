import API
import APIMachinery
import ClientTestSupport
import Logging
import Testing

@testable import Client
@testable import Controllers

/// What controllers make of a namespace that is being deleted.
@Suite(.timeLimit(.minutes(2))) struct EndingNamespaceTests {
    struct Refusal: Sendable {
        var code: Int
        var causes: [String]
        var isEnding: Bool

        var status: Status {
            Status(
                code: code, reason: .forbidden, message: "no",
                details: Status.Details(causes: causes.map { Status.Cause(reason: $0, message: "", field: "") }))
        }
    }

    private static let refusals = [
        Refusal(code: 403, causes: ["NamespaceTerminating"], isEnding: true),
        Refusal(code: 403, causes: ["Other", "NamespaceTerminating"], isEnding: true),
        Refusal(code: 403, causes: ["Other"], isEnding: false),
        Refusal(code: 403, causes: [], isEnding: false),
        Refusal(code: 422, causes: ["NamespaceTerminating"], isEnding: false),
    ]

    @Test(arguments: refusals) func `what cannot be created there is not tried again`(refusal: Refusal) async throws {
        #expect(refusal.status.isNamespaceEnding == refusal.isEnding)
        let api = MemoryAPI()
        let pods = try await api.observe(Pod.self)
        let figure = QueueFigures().queue("test")
        var prepared = ControllerContext(
            client: api, events: EventRecorder(api, component: "test"),
            log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), clock: ManualClock())
        prepared.figure = figure
        let context = prepared
        let (calls, call) = AsyncStream.makeStream(of: String.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await ReconcileLoop<ObjectName>(context).run([.own(pods)], workers: 1) { name throws(Status) in
                    call.yield(name.name)
                    if name.name == "a" { throw refusal.status }
                    return nil
                }
            }
            defer { group.cancelAll() }
            try await api.create(Pod(namespace: "default", name: "a"))
            try await api.create(Pod(namespace: "default", name: "b"))
            // There is one worker: with the second pod it is done with the first.
            for await name in calls where name == "b" { break }
            #expect(figure.counts.retries == (refusal.isEnding ? 0 : 1))
        }
    }

    @Test func `a set in a namespace that ends has not failed`() async throws {
        let api = RefusingAPI(Refusal(code: 403, causes: ["NamespaceTerminating"], isEnding: true).status)
        var set = ReplicaSet(namespace: "default", name: "web")
        set.value["spec"] = [
            "replicas": 1, "selector": ["matchLabels": ["app": "web"]],
            "template": [
                "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "c", "image": "i"]]],
            ],
        ]
        set = try await api.memory.create(set)
        set.value[path: ["status", "conditions"]] = [
            ["type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"]
        ]
        try await api.memory.updateStatus(set)
        try await running([ReplicaSetController()], on: api) {
            await api.memory.wait { $0.peek(ReplicaSet.self, "web", in: "default")?.status.conditions.isEmpty == true }
            #expect(api.memory.peek(all: Pod.self).isEmpty)
            #expect(api.memory.peek(all: Event.self).isEmpty)
        }
    }
}

/// An API in memory that creates no pods.
private struct RefusingAPI: Client {
    let memory = MemoryAPI()
    let refusal: Status

    init(_ refusal: Status) { self.refusal = refusal }

    func observe(
        _ resource: GroupVersionResource, _ scope: ObservationScope
    ) async throws(Status) -> any ObjectSet {
        try await memory.observe(resource, scope)
    }

    func get(_ target: Target) async throws(Status) -> StoredObject { try await memory.get(target) }

    func list(_ target: Target, _ options: ListOptions) async throws(Status) -> ObjectList {
        try await memory.list(target, options)
    }

    func watch(_ target: Target, _ options: ListOptions) async throws(Status) -> WatchStream {
        try await memory.watch(target, options)
    }

    func create(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status) -> StoredObject {
        if target.resource == .pods { throw refusal }
        return try await memory.create(target, object, options)
    }

    func update(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status) -> StoredObject {
        try await memory.update(target, object, options)
    }

    func patch(_ target: Target, _ patch: Patch, _ options: WriteOptions) async throws(Status) -> StoredObject {
        try await memory.patch(target, patch, options)
    }

    func delete(_ target: Target, _ options: DeletionOptions) async throws(Status) -> StoredObject? {
        try await memory.delete(target, options)
    }
}
