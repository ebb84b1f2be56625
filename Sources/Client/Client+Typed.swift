public import APIMachinery

/// The verbs with typed views: `client.get(Pod.self, name)`.
extension Client {
    public func get<R: ResourceView>(_: R.Type, _ name: ObjectName) async throws(Status) -> R {
        R(try await get(Target(R.resource, name)))
    }

    /// The object, or `nil` when there is none. Other failures are thrown.
    public func find<R: ResourceView>(_: R.Type, _ name: ObjectName) async throws(Status) -> R? {
        do throws(Status) {
            return try await get(R.self, name)
        } catch {
            guard error.isNotFound else { throw error }
            return nil
        }
    }

    public func list<R: ResourceView>(
        _: R.Type, namespace: String = "", _ options: ListOptions = ListOptions()
    ) async throws(Status) -> [R] {
        try await list(Target(R.resource, namespace: namespace), options).items.map { R($0) }
    }

    @discardableResult
    public func create<R: ResourceView>(_ object: R) async throws(Status) -> R {
        let target = Target(R.resource, namespace: object.objectName.namespace)
        return R(try await create(target, object.value, WriteOptions()))
    }

    @discardableResult
    public func update<R: ResourceView>(_ object: R) async throws(Status) -> R {
        R(try await update(Target(R.resource, object.objectName), object.value, WriteOptions()))
    }

    @discardableResult
    public func updateStatus<R: ResourceView>(_ object: R) async throws(Status) -> R {
        let target = Target(R.resource, object.objectName, subresource: "status")
        return R(try await update(target, object.value, WriteOptions()))
    }

    @discardableResult
    public func patch<R: ResourceView>(
        _: R.Type, _ name: ObjectName, subresource: String? = nil, _ patch: Patch
    ) async throws(Status) -> R {
        R(try await self.patch(Target(R.resource, name, subresource: subresource), patch, WriteOptions()))
    }

    /// Deletes; that it is gone already is no failure.
    public func delete<R: ResourceView>(
        _: R.Type, _ name: ObjectName, _ options: DeletionOptions = DeletionOptions()
    ) async throws(Status) {
        do throws(Status) {
            try await delete(Target(R.resource, name), options)
        } catch {
            guard error.isNotFound else { throw error }
        }
    }

    public func observe<R: ResourceView>(
        _: R.Type, _ scope: ObservationScope = .all
    ) async throws(Status) -> any ObjectSet {
        try await observe(R.resource, scope)
    }
}

extension ObjectSet {
    /// The present version as a typed view. Parses it: keep the result while you work on it.
    public func get<R: ResourceView>(_: R.Type, _ name: ObjectName) -> R? { get(name).map { R($0) } }
}
