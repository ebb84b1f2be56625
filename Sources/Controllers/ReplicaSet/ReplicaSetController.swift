public import APIMachinery
import API
import Client
import Support

/// Keeps as many pods of a template running as a ReplicaSet asks for.
public struct ReplicaSetController: Controller {
    public let name = "replicaset-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        try await ReplicaSetWork<ReplicaSet>.run(context)
    }
}

/// Keeps as many pods of a template running as a ReplicationController asks for.
public struct ReplicationControllerController: Controller {
    public let name = "replication-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        try await ReplicaSetWork<ReplicationController>.run(context)
    }
}

/// One pass over one set.
private struct ReplicaSetWork<Owner: Replicated>: Sendable {
    let context: ControllerContext
    let pods: Dependents<Owner, Pod>
    let outlines = PodOutlines()

    /// Makes passes until the task is cancelled.
    static func run(_ context: ControllerContext) async throws(Status) {
        let pods = try await Dependents<Owner, Pod>(
            context.client, selector: \.podSelector, heedsPlacement: false, isAdoptable: { Pod($0).isActive })
        let work = ReplicaSetWork(context: context, pods: pods)
        await ReconcileLoop<ObjectName>(context).run(pods.sources) { name throws(Status) in
            try await work.reconcile(name)
        }
    }

    private func reconcile(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let set = pods.owners.get(Owner.self, name) else {
            outlines.forget(name)
            return nil
        }
        try await pods.settle(set, try LabelSelector.of(set.podSelector))
        let decision = decision(set)
        guard let action = decision.action else { return try await report(decision, nil) }
        do throws(Status) {
            switch action {
            case .create(let count):
                try await inGrowingBatches(0..<count) { _ throws(Status) in
                    try await context.create(decision.newPod, for: set)
                }
            case .delete(let victims):
                try await inParallel(victims) { pod throws(Status) in
                    try await context.delete(pod.name, uid: pod.uid, of: set)
                }
            }
        } catch {
            try await reportAnew(name, error.isNamespaceEnding ? nil : ReplicaSetFailure(action, error))
            throw error
        }
        return try await reportAnew(name, nil)
    }

    private func decision(_ set: Owner) -> ReplicaSetDecision<Owner> {
        let owned = outlines.of(set.objectName, pods.controlled(by: set.meta.uid))
        var decision = ReplicaSetDecision(set: set, pods: owned, now: context.now())
        if decision.missing < 0 { decision.podsPerNode = siblingPods(set) }
        return decision
    }

    /// Pods per node of all sets with the same controller, which are one workload's during a rollout.
    private func siblingPods(_ set: Owner) -> [String: Int] {
        var uids = [set.meta.uid]
        if let parent = set.meta.controller?.uid {
            uids = pods.owners.owned(by: parent).map(\.uid)
        }
        var counts: [String: Int] = [:]
        for pod in uids.flatMap({ pods.controlled(by: $0) }).map({ PodOutline(Pod($0)) })
        where pod.isActive && !pod.node.isEmpty {
            counts[pod.node, default: 0] += 1
        }
        return counts
    }

    /// Looks again at what the pass itself has changed, and reports that.
    @discardableResult
    private func reportAnew(_ name: ObjectName, _ failure: ReplicaSetFailure?) async throws(Status) -> Duration? {
        guard let set = pods.owners.get(Owner.self, name) else { return nil }
        return try await report(decision(set), failure)
    }

    /// Writes what the pods amount to, if that says anything new; returns when to look at them again.
    private func report(
        _ decision: ReplicaSetDecision<Owner>, _ failure: ReplicaSetFailure?
    ) async throws(Status) -> Duration? {
        var set = decision.set
        set.replicaStatus = decision.status(failure: failure)
        if set != decision.set { try await context.client.updateStatus(set) }
        return decision.nextDeadline
    }
}
