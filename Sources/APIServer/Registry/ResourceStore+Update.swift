import APIMachinery
import Client
import Datastore
import Support

extension ResourceStore {
    /// A change without `resourceVersion` that always loses its compare-and-set gives up after so many tries.
    private static let updateAttempts = 64

    /// What `transform` is given to make the next version from.
    struct Transform: Sendable {
        /// Makes the client's whole object from the present one. Called again when another write came first.
        var apply: @Sendable (Value) throws(Status) -> Value
        var scope: UpdatePlan.Scope
        /// Makes the object when there is none, for kinds where PUT creates.
        var create: (@Sendable () throws(Status) -> Value)?
    }

    /// Replaces an object by what `transform` makes of it; with a `resourceVersion` in the result only that version.
    func update(
        _ name: ObjectName, _ request: WriteRequest, _ transform: Transform
    ) async throws(Status) -> StoredObject {
        for _ in 0..<Self.updateAttempts {
            guard let current = cache.get(name) else {
                guard kind.allowsCreateOnUpdate, let make = transform.create else {
                    throw .notFound(resource, name.name)
                }
                return try await create(try make(), request)
            }
            let proposed = try transform.apply(current.value)
            let expected = try expectedRevision(proposed, name)
            if let expected, expected != current.revision { throw .modified(resource, name.name) }
            do throws(CommitFailure) {
                return try await write(proposed, over: current, request, transform.scope)
            } catch {
                switch error {
                case .failed(let status): throw status
                case .lost:
                    if expected != nil { throw .modified(resource, name.name) }
                }
            }
        }
        throw .modified(resource, name.name)
    }

    private func expectedRevision(_ proposed: Value, _ name: ObjectName) throws(Status) -> Revision? {
        let text = proposed.at("metadata", "resourceVersion")?.string ?? ""
        if text.isEmpty || text == "0" {
            guard !kind.allowsUnconditionalUpdate else { return nil }
            let error = FieldError.invalid(
                "metadata.resourceVersion", value: .string(text), "must be specified for an update")
            throw .invalid(kind.groupVersionKind, name.name, [error])
        }
        guard let revision = Revision(text) else {
            throw .badRequest("Invalid value: \"\(text)\": strconv.ParseUint: parsing \"\(text)\": invalid syntax")
        }
        return revision
    }

    private func write(
        _ proposed: Value, over current: StoredObject, _ request: WriteRequest, _ scope: UpdatePlan.Scope
    ) async throws(CommitFailure) -> StoredObject {
        let old = current.value
        let object: Value
        do throws(Status) {
            object = try await prepare(proposed, over: old, request, scope)
        } catch {
            throw .failed(error)
        }
        var logged = object
        logged[path: ["metadata", "resourceVersion"]] = old.at("metadata", "resourceVersion")
        // Nothing changed: nothing is written, and the revision stays, as in Kubernetes.
        if logged == old { return current }
        if DeletionPlan.isReleased(object) {
            try await remove(current, isDryRun: request.options.isDryRun)
            return current
        }
        do throws(CommitFailure) {
            let stored = try await commit(current.objectName, object, replacing: current, request.options)
            let (unused, kept) = request.options.isDryRun ? (object, old) : (old, object)
            kind.strategy.release(unused, keeping: kept)
            return stored
        } catch {
            kind.strategy.release(object, keeping: old)
            throw error
        }
    }

    private func prepare(
        _ proposed: Value, over old: Value, _ request: WriteRequest, _ scope: UpdatePlan.Scope
    ) async throws(Status) -> Value {
        let plan = UpdatePlan(resource: resource, scope: scope, countsGenerations: kind.countsGenerations)
        var object = try plan.apply(proposed, over: old)
        try await kind.strategy.prepareForUpdate(&object, over: old, request)
        do throws(Status) {
            try await admission.admit(&object, request, over: old)
            object = plan.countGeneration(object, over: old)
            var errors = kind.validation.validate(object)
            if scope.obeysUpdateRules { errors += kind.validation.validateUpdate(object, over: old) }
            try check(object, errors)
            try await admission.validate(object, request, over: old)
            return object
        } catch {
            kind.strategy.release(object, keeping: old)
            throw error
        }
    }
}
