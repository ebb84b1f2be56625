import API
public import APIMachinery
public import Client
import Support

/// The in-process way to the API: no HTTP, no encoding. Authorisation and admission apply as to anybody else.
public struct LocalClient: Client {
    let api: Verbs
    let authorizer: any Authorizer
    let user: User
    /// In whose name live sets are observed.
    var observer: User
    /// Who writes down what is asked for, if anybody does.
    var auditor: Auditor?
    let calls: LocalCalls

    // MARK: Reading

    public func get(_ target: Target) async throws(Status) -> StoredObject {
        try await audited("get", target) { () throws(Status) in
            try await authorize("get", target)
            let served = try api.served(target.resource)
            guard served.takesTime else { return try api.get(target) }
            return try await api.present(target, served)
        }
    }

    public func list(_ target: Target, _ options: ListOptions) async throws(Status) -> ObjectList {
        try await calls.count("GET") { () throws(Status) in try await page(target, options) }
    }

    private func page(_ target: Target, _ options: ListOptions) async throws(Status) -> ObjectList {
        try await authorizeCollection("list", target, (options.fieldSelector, options.labelSelector))
        let served = try api.served(target.resource)
        var request = ResourceStore.ListRequest(limit: options.limit)
        request.filter = try filter(served, target, options.labelSelector, options.fieldSelector)
        if let text = options.continueToken {
            guard let token = ContinueToken(text) else { throw .badRequest("continue key is not valid: \(text)") }
            request.continuation = token
        }
        if let revision = options.revision { request.version = .notOlderThan(revision) }
        let page: ResourceStore.Page
        if let present = try served.store?.listPresent(request) {
            page = present
        } else {
            page = try await api.page(request, served)
        }
        return ObjectList(
            items: try await served.present(page.items), revision: page.revision, continueToken: page.continuation?.text)
    }

    public func watch(_ target: Target, _ options: ListOptions) async throws(Status) -> WatchStream {
        try await calls.count("GET") { () throws(Status) in try await changes(target, options) }
    }

    private func changes(_ target: Target, _ options: ListOptions) async throws(Status) -> WatchStream {
        try await authorizeCollection("watch", target, (options.fieldSelector, options.labelSelector))
        let (served, store) = try store(target, "watch")
        let filter = try filter(served, target, options.labelSelector, options.fieldSelector)
        let follower = LocalWatch(store.cache, filter)
        try await store.watch(follower.watcher, after: options.revision)
        return WatchStream { () throws(Status) in
            guard let events = await follower.next() else { return nil }
            let objects = try await served.present(events.map(\.versioned))
            return zip(events, objects).map { event, object in
                switch event.kind {
                case .added: .added(object)
                case .modified: .modified(object)
                case .deleted: .deleted(object)
                }
            }
        }
    }

    public func observe(
        _ resource: GroupVersionResource, _ scope: ObservationScope
    ) async throws(Status) -> any ObjectSet {
        let target = Target(resource, namespace: scope.namespace ?? "")
        let selectors = (fields: scope.fieldSelector, labels: scope.labelSelector)
        try await authorizeCollection("list", target, selectors, as: observer)
        try await authorizeCollection("watch", target, selectors, as: observer)
        let (served, store) = try store(target, "watch")
        let filter = try filter(served, target, scope.labelSelector, scope.fieldSelector)
        return CachedObjectSet(cache: store.cache, filter: filter)
    }

    // MARK: Writing

    public func create(
        _ target: Target, _ object: Value, _ options: WriteOptions
    ) async throws(Status) -> StoredObject {
        let call = call(target, options)
        return try await audited("create", target, object, notes: call.notes) { () throws(Status) in
            try await authorize("create", target)
            return try await api.create(call, object).object
        }
    }

    public func update(
        _ target: Target, _ object: Value, _ options: WriteOptions
    ) async throws(Status) -> StoredObject {
        let call = call(target, options)
        return try await audited("update", target, object, notes: call.notes) { () throws(Status) in
            try await authorize("update", target)
            return try await api.update(call, object).object
        }
    }

    public func patch(_ target: Target, _ patch: Patch, _ options: WriteOptions) async throws(Status) -> StoredObject {
        var call = call(target, options)
        return try await audited("patch", target, notes: call.notes) { () throws(Status) in
            try await authorize("patch", target)
            if case .apply = patch, target.subresource == nil {
                do throws(Status) {
                    try await authorize("create", target)
                } catch {
                    call.creationRefusal = error
                }
            }
            return try await api.patch(call, patch).object
        }
    }

    public func delete(_ target: Target, _ options: DeletionOptions) async throws(Status) -> StoredObject? {
        let call = call(target, WriteOptions(isDryRun: options.isDryRun))
        return try await audited("delete", target, notes: call.notes) { () throws(Status) in
            try await authorize("delete", target)
            switch try await api.delete(call, options) {
            case .marked(let object), .removed(let object): return object
            }
        }
    }

    // MARK: Helpers

    private func call(_ target: Target, _ options: WriteOptions) -> Verbs.Call {
        var options = options
        // All parts of this process write under one name, as those of k3s do.
        if options.fieldManager.isEmpty { options.fieldManager = ManagerName.own }
        return Verbs.Call(user: user, target: target, options: options)
    }

    private func store(
        _ target: Target, _ verb: String
    ) throws(Status) -> (served: Registry.Served, store: ResourceStore) {
        let served = try api.served(target.resource)
        guard let store = served.store else { throw .methodNotAllowed(verb, target.resource) }
        return (served, store)
    }

    private func filter(
        _ served: Registry.Served, _ target: Target, _ labels: String, _ fields: String
    ) throws(Status) -> ObjectFilter {
        try ObjectFilter(
            served.definition, namespace: target.namespace, labelSelector: labels, fieldSelector: fields)
    }

    /// A collection of which one name is asked for is decided upon as that object.
    private func authorizeCollection(
        _ verb: String, _ target: Target, _ selectors: (fields: String, labels: String), as who: User? = nil
    ) async throws(Status) {
        var target = target
        if let name = FieldSelector.name(in: selectors.fields) { target.name = name }
        try await authorize(
            verb, target, AccessSelectors(fields: selectors.fields, labels: selectors.labels), as: who)
    }

    private func authorize(
        _ verb: String, _ target: Target, _ selectors: AccessSelectors = .none, as who: User? = nil
    ) async throws(Status) {
        let access = AccessRequest(user: who ?? user, verb: verb, target, selectors: selectors)
        switch await authorizer.ask(access) {
        case .allow: return
        case .deny(let reason), .noOpinion(let reason): throw .forbidden(access, reason: reason)
        case .failed(let why, _): throw .undecided(access, why)
        case .pending: preconditionFailure("an authoriser that was asked must answer")
        }
    }
}

/// One watch of the cache, taken batch by batch.
private final class LocalWatch: Sendable {
    let watcher: CacheWatcher
    private let cache: ResourceCache
    /// What wakes the consumer; apart, so that the watcher does not keep the watch alive.
    private let bell: Bell

    init(_ cache: ResourceCache, _ filter: ObjectFilter) {
        let bell = Bell()
        self.cache = cache
        self.bell = bell
        watcher = CacheWatcher(filter: filter) { bell.ring() }
    }

    deinit { cache.remove(watcher) }

    /// The next batch; `nil` when the watch was cut off or the consumer cancelled.
    func next() async -> [SelectedEvent]? {
        while !Task.isCancelled {
            guard let events = watcher.take() else { return nil }
            if !events.isEmpty { return events }
            await bell.wait()
        }
        return nil
    }
}
