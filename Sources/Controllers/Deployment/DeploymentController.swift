public import APIMachinery
import API
import Client
import Support

/// Rolls a Deployment's template out over ReplicaSets, one per template.
public struct DeploymentController: Controller {
    public let name = "deployment-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let sets = try await Dependents<Deployment, ReplicaSet>(context.client, selector: \.spec.selector)
        let pods = try await context.client.observe(Pod.self)
        let work = DeploymentWork(context: context, sets: sets, pods: pods)
        // The end of an old pod, for which `Recreate` waits, is told by its set's `terminatingReplicas`.
        await ReconcileLoop<ObjectName>(context).run(sets.sources) { name throws(Status) in
            try await work.reconcile(name)
        }
    }
}

/// One pass over one Deployment.
private struct DeploymentWork: Sendable {
    let context: ControllerContext
    let sets: Dependents<Deployment, ReplicaSet>
    let pods: any ObjectSet

    func reconcile(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let deployment = sets.owners.get(Deployment.self, name) else { return nil }
        let selector = try LabelSelector.of(deployment.spec.selector)
        guard !selector.matchesEverything else {
            let message = "This deployment is selecting all pods. A non-empty selector is required."
            context.record(.warning, "SelectingAll", message, about: deployment)
            return nil
        }
        try await sets.settle(deployment, selector)
        let decision = decision(deployment)
        let changes = decision.changes
        guard !changes.isEmpty else { return try await report(decision, hasCreated: false) }
        var hasCreated = false
        for change in changes {
            if case .create = change { hasCreated = true }
            try await carryOut(change, deployment)
        }
        guard let changed = sets.owners.get(Deployment.self, name) else { return nil }
        return try await report(self.decision(changed), hasCreated: hasCreated)
    }

    private func decision(_ deployment: Deployment) -> RolloutDecision {
        let owned = sets.controlled(by: deployment.metadata.uid).map { ReplicaSet($0) }
        var decision = RolloutDecision(deployment: deployment, sets: owned, hasOldPods: false)
        guard decision.isRecreate else { return decision }
        decision.hasOldPods = decision.oldSets.contains { set in
            pods.owned(by: set.metadata.uid).contains { !Pod($0).isFinished }
        }
        return decision
    }

    private func carryOut(_ change: RolloutDecision.Change, _ deployment: Deployment) async throws(Status) {
        switch change {
        case .create(let set):
            do throws(Status) {
                try await context.client.create(set)
            } catch {
                if error.isAlreadyExists { try await collided(deployment, set) }
                if !error.isNamespaceEnding { try await reportFailure(deployment, set, error) }
                throw error
            }
            if set.size > 0 { recordScaling(deployment, set, from: 0) }
        case .update(let set, let size):
            try await context.client.update(set)
            if size != set.size { recordScaling(deployment, set, from: size) }
        case .delete(let set):
            try await context.client.delete(
                ReplicaSet.self, set.objectName, DeletionOptions(preconditionUID: set.metadata.uid))
        }
    }

    private func recordScaling(_ deployment: Deployment, _ set: ReplicaSet, from size: Int) {
        let direction = set.size > size ? "up" : "down"
        let message = "Scaled \(direction) replica set \(set.metadata.name) from \(size) to \(set.size)"
        context.record(.normal, "ScalingReplicaSet", message, about: deployment)
    }

    /// The name that the template's hash gives is taken. If it is not by the very set that was to be made, the collision
    /// is counted, which makes the next hash another.
    private func collided(_ deployment: Deployment, _ set: ReplicaSet) async throws(Status) {
        let present = try await context.client.find(ReplicaSet.self, set.objectName)
        let isOurs = present?.metadata.controller?.uid == deployment.metadata.uid
        if let present, !(isOurs && TemplateHash.isSame(present.spec.template, deployment.spec.template)) {
            var counted = deployment
            counted.status.collisionCount = TemplateHash.collisions(after: deployment.status.collisionCount)
            try await context.client.updateStatus(counted)
        }
        throw .conflict(.replicaSets, set.metadata.name, "its name is taken; it is looked at again")
    }

    /// A set that cannot be made ends the progress: whoever waits for the rollout is to know.
    private func reportFailure(
        _ deployment: Deployment, _ set: ReplicaSet, _ failure: Status
    ) async throws(Status) {
        let reason = "ReplicaSetCreateError"
        let message = "Failed to create new replica set \"\(set.metadata.name)\": \(failure.message)"
        context.record(.warning, reason, message, about: deployment)
        guard deployment.spec.progressDeadlineSeconds.map({ $0 < Int(Int32.max) }) ?? false else { return }
        var conditions = DeploymentConditions(deployment.status.conditions, now: context.now())
        conditions.set("Progressing", "False", reason, message)
        var reported = deployment
        reported.status.conditions = conditions.list
        if reported != deployment { try await context.client.updateStatus(reported) }
    }

    /// Writes what the sets amount to, and drops the history that is no longer kept.
    private func report(_ decision: RolloutDecision, hasCreated: Bool) async throws(Status) -> Duration? {
        let deployment = decision.deployment
        let status = RolloutStatus(
            deployment: deployment, newSet: decision.newSet, sets: decision.sets, hasCreated: hasCreated,
            now: context.now())
        let reported = status.reported
        if reported != deployment { try await context.client.updateStatus(reported) }
        if status.isComplete(reported.status) {
            for set in decision.expired { try await carryOut(.delete(set), deployment) }
        }
        return status.nextDeadline(reported)
    }
}
