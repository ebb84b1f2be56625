import API
import APIMachinery
import Client
import Support

extension ResourceStore {
    private static let deleteAttempts = 64

    /// What became of a deletion.
    enum Deletion: Sendable {
        /// The object is gone; this was its last version.
        case removed(StoredObject)
        /// The object is marked and stays until its grace is over and nothing holds it.
        case marked(StoredObject)
    }

    /// Deletes an object, or begins to.
    func delete(
        _ name: ObjectName, _ request: WriteRequest, _ options: DeletionOptions
    ) async throws(Status) -> Deletion {
        for _ in 0..<Self.deleteAttempts {
            let current = try await present(try get(name))
            try checkPreconditions(current, options)
            var object = current.value
            if !request.isAdmitted {
                var asked = AdmissionRequest(
                    request, kind.groupVersionKind, resource: resource, object: nil, over: object, deletion: options)
                asked.oldOwners = current.managedFields
                try await admission.admit(&asked)
                try await admission.validate(asked)
            }
            if !current.isDeleting { kind.strategy.beginDeletion(&object) }
            let plan = DeletionPlan(
                defaultPropagation: kind.defaultPropagation, grace: kind.strategy.gracePeriod(for: object, options),
                isCollected: resource != .events)
            do throws(CommitFailure) {
                return try await carryOut(plan.action(for: object, options, at: now()), current, options)
            } catch {
                if case .failed(let status) = error { throw status }
            }
        }
        throw .modified(named, name.name)
    }

    private func carryOut(
        _ action: DeletionPlan.Action, _ current: StoredObject, _ options: DeletionOptions
    ) async throws(CommitFailure) -> Deletion {
        switch action {
        case .remove:
            try await remove(current, isDryRun: options.isDryRun)
            return .removed(Self.last(current))
        case .keep:
            return .marked(current)
        case .mark(var object):
            kind.strategy.mark(&object)
            let write = WriteOptions(isDryRun: options.isDryRun)
            return .marked(try await commit(
                    current.objectName, object, current.managedFields, replacing: current, write))
        }
    }

    /// An object that has gone, as clients see it.
    private static func last(_ object: StoredObject) -> StoredObject {
        guard object.isDeleting, object.mentions("deletionGracePeriodSeconds") else { return object }
        var value = object.value
        DeletionPlan.endGrace(of: &value)
        return object.replacing(bytes: value.json)
    }

    private func checkPreconditions(_ current: StoredObject, _ options: DeletionOptions) throws(Status) {
        // Kubernetes names the kind where a resource belongs.
        let named = GroupVersionResource(group: resource.group, version: resource.version, resource: kind.kind)
        if let uid = options.preconditionUID, uid != current.uid {
            throw .conflict(
                named, current.name,
                "the UID in the precondition (\(uid)) does not match the UID in record (\(current.uid)). The object might "
                    + "have been deleted and then recreated")
        }
        if let version = options.preconditionVersion, version != String(current.revision) {
            throw .conflict(
                named, current.name,
                "the ResourceVersion in the precondition (\(version)) does not match the ResourceVersion in record "
                    + "(\(current.revision)). The object might have been modified")
        }
    }
}
