import API
import APIMachinery
import Client
import Support
import Synchronization

@testable import Controllers

/// What nodes do to the pods of jobs: those that run end as `outcome` says, those that are to go are let go.
struct JobNode: Controller {
    let name = "node"
    /// The phase that a pod comes to; `nil` when it runs on. Asked once for each pod.
    let outcome: @Sendable (Pod) -> String?
    private let asked = Names()

    init(_ outcome: @escaping @Sendable (Pod) -> String?) { self.outcome = outcome }

    func run(_ context: ControllerContext) async throws(Status) {
        let pods = try await context.client.observe(Pod.self)
        await ReconcileLoop<ObjectName>(context).run([.own(pods)]) { name throws(Status) in
            guard let pod = pods.get(Pod.self, name), !pod.isFinished else { return nil }
            guard pod.metadata.deletionTimestamp == nil else {
                try await context.client.forceDelete(pod, at: context.now())
                return nil
            }
            guard let phase = asked.insert(pod.metadata.uid) ? outcome(pod) ?? "Running" : nil else { return nil }
            let patch: Value = [
                "metadata": ["uid": .string(pod.metadata.uid)], "status": ["phase": .string(phase)],
            ]
            try await context.client.patch(Pod.self, name, subresource: "status", .strategicMerge(patch))
            return nil
        }
    }
}

/// Which were there before.
final class Names: Sendable {
    private let names = Mutex<Set<String>>([])

    /// Whether it is new.
    func insert(_ name: String) -> Bool { names.withLock { $0.insert(name).inserted } }

    var count: Int { names.withLock(\.count) }
}

/// An API that is lost to its user after some writes: it may or may not have carried the last one out.
final class BreakingAPI: Client {
    private let api: any Client
    private let left: Mutex<Int>
    private let isLastDone: Bool
    private let bell = Bell()

    init(_ api: any Client, after writes: Int, isLastDone: Bool) {
        self.api = api
        left = Mutex(writes)
        self.isLastDone = isLastDone
    }

    var isBroken: Bool { left.withLock { $0 < 0 } }

    /// Returns when it is lost, or when the task is cancelled.
    func waitUntilBroken() async {
        while !isBroken, !Task.isCancelled { await bell.wait() }
    }

    private func write<Answer>(_ body: () async throws(Status) -> Answer) async throws(Status) -> Answer {
        let number = left.withLock { left in
            left -= 1
            return left
        }
        if number >= 0 { return try await body() }
        // Events are written by a part of its own; what counts are the writes of the controller.
        if number == -1, isLastDone { _ = try await body() }
        bell.ring()
        throw .serviceUnavailable("broken")
    }

    func get(_ target: Target) async throws(Status) -> StoredObject { try await api.get(target) }

    func list(_ target: Target, _ options: ListOptions) async throws(Status) -> ObjectList {
        try await api.list(target, options)
    }

    func watch(_ target: Target, _ options: ListOptions) async throws(Status) -> WatchStream {
        try await api.watch(target, options)
    }

    func observe(
        _ resource: GroupVersionResource, _ scope: ObservationScope
    ) async throws(Status) -> any ObjectSet { try await api.observe(resource, scope) }

    func create(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status) -> StoredObject {
        if target.resource == .events { return try await api.create(target, object, options) }
        return try await write { () throws(Status) in try await api.create(target, object, options) }
    }

    func update(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status) -> StoredObject {
        try await write { () throws(Status) in try await api.update(target, object, options) }
    }

    func patch(_ target: Target, _ patch: Patch, _ options: WriteOptions) async throws(Status) -> StoredObject {
        if target.resource == .events { return try await api.patch(target, patch, options) }
        return try await write { () throws(Status) in try await api.patch(target, patch, options) }
    }

    func delete(_ target: Target, _ options: DeletionOptions) async throws(Status) -> StoredObject? {
        try await write { () throws(Status) in try await api.delete(target, options) }
    }
}
