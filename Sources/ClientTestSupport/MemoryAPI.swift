import API
public import APIMachinery
public import Client
import Support
import Synchronization

/// An API that holds its objects in memory: what a test gives to controllers instead of a server.
///
/// Objects get a uid (`uid-1`, `uid-2`, ...), a creation time and a version. Every write is noted in
/// ``journal``.
public final class MemoryAPI: Client {
    struct State {
        var objects: [GroupVersionResource: [ObjectName: StoredObject]] = [:]
        var revision: Int64 = 0
        var uids = 0
        var names = 0
        var journal: [String] = []
        var observers: [Int: Observer] = [:]
        var observerCount = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    struct Observer {
        var resource: GroupVersionResource
        var scope: ObservationScope
        var sink: @Sendable (ObjectChange) -> Void
    }

    let state = Mutex(State())
    private let creationTime: String

    /// - Parameter creationTime: What new objects get as their creation, and deleted ones as their deletion.
    public init(creationTime: String = "2030-01-01T00:00:00Z") { self.creationTime = creationTime }

    /// The writes so far, a line each: `create pods default/web`, `update persistentvolumes/status data`.
    public var journal: [String] { state.withLock(\.journal) }

    /// Returns when `condition` holds, or when the task is cancelled; looks again after each write.
    public func wait(for condition: (MemoryAPI) -> Bool) async {
        while !Task.isCancelled {
            let seen = state.withLock(\.revision)
            if condition(self) { return }
            await waitForWrite(after: seen)
        }
    }

    private func waitForWrite(after revision: Int64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard state.revision == revision, !Task.isCancelled else { return false }
                    state.waiting.append(continuation)
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    /// The present version, without the ceremony of a request.
    public func peek<R: ResourceView>(_: R.Type, _ name: String, in namespace: String = "") -> R? {
        let name = ObjectName(namespace: namespace, name: name)
        return state.withLock { $0.objects[R.resource]?[name] }.map { R($0) }
    }

    /// All present objects of a kind, in order.
    public func peek<R: ResourceView>(all _: R.Type) -> [R] {
        state.withLock { $0.objects[R.resource] ?? [:] }.sorted { $0.key < $1.key }.map { R($0.value) }
    }

    // MARK: Reading

    public func get(_ target: Target) async throws(Status) -> StoredObject {
        guard let object = state.withLock({ $0.objects[target.resource]?[target.objectName] }) else {
            throw .notFound(target.resource, target.name)
        }
        return object
    }

    public func list(_ target: Target, _ options: ListOptions) async throws(Status) -> ObjectList {
        let scope = ObservationScope(
            namespace: target.namespace.isEmpty ? nil : target.namespace, labelSelector: options.labelSelector
        )
        let items = MemorySet(api: self, resource: target.resource, scope: scope).list(namespace: nil)
        return ObjectList(items: items, revision: state.withLock(\.revision))
    }

    public func watch(_ target: Target, _ options: ListOptions) async throws(Status) -> WatchStream {
        throw Status(
            code: 405, reason: .methodNotAllowed, message: "this API has no watches; observe instead")
    }

    public func observe(
        _ resource: GroupVersionResource, _ scope: ObservationScope
    ) async throws(Status) -> any ObjectSet {
        MemorySet(api: self, resource: resource, scope: scope)
    }

    // MARK: Writing

    public func create(
        _ target: Target, _ object: Value, _ options: WriteOptions
    ) async throws(Status) -> StoredObject {
        if target.resource == .pods, target.subresource == "binding" { return try bind(target, object) }
        var object = object
        let resource = target.resource
        return try transaction { state throws(Status) in
            var metadata = object["metadata"] ?? .emptyObject
            var name = metadata["name"]?.string ?? ""
            if name.isEmpty, let prefix = metadata["generateName"]?.string {
                state.names += 1
                name = prefix + String(state.names)
            }
            let objectName = ObjectName(namespace: target.namespace, name: name)
            guard state.objects[resource]?[objectName] == nil else { throw .alreadyExists(resource, name) }
            state.uids += 1
            metadata["name"] = .string(name)
            metadata["namespace"] = target.namespace.isEmpty ? nil : .string(target.namespace)
            metadata["uid"] = metadata["uid"] ?? .string("uid-\(state.uids)")
            metadata["creationTimestamp"] = metadata["creationTimestamp"] ?? .string(creationTime)
            object["metadata"] = metadata
            state.note("create", target, objectName)
            return state.put(resource, objectName, object)
        }
    }

    public func update(
        _ target: Target, _ object: Value, _ options: WriteOptions
    ) async throws(Status) -> StoredObject {
        try change(target, verb: "update") { _ throws(Status) in object }
    }

    public func patch(
        _ target: Target, _ patch: Patch, _ options: WriteOptions
    ) async throws(Status) -> StoredObject {
        let type = BuiltinResources.shared.definition(of: target.resource)?.type
        return try change(target, verb: "patch") { present throws(Status) in
            do throws(PatchError) {
                switch patch {
                case .json(let operations): return try JSONPatch(.array(operations)).apply(to: present)
                case .merge(let patch): return try MergePatch.apply(patch, to: present)
                case .apply: throw PatchError(.failed, "this stand-in for the API keeps no owners of fields")
                case .strategicMerge(let patch):
                    guard let type else { throw PatchError(.failed, "\(target.resource) has no schema") }
                    return try StrategicMergePatch.apply(patch, to: present, schema: type)
                }
            } catch {
                throw error.status
            }
        }
    }

    public func delete(_ target: Target, _ options: DeletionOptions) async throws(Status) -> StoredObject? {
        let name = target.objectName
        return try transaction { state throws(Status) in
            guard let present = state.objects[target.resource]?[name] else {
                throw .notFound(target.resource, target.name)
            }
            if let uid = options.preconditionUID, uid != present.uid {
                throw .conflict(target.resource, target.name, "it is another object")
            }
            state.note("delete", target, name)
            var object = present.value
            var finalizers = object.at("metadata", "finalizers")?.array ?? []
            switch options.propagation {
            case .foreground: finalizers.append("foregroundDeletion")
            case .orphan: finalizers.append("orphan")
            case .background, nil: break
            }
            let isOnNode = target.resource == .pods && object.at("spec", "nodeName") != nil
            let hasGrace = isOnNode && options.gracePeriodSeconds != 0
            let isHeld = !finalizers.isEmpty || !(object.at("spec", "finalizers")?.array ?? []).isEmpty
            guard hasGrace || isHeld else { return state.remove(target.resource, name) }
            if !finalizers.isEmpty { object[path: ["metadata", "finalizers"]] = .array(finalizers) }
            if !present.isDeleting {
                object[path: ["metadata", "deletionTimestamp"]] = .string(creationTime)
            }
            if target.resource == .pods, !hasGrace { object[path: ["metadata", "deletionGracePeriodSeconds"]] = 0 }
            return state.put(target.resource, name, object)
        }
    }

    // MARK: Helpers

    private func bind(_ target: Target, _ binding: Value) throws(Status) -> StoredObject {
        try change(Target(.pods, target.objectName), verb: "bind") { present throws(Status) in
            var pod = present
            pod[path: ["spec", "nodeName"]] = binding.at("target", "name")
            return pod
        }
    }

    /// Replaces an object by what `transform` makes of it, as far as the subresource reaches.
    private func change(
        _ target: Target, verb: String, _ transform: (Value) throws(Status) -> Value
    ) throws(Status) -> StoredObject {
        let name = target.objectName
        let definition = BuiltinResources.shared.definition(of: target.resource)
        return try transaction { state throws(Status) in
            guard let present = state.objects[target.resource]?[name] else {
                throw .notFound(target.resource, target.name)
            }
            let current = present.value
            var proposed = try transform(current)
            let version = proposed.at("metadata", "resourceVersion")?.string ?? ""
            guard version.isEmpty || version == String(present.revision) else {
                throw .modified(target.resource, target.name)
            }
            if let uid = proposed.at("metadata", "uid")?.string, uid != present.uid {
                throw .conflict(target.resource, target.name, "the uid in the precondition is another")
            }
            switch target.subresource {
            case "status"?:
                let status = proposed["status"]
                proposed = current
                proposed["status"] = status
            case "finalize"?:
                let finalizers = proposed.at("spec", "finalizers")
                proposed = current
                proposed[path: ["spec", "finalizers"]] = finalizers
            default:
                if definition?.hasStatus == true { proposed["status"] = current["status"] }
            }
            for key in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"] {
                proposed[path: ["metadata", key]] = current.at("metadata", key)
            }
            guard proposed != current else { return present }
            state.note(verb, target, name)
            let holds = ["metadata", "spec"].flatMap { proposed.at($0, "finalizers")?.array ?? [] }
            // A pod on a node is there until its node says that it has ended.
            let isOnNode = target.resource == .pods && current.at("metadata", "deletionGracePeriodSeconds") != 0
            if present.isDeleting, holds.isEmpty, !isOnNode {
                return state.remove(target.resource, name) ?? present
            }
            return state.put(target.resource, name, proposed)
        }
    }

    /// Changes the state, and wakes whoever waits for a state.
    private func transaction<Answer>(_ body: (inout State) throws(Status) -> Answer) throws(Status) -> Answer
    {
        let outcome: (Result<Answer, Status>, [CheckedContinuation<Void, Never>]) = state.withLock { state in
            let result: Result<Answer, Status>
            do throws(Status) { result = .success(try body(&state)) } catch { result = .failure(error) }
            let waiting = state.waiting
            state.waiting = []
            return (result, waiting)
        }
        for continuation in outcome.1 { continuation.resume() }
        return try outcome.0.get()
    }
}

extension MemoryAPI.State {
    mutating func note(_ verb: String, _ target: Target, _ name: ObjectName) {
        let resource = target.resource.resource + (target.subresource.map { "/" + $0 } ?? "")
        journal.append("\(verb) \(resource) \(name)")
    }

    mutating func put(_ resource: GroupVersionResource, _ name: ObjectName, _ object: Value) -> StoredObject {
        revision += 1
        var object = object
        object[path: ["metadata", "resourceVersion"]] = .string(String(revision))
        let stored = StoredObject(received: object)
        let old = objects[resource, default: [:]].updateValue(stored, forKey: name)
        tell(resource, ObjectChange(old: old, new: stored))
        return stored
    }

    mutating func remove(_ resource: GroupVersionResource, _ name: ObjectName) -> StoredObject? {
        guard let old = objects[resource]?.removeValue(forKey: name) else { return nil }
        revision += 1
        tell(resource, ObjectChange(old: old, new: nil))
        return old
    }

    /// Sinks run under the lock: they may not ask the API, as the protocol of sets says.
    private func tell(_ resource: GroupVersionResource, _ change: ObjectChange) {
        for observer in observers.sorted(by: { $0.key < $1.key }).map(\.value)
        where observer.resource == resource && observer.scope.contains(change.name) {
            observer.sink(change)
        }
    }
}
