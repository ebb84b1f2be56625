public import APIMachinery
import API
import Client
import Support

/// Rolls a Deployment's template out over ReplicaSets, one per template.
public struct DeploymentController: Controller {
    public let name = "deployment-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let deployments = try await context.client.observe(Deployment.self)
        let sets = try await context.client.observe(ReplicaSet.self)
        let pods = try await context.client.observe(Pod.self)
        let (owners, setOwners) = (OwnerIndex(), OwnerIndex())
        let indices = [owners.follow(deployments), setOwners.follow(sets)]
        defer { for index in indices { index.cancel() } }
        let loop = ReconcileLoop<ObjectName>(context)
        let work = DeploymentWork(context: context, deployments: deployments, sets: sets, pods: pods)
        let orphans = ReconcileLoop<ObjectName>.Source(sets) { change in
            guard let set = change.new, set.controllerUID == nil, !set.isDeleting else { return [] }
            return [ObjectName(namespace: set.namespace, name: "")]
        }
        // `Recreate` waits for the last old pod to be gone, which no set's status tells.
        let gone = ReconcileLoop<ObjectName>.Source(pods) { change in
            guard change.new == nil, let uid = change.old?.controllerUID, let set = setOwners.name(of: uid)
            else {
                return []
            }
            return [ObjectName(namespace: set.namespace, name: "replicaset/" + set.name)]
        }
        await loop.run([.own(deployments), .owned(sets, by: owners), orphans, gone]) { name throws(Status) in
            if name.name.hasPrefix("replicaset/") {
                let set = ObjectName(
                    namespace: name.namespace, name: String(name.name.dropFirst("replicaset/".count)))
                if let uid = sets.get(set)?.controllerUID, let owner = owners.name(of: uid) {
                    loop.queue.add(owner)
                }
                return nil
            }
            guard name.name.isEmpty else { return try await work.reconcile(name) }
            for deployment in deployments.list(namespace: name.namespace) {
                loop.queue.add(deployment.objectName)
            }
            return nil
        }
    }
}

/// One pass over one Deployment.
private struct DeploymentWork: Sendable {
    let context: ControllerContext
    let deployments: any ObjectSet
    let sets: any ObjectSet
    let pods: any ObjectSet

    func reconcile(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let deployment = deployments.get(Deployment.self, name) else { return nil }
        let selector = try LabelSelector.of(deployment.spec.selector)
        guard !selector.matchesEverything else {
            context.events.record(
                deployment, .warning, reason: "SelectingAll",
                message: "This deployment is selecting all pods. A non-empty selector is required.",
                at: context.now())
            return nil
        }
        try await settleOwnership(of: deployment, selector)
        let changes = decision(deployment).changes
        var hasCreated = false
        for change in changes {
            if case .create = change { hasCreated = true }
            try await carryOut(change, deployment)
        }
        return try await report(name, hasCreated: hasCreated)
    }

    private func decision(_ deployment: Deployment) -> RolloutDecision {
        let uid = deployment.metadata.uid
        let owned = sets.owned(by: uid).filter { $0.controllerUID == uid }.map { ReplicaSet($0) }
        let plain = RolloutDecision(deployment: deployment, sets: owned, hasOldPods: false)
        guard deployment.spec.strategy.type == "Recreate" else { return plain }
        let hasOldPods = plain.oldSets.contains { set in
            pods.owned(by: set.metadata.uid).contains { !Pod($0).isFinished }
        }
        return RolloutDecision(deployment: deployment, sets: owned, hasOldPods: hasOldPods)
    }

    private func settleOwnership(of deployment: Deployment, _ selector: LabelSelector) async throws(Status) {
        let uid = deployment.metadata.uid
        let isDeleting = deployment.metadata.deletionTimestamp != nil
        for set in sets.list(namespace: deployment.metadata.namespace) {
            switch Ownership(of: set, ownerUID: uid, selector: selector, ownerIsDeleting: isDeleting) {
            case .owned, .foreign: continue
            case .release: try await context.client.release(.replicaSets, set, by: uid)
            case .adopt: try await context.client.adopt(.replicaSets, set, by: deployment)
            }
        }
    }

    private func carryOut(_ change: RolloutDecision.Change, _ deployment: Deployment) async throws(Status) {
        switch change {
        case .create(let set):
            do throws(Status) {
                try await context.client.create(set)
            } catch {
                guard error.isAlreadyExists else { throw error }
                return try await collided(deployment, set)
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
        context.events.record(
            deployment, reason: "ScalingReplicaSet",
            message: "Scaled \(direction) replica set \(set.metadata.name) from \(size) to \(set.size)",
            at: context.now())
    }

    /// Another set has the name that the template's hash gives: count the collision, which makes the next
    /// hash another.
    private func collided(_ deployment: Deployment, _ set: ReplicaSet) async throws(Status) {
        var counted = deployment
        counted.status.collisionCount = (deployment.status.collisionCount ?? 0) + 1
        try await context.client.updateStatus(counted)
        throw .conflict(.replicaSets, set.metadata.name, "its name is taken; another hash will be used")
    }

    /// Writes what the sets amount to now, and drops the history that is no longer kept.
    private func report(_ name: ObjectName, hasCreated: Bool) async throws(Status) -> Duration? {
        guard let deployment = deployments.get(Deployment.self, name) else { return nil }
        let decision = decision(deployment)
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
