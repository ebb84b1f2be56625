public import APIMachinery
import API
import Client
import Support

/// Keeps as many pods of a template running as a ReplicaSet asks for.
public struct ReplicaSetController: Controller {
    public let name = "replicaset-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let sets = try await context.client.observe(ReplicaSet.self)
        let pods = try await context.client.observe(Pod.self)
        let owners = OwnerIndex()
        let index = owners.follow(sets)
        defer { index.cancel() }
        let loop = ReconcileLoop<ObjectName>(context)
        let work = ReplicaSetWork(context: context, sets: sets, pods: pods)
        let orphans = ReconcileLoop<ObjectName>.Source(pods) { change in
            guard let pod = change.new, pod.controllerUID == nil, !pod.isDeleting else { return [] }
            return [ObjectName(namespace: pod.namespace, name: "")]
        }
        await loop.run([.own(sets), .owned(pods, by: owners), orphans]) { name throws(Status) in
            guard name.name.isEmpty else { return try await work.reconcile(name) }
            // A pod without an owner: any set of its namespace may adopt it.
            for set in sets.list(namespace: name.namespace) { loop.queue.add(set.objectName) }
            return nil
        }
    }
}

/// One pass over one ReplicaSet.
private struct ReplicaSetWork: Sendable {
    let context: ControllerContext
    let sets: any ObjectSet
    let pods: any ObjectSet

    func reconcile(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let set = sets.get(ReplicaSet.self, name) else { return nil }
        let selector = try LabelSelector.of(set.spec.selector)
        try await settleOwnership(of: set, selector)
        let decision = decision(set)
        var failure: ReplicaSetFailure?
        do throws(Status) {
            try await carryOut(decision)
        } catch {
            failure = if case .delete = decision.action { .delete(error) } else { .create(error) }
            try await writeStatus(name, failure)
            throw error
        }
        return try await writeStatus(name, nil)
    }

    private func decision(_ set: ReplicaSet) -> ReplicaSetDecision {
        let owned = pods.owned(by: set.metadata.uid).filter { $0.controllerUID == set.metadata.uid }.map {
            Pod($0)
        }
        var decision = ReplicaSetDecision(set: set, pods: owned, now: context.now())
        if case .delete? = decision.action { decision.podsPerNode = siblingPods(set) }
        return decision
    }

    /// Pods per node of all sets with the same controller, which are one workload's during a rollout.
    private func siblingPods(_ set: ReplicaSet) -> [String: Int] {
        var uids = [set.metadata.uid]
        if let parent = set.metadata.controller?.uid {
            uids = sets.owned(by: parent).map(\.uid)
        }
        var counts: [String: Int] = [:]
        for uid in uids {
            for pod in pods.owned(by: uid).map({ Pod($0) }) where pod.isActive && !pod.spec.nodeName.isEmpty {
                counts[pod.spec.nodeName, default: 0] += 1
            }
        }
        return counts
    }

    private func settleOwnership(of set: ReplicaSet, _ selector: LabelSelector) async throws(Status) {
        let uid = set.metadata.uid
        let isDeleting = set.metadata.deletionTimestamp != nil
        for pod in pods.list(namespace: set.metadata.namespace) {
            switch Ownership(of: pod, ownerUID: uid, selector: selector, ownerIsDeleting: isDeleting) {
            case .owned, .foreign: continue
            case .release: try await context.client.release(.pods, pod, by: uid)
            case .adopt:
                guard Pod(pod).isActive else { continue }
                try await context.client.adopt(.pods, pod, by: set)
            }
        }
    }

    private func carryOut(_ decision: ReplicaSetDecision) async throws(Status) {
        switch decision.action {
        case nil: return
        case .create(let count):
            // Slow start: one that is refused (a quota, say) must not become five hundred refusals.
            var (left, batch) = (count, 1)
            while left > 0 {
                let size = min(batch, left)
                try await inParallel(0..<size) { _ throws(Status) in try await create(decision) }
                left -= size
                batch *= 2
            }
        case .delete(let victims):
            try await inParallel(victims) { pod throws(Status) in try await delete(pod, decision.set) }
        }
    }

    private func create(_ decision: ReplicaSetDecision) async throws(Status) {
        do throws(Status) {
            let pod = try await context.client.create(decision.newPod)
            context.events.record(
                decision.set, reason: "SuccessfulCreate", message: "Created pod: \(pod.metadata.name)",
                at: context.now())
        } catch {
            context.events.record(
                decision.set, .warning, reason: "FailedCreate", message: "Error creating: \(error.message)",
                at: context.now())
            throw error
        }
    }

    private func delete(_ pod: Pod, _ set: ReplicaSet) async throws(Status) {
        let name = pod.metadata.name
        do throws(Status) {
            try await context.client.delete(
                Pod.self, pod.objectName, DeletionOptions(preconditionUID: pod.metadata.uid))
            context.events.record(
                set, reason: "SuccessfulDelete", message: "Deleted pod: \(name)", at: context.now())
        } catch {
            context.events.record(
                set, .warning, reason: "FailedDelete", message: "Error deleting: \(error.message)",
                at: context.now())
            throw error
        }
    }

    /// Writes what the pods amount to now, if that says anything new.
    @discardableResult
    private func writeStatus(_ name: ObjectName, _ failure: ReplicaSetFailure?) async throws(Status)
        -> Duration?
    {
        guard var set = sets.get(ReplicaSet.self, name) else { return nil }
        let decision = decision(set)
        let status = decision.status(failure: failure)
        if status != set.status {
            set.status = status
            try await context.client.updateStatus(set)
        }
        return decision.nextDeadline
    }
}
