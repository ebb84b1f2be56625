import API
import APIMachinery
import Client
import Support
import Synchronization

/// The API in memory, for tests: objects, their changes and who observes them. Nothing is validated, nobody
/// is refused.
final class MemoryClient: Client {
    /// Answers a request to a subresource other than `status`.
    typealias Subresource = @Sendable (Target, Value) throws(Status) -> Value

    private struct Key: Hashable {
        var resource: GroupVersionResource
        var name: ObjectName
    }

    private struct State {
        var objects: [Key: StoredObject] = [:]
        var revision: Int64 = 0
        var observers: [Int: Observer] = [:]
        var lastObserver = 0
        var writes: [String] = []
    }

    private struct Observer {
        var resource: GroupVersionResource
        var scope: ObservationScope
        var sink: @Sendable (ObjectChange) -> Void
    }

    private let state = Mutex(State())
    private let subresource: Subresource?
    private let observersChanged = Bell()
    /// Held from reading what is to be changed to writing it.
    private let writing = Mutex(())

    init(_ subresource: Subresource? = nil) { self.subresource = subresource }

    // MARK: What a test does and sees

    /// Creates or replaces an object without an account in ``writes``.
    @discardableResult
    func put(_ object: some ResourceView) -> StoredObject {
        var value = object.value
        if value.at("metadata", "uid") == nil {
            value[path: ["metadata", "uid"]] = .string("uid-" + object.objectName.name)
        }
        return store(value, Target(type(of: object).resource, object.objectName))
    }

    /// Changes an object that is there, without an account in ``writes``; what others write meanwhile stays.
    func change<R: ResourceView>(_: R.Type, _ name: ObjectName, _ change: @Sendable (inout R) -> Void) throws(Status) {
        let target = Target(R.resource, name)
        _ = try writing.withLock { _ throws(Status) in
            var object = R(try find(target))
            change(&object)
            return store(object.value, target)
        }
    }

    /// Removes an object without an account in ``writes``.
    func remove<R: ResourceView>(_: R.Type, _ name: ObjectName) {
        change(Key(resource: R.resource, name: name), to: nil)
    }

    /// `VERB PATH` of each write so far.
    var writes: [String] { state.withLock(\.writes) }

    /// How many observations are open.
    var observerCount: Int { state.withLock(\.observers.count) }

    /// Returns when as many observations are open as `isRight` says. One test waits at a time.
    func waitForObservers(_ isRight: (Int) -> Bool) async {
        while !isRight(observerCount), !Task.isCancelled { await observersChanged.wait() }
    }

    // MARK: Client

    func get(_ target: Target) async throws(Status) -> StoredObject { try find(target) }

    func list(_ target: Target, _ options: ListOptions) async throws(Status) -> ObjectList {
        let scope = ObservationScope(
            namespace: target.namespace.isEmpty ? nil : target.namespace,
            labelSelector: options.labelSelector,
            fieldSelector: options.fieldSelector)
        return ObjectList(items: select(target.resource, scope), revision: state.withLock(\.revision))
    }

    func watch(_ target: Target, _ options: ListOptions) async throws(Status) -> WatchStream {
        throw Status(
            code: 405, reason: .methodNotAllowed, message: "the memory client is observed, not watched")
    }

    func create(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status)
        -> StoredObject
    {
        note("create", target)
        if target.subresource != nil { return try answer(target, object) }
        var target = target
        target.name = object.at("metadata", "name")?.string ?? ""
        let key = Key(resource: target.resource, name: target.objectName)
        guard state.withLock({ $0.objects[key] == nil }) else {
            throw .alreadyExists(target.resource, target.name)
        }
        var object = object
        if object.at("metadata", "uid") == nil {
            object[path: ["metadata", "uid"]] = .string("made-\(state.withLock(\.revision) + 1)")
        }
        return store(object, target)
    }

    func update(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status)
        -> StoredObject
    {
        note("update", target)
        if let subresource = target.subresource, subresource != "status" { return try answer(target, object) }
        return try writing.withLock { _ throws(Status) in
            let old = try find(target)
            if let base = object.at("metadata", "resourceVersion")?.string, base != String(old.revision) {
                throw .modified(target.resource, target.name)
            }
            var value = target.subresource == "status" ? old.value : object
            value["status"] = target.subresource == "status" ? object["status"] : old.value["status"]
            return store(value, target)
        }
    }

    func patch(_ target: Target, _ patch: Patch, _ options: WriteOptions) async throws(Status) -> StoredObject
    {
        note("patch", target)
        return try writing.withLock { _ throws(Status) in
            let old = try find(target).value
            do throws(PatchError) { return store(try Self.patched(old, patch, target), target) } catch {
                throw .badRequest("\(error)")
            }
        }
    }

    private static func patched(_ old: Value, _ patch: Patch, _ target: Target) throws(PatchError) -> Value {
        switch patch {
        case .json(let steps): return try JSONPatch(.array(steps)).apply(to: old)
        case .merge(let change): return try MergePatch.apply(change, to: old)
        case .apply: throw PatchError(.inapplicable, "this stand-in for the API keeps no owners of fields")
        case .strategicMerge(let change):
            guard let type = BuiltinResources.shared.definition(of: target.resource)?.type else {
                return try MergePatch.apply(change, to: old)
            }
            return try StrategicMergePatch.apply(change, to: old, schema: type)
        }
    }

    func delete(_ target: Target, _ options: DeletionOptions) async throws(Status) -> StoredObject? {
        note("delete", target)
        let old = try find(target)
        change(Key(resource: target.resource, name: target.objectName), to: nil)
        return old
    }

    func observe(
        _ resource: GroupVersionResource, _ scope: ObservationScope
    ) async throws(Status) -> any ObjectSet {
        MemorySet(client: self, resource: resource, scope: scope)
    }

    // MARK: State

    private func note(_ verb: String, _ target: Target) {
        state.withLock { $0.writes.append("\(verb) \(target)") }
    }

    private func answer(_ target: Target, _ object: Value) throws(Status) -> StoredObject {
        guard let subresource else { throw .notFound(target.resource, target.name) }
        return StoredObject(received: try subresource(target, object))
    }

    private func find(_ target: Target) throws(Status) -> StoredObject {
        let key = Key(resource: target.resource, name: target.objectName)
        guard let object = state.withLock({ $0.objects[key] }) else {
            throw .notFound(target.resource, target.name)
        }
        return object
    }

    private func store(_ value: Value, _ target: Target) -> StoredObject {
        var value = value
        let revision = state.withLock { state in
            state.revision += 1
            return state.revision
        }
        value[path: ["metadata", "resourceVersion"]] = .string(String(revision))
        let object = StoredObject(received: value)
        change(Key(resource: target.resource, name: target.objectName), to: object)
        return object
    }

    /// Tells the observers under the lock, so that changes come to them one after the other.
    private func change(_ key: Key, to new: StoredObject?) {
        state.withLock { state in
            let old = state.objects[key]
            state.objects[key] = new
            for observer in state.observers.values where observer.resource == key.resource {
                let (before, after) = (
                    old.flatMap { Self.matches($0, observer.scope) ? $0 : nil },
                    new.flatMap { Self.matches($0, observer.scope) ? $0 : nil }
                )
                if before != nil || after != nil { observer.sink(ObjectChange(old: before, new: after)) }
            }
        }
    }

    fileprivate func select(_ resource: GroupVersionResource, _ scope: ObservationScope) -> [StoredObject] {
        state.withLock { state in
            state.objects.filter { $0.key.resource == resource && Self.matches($0.value, scope) }.map(\.value)
                .sorted { $0.objectName < $1.objectName }
        }
    }

    fileprivate func observe(
        _ resource: GroupVersionResource, _ scope: ObservationScope,
        _ sink: @escaping @Sendable (ObjectChange) -> Void
    ) -> Int {
        defer { observersChanged.ring() }
        return state.withLock { state in
            for (key, object) in state.objects where key.resource == resource && Self.matches(object, scope) {
                sink(ObjectChange(old: nil, new: object))
            }
            state.lastObserver += 1
            state.observers[state.lastObserver] = Observer(resource: resource, scope: scope, sink: sink)
            return state.lastObserver
        }
    }

    fileprivate func cancel(_ id: Int) {
        state.withLock { $0.observers[id] = nil }
        observersChanged.ring()
    }

    private static func matches(_ object: StoredObject, _ scope: ObservationScope) -> Bool {
        if let namespace = scope.namespace, namespace != object.namespace { return false }
        guard let labels = try? LabelSelector(scope.labelSelector),
            let fields = try? FieldSelector(scope.fieldSelector)
        else { return false }
        let value = object.value
        return labels.matches(object.labels)
            && fields.matches { value[path: $0.split(separator: ".").map(String.init)]?.string }
    }
}

/// Some objects of a ``MemoryClient``.
private struct MemorySet: ObjectSet {
    let client: MemoryClient
    let resource: GroupVersionResource
    let scope: ObservationScope

    func get(_ name: ObjectName) -> StoredObject? { list(namespace: nil).first { $0.objectName == name } }

    func list(namespace: String?) -> [StoredObject] {
        client.select(resource, scope).filter { namespace == nil || $0.namespace == namespace }
    }

    func owned(by uid: String) -> [StoredObject] {
        list(namespace: nil).filter { $0.owners.contains { $0.uid == uid } }
    }

    func observe(_ sink: @escaping @Sendable (ObjectChange) -> Void) -> any Observation {
        MemoryObservation(client: client, id: client.observe(resource, scope, sink))
    }
}

private struct MemoryObservation: Observation {
    let client: MemoryClient
    let id: Int

    func cancel() { client.cancel(id) }
}

extension MemoryClient {
    /// The object as a test wants to look at it.
    func present<R: ResourceView>(_: R.Type, _ name: ObjectName) -> R? {
        MemorySet(client: self, resource: R.resource, scope: .all).get(R.self, name)
    }
}
