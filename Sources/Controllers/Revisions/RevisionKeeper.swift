import API
import APIMachinery
import Client

/// Keeps the histories of the workloads of one kind.
struct RevisionKeeper<Owner: RevisionedWorkload>: Sendable {
    private let client: any Client
    private let revisions: Dependents<Owner, ControllerRevision>

    init(_ client: any Client) async throws(Status) {
        self.client = client
        revisions = try await Dependents(client, selector: \.selector)
    }

    /// What wakes an owner: its own changes, and those of its revisions.
    var sources: [ReconcileLoop<ObjectName>.Source] { revisions.sources }

    /// The owner's history as it stands.
    func history(of owner: Owner) -> RevisionHistory {
        RevisionHistory(
            owner.template, revisions.controlled(by: owner.metadata.uid).map { ControllerRevision($0) })
    }

    /// The owner's history, after the present template was made its newest revision.
    func settle(_ owner: Owner, _ selector: LabelSelector) async throws(Status) -> RevisionHistory {
        try await revisions.settle(owner, selector)
        let history = history(of: owner)
        switch history.step(for: owner) {
        case .keep: return history
        case .renumber(let revision):
            let change: Value = [
                "metadata": [
                    "uid": .string(revision.metadata.uid),
                    "resourceVersion": .string(revision.metadata.resourceVersion),
                ],
                "revision": .integer(Int64(revision.revision)),
            ]
            try await client.patch(ControllerRevision.self, revision.objectName, .merge(change))
        case .create(let revision):
            do throws(Status) {
                try await client.create(revision)
            } catch {
                guard error.isAlreadyExists else { throw error }
                try await collided(owner, revision)
            }
        }
        return self.history(of: owner)
    }

    /// Drops what is beyond the owner's history limit and not `isLive`.
    func drop(_ history: RevisionHistory, of owner: Owner, isLive: (ControllerRevision) -> Bool) async throws(Status) {
        guard owner.metadata.deletionTimestamp == nil else { return }
        for revision in history.expired(beyond: owner.revisionHistoryLimit, isLive: isLive) {
            try await client.delete(
                ControllerRevision.self, revision.objectName,
                DeletionOptions(preconditionUID: revision.metadata.uid))
        }
    }

    /// The name that the template's hash gives is taken. If it is not by the very revision that was to be made, the
    /// collision is counted, which makes the next hash another.
    private func collided(_ owner: Owner, _ revision: ControllerRevision) async throws(Status) {
        let present = try await client.find(ControllerRevision.self, revision.objectName)
        let isOurs = present?.metadata.controller?.uid == owner.metadata.uid
        if let present, !(isOurs && RevisionData.holds(present, owner.template)) {
            var counted = owner
            counted.collisionCount = TemplateHash.collisions(after: owner.collisionCount)
            try await client.updateStatus(counted)
        }
        throw .conflict(.controllerRevisions, revision.metadata.name, "its name is taken; it is looked at again")
    }
}
