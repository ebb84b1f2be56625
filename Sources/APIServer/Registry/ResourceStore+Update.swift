import APIMachinery
import Client
import Datastore
import Support

extension ResourceStore {
    /// A change that is no replacement of a version named by its client, and always loses its compare-and-set, gives
    /// up after so many tries.
    private static let updateAttempts = 64

    /// What `transform` is given to make the next version from.
    struct Transform: Sendable {
        /// Makes the client's whole object from the present one, which it is given with its tree. Called again when
        /// another write came first.
        var propose: @Sendable (StoredObject, Value) throws(Status) -> Proposal
        var scope: UpdatePlan.Scope
        /// Makes the object when there is none.
        var create: (@Sendable () throws(Status) -> Proposal)?
        /// Of which object this is a change, by its uid; empty for whichever has the name.
        var uid = ""
        /// What admission is shown instead of the whole object.
        var face: Face?
        /// What finds the forms that the proposal takes to say who owns what; `nil` when none takes time.
        var conversions: OwnerConversions?
        /// Whether the kind's rules are asked about what comes of it.
        var isChecked = true

        init(
            scope: UpdatePlan.Scope, face: Face? = nil,
            propose: @escaping @Sendable (StoredObject, Value) throws(Status) -> Proposal
        ) {
            self.propose = propose
            self.scope = scope
            self.face = face
        }

        /// Of what the system does itself: nobody's ownership of fields changes.
        init(
            apply: @escaping @Sendable (Value) throws(Status) -> Value, scope: UpdatePlan.Scope, face: Face? = nil
        ) {
            self.init(scope: scope, face: face) { _, current throws(Status) in Proposal(object: try apply(current)) }
        }
    }

    /// A version as its client wants it.
    struct Proposal: Sendable {
        var object: Value
        /// Who will own what; `nil` when that stays as it is.
        var managedFields: ManagedFieldsRecord?
    }

    /// A form of its own in which a subresource shows an object: its scale.
    struct Face: Sendable {
        var kind: GroupVersionKind
        var show: @Sendable (Value) -> Value
        /// Puts what admission made of the form into the whole object.
        var put: @Sendable (Value, inout Value) -> Void
    }

    /// Replaces an object by what `transform` makes of it; with a `resourceVersion` in the result only that version.
    func update(
        _ name: ObjectName, _ request: WriteRequest, _ transform: Transform
    ) async throws(Status) -> StoredObject {
        for _ in 0..<Self.updateAttempts {
            guard let found = cache.get(name) else {
                do throws(Status) {
                    return try await createAbsent(name, request, transform)
                } catch {
                    // Somebody else was quicker: what he made is changed.
                    guard error.isAlreadyExists, cache.get(name) != nil else { throw error }
                    continue
                }
            }
            let current = try await present(found)
            try checkUID(transform.uid, of: name, is: current.uid)
            let old = current.value
            let isStale = log.isStale(home, name) || form?.isCurrent(found) == false
            let proposed = try await propose(transform, current, old)
            let expected = try expectedRevision(proposed.object, name)
            if let expected, expected != current.revision { throw .modified(named, name.name) }
            do throws(CommitFailure) {
                return try await write(proposed, over: current, old, isStale: isStale, request, transform)
            } catch {
                // Lost: the next try finds the newer version. A patch is applied to that one; an object whose client
                // named the old one is refused then.
                if case .failed(let status) = error { throw status }
            }
        }
        throw .modified(named, name.name)
    }

    private func propose(
        _ transform: Transform, _ current: StoredObject, _ old: Value
    ) async throws(Status) -> Proposal {
        guard let conversions = transform.conversions else { return try transform.propose(current, old) }
        return try await conversions.decide { () throws(Status) in try transform.propose(current, old) }
    }

    private func createAbsent(
        _ name: ObjectName, _ request: WriteRequest, _ transform: Transform
    ) async throws(Status) -> StoredObject {
        // There is none any more: to who means it, that is a conflict.
        try checkUID(transform.uid, of: name, is: "")
        guard let make = transform.create else { throw .notFound(named, name.name) }
        let new = try make()
        var creation = request
        creation.verb = .create
        return try await create(new.object, creation, managedFields: new.managedFields ?? ManagedFieldsRecord())
    }

    /// Throws 409 when another object is meant than the one that is there.
    private func checkUID(_ wanted: String, of name: ObjectName, is present: String) throws(Status) {
        guard !wanted.isEmpty, wanted != present else { return }
        throw .conflict(named, name.name, wrongUID(wanted, of: name, is: present))
    }

    /// Why an object is not the one that is meant, in the words of Kubernetes' storage.
    func wrongUID(_ wanted: String, of name: ObjectName, is present: String) -> String {
        "StorageError: invalid object, Code: 4, Key: \(log.keyText(of: home, name)), ResourceVersion: 0, "
            + "AdditionalErrorMsg: Precondition failed: UID in precondition: \(wanted), UID in object meta: \(present)"
    }

    private func expectedRevision(_ proposed: Value, _ name: ObjectName) throws(Status) -> Revision? {
        let text = proposed.at("metadata", "resourceVersion")?.string ?? ""
        if text.isEmpty || text == "0" {
            guard !kind.allowsUnconditionalUpdate else { return nil }
            // Kubernetes names the resource where a kind belongs, and the number as Go writes it.
            var error = FieldError.invalid(
                "metadata.resourceVersion", value: 0, "0x0: must be specified for an update")
            error.omitsValue = true
            let named = GroupVersionKind(group: resource.group, version: resource.version, kind: resource.resource)
            throw .invalid(named, name.name, [error])
        }
        guard let revision = Revision(text) else {
            throw .badRequest("Invalid value: \"\(text)\": strconv.ParseUint: parsing \"\(text)\": invalid syntax")
        }
        return revision
    }

    private func write(
        _ proposed: Proposal, over current: StoredObject, _ old: Value, isStale: Bool, _ request: WriteRequest,
        _ transform: Transform
    ) async throws(CommitFailure) -> StoredObject {
        let owners = proposed.managedFields ?? current.managedFields
        let (object, asked): (Value, AdmissionRequest)
        do throws(Status) {
            (object, asked) = try await prepare(
                proposed.object, owners, over: old, current.managedFields, request, transform)
        } catch {
            throw .failed(error)
        }
        defer { admission.forget(asked) }
        var logged = object
        logged[path: ["metadata", "resourceVersion"]] = old.at("metadata", "resourceVersion")
        // Nothing changed: nothing is written, and the revision stays, as in Kubernetes.
        if logged == old, owners.isSame(butForTimes: current.managedFields), !isStale { return current }
        if DeletionPlan.isReleased(object) {
            try await remove(current, isDryRun: request.options.isDryRun)
            // Clients go on with what they made of it: as in Kubernetes they see no finalizer that is gone.
            return StoredObject(received: logged, managedFields: owners)
        }
        do throws(CommitFailure) {
            let stored = try await commit(
                current.objectName, object, owners, replacing: current, request.options)
            let (unused, kept) = request.options.isDryRun ? (object, old) : (old, object)
            kind.strategy.release(unused, keeping: kept)
            return stored
        } catch {
            kind.strategy.release(object, keeping: old)
            throw error
        }
    }

    private func prepare(
        _ proposed: Value, _ owners: ManagedFieldsRecord, over old: Value, _ oldOwners: ManagedFieldsRecord,
        _ request: WriteRequest, _ transform: Transform
    ) async throws(Status) -> (Value, AdmissionRequest) {
        let plan = UpdatePlan(resource: resource, scope: transform.scope, countsGenerations: kind.countsGenerations)
        var object = try plan.apply(proposed, over: old)
        OwnerDuplicates.remove(from: &object, .inRequest, request.notes)
        let show = { (object: Value) in transform.face?.show(object) ?? object }
        var asked = AdmissionRequest(
            request, kind.groupVersionKind, resource: resource, object: show(object), over: show(old),
            face: transform.face?.kind)
        if transform.face == nil { (asked.owners, asked.oldOwners) = (owners, oldOwners) }
        if !request.isAdmitted, !admission.mutating.isEmpty {
            try await admit(&asked, &object, over: old, plan, transform.face)
        }
        try await kind.strategy.prepareForUpdate(&object, over: old, request)
        do throws(Status) {
            object = plan.countGeneration(object, over: old)
            asked.object = show(object)
            var errors = transform.isChecked ? kind.validation.validate(object, replacing: old, asked.notes) : []
            if transform.scope.obeysUpdateRules {
                errors += kind.validation.validateUpdate(object, over: old, asked: request.target.resource)
            }
            try check(object, errors)
            for text in kind.validation.warnings(object, replacing: old) { request.notes.warn(text) }
            if !request.isAdmitted { try await admission.validate(asked) }
            return (object, asked)
        } catch {
            kind.strategy.release(object, keeping: old)
            admission.forget(asked)
            throw error
        }
    }

    /// Lets admission complete the new version. What the request may not change, admission may not either.
    private func admit(
        _ asked: inout AdmissionRequest, _ object: inout Value, over old: Value, _ plan: UpdatePlan, _ face: Face?
    ) async throws(Status) {
        let before = asked.object
        try await admission.admit(&asked)
        guard let admitted = asked.object, admitted != before else { return }
        var changed = admitted
        if let face {
            changed = object
            face.put(admitted, &changed)
        }
        object = try plan.apply(changed, over: old)
        OwnerDuplicates.remove(from: &object, .afterAdmission, asked.notes)
    }
}
