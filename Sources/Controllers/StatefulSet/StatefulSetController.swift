public import APIMachinery
import API
import Client
import Support
import Synchronization

/// Keeps pods with names and volumes of their own: `web-0`, `web-1`, ...
public struct StatefulSetController: Controller {
    public let name = "statefulset-controller"
    /// Whether `maxUnavailable` of a rolling update is heeded (feature gate `MaxUnavailableStatefulSet`).
    private let heedsMaxUnavailable: Bool

    public init(heedsMaxUnavailable: Bool = false) { self.heedsMaxUnavailable = heedsMaxUnavailable }

    public func run(_ context: ControllerContext) async throws(Status) {
        let pods = try await Dependents<StatefulSet, Pod>(
            context.client, selector: \.spec.selector,
            isMember: { set, pod in set.ordinal(of: pod.name) != nil })
        let revisions = try await RevisionKeeper<StatefulSet>(context.client)
        let claims = try await context.client.observe(PersistentVolumeClaim.self)
        let work = StatefulSetWork(
            context: context, heedsMaxUnavailable: heedsMaxUnavailable, pods: pods, revisions: revisions,
            claims: claims)
        let names = ClaimNames()
        let sources: [ReconcileLoop<ObjectName>.Source] = [
            .init(pods.owners) { change in
                names.take(change)
                return []
            },
            // The end of a claim is what a pod may be waiting for.
            .init(claims) { $0.new == nil ? names.owners(of: $0.name) : [] },
        ]
        await ReconcileLoop<ObjectName>(context).run(sources + pods.sources + revisions.sources) {
            name throws(Status) in
            try await work.reconcile(name)
        }
    }
}

/// One pass over one StatefulSet.
private final class StatefulSetWork: Sendable {
    /// A pod of a set, whatever its uid.
    private struct Place: Hashable {
        var set: String
        var ordinal: Int
    }

    private let context: ControllerContext
    private let heedsMaxUnavailable: Bool
    private let pods: Dependents<StatefulSet, Pod>
    private let revisions: RevisionKeeper<StatefulSet>
    private let claims: any ObjectSet
    /// A pod that its node refuses ends at once, and would be made anew as fast as the node can refuse it.
    private let retries = Mutex(RetrySchedule<Place>(first: .seconds(1), longest: .seconds(60)))

    init(
        context: ControllerContext, heedsMaxUnavailable: Bool, pods: Dependents<StatefulSet, Pod>,
        revisions: RevisionKeeper<StatefulSet>, claims: any ObjectSet
    ) {
        self.context = context
        self.heedsMaxUnavailable = heedsMaxUnavailable
        self.pods = pods
        self.revisions = revisions
        self.claims = claims
    }

    func reconcile(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let set = pods.owners.get(StatefulSet.self, name) else { return nil }
        let selector = try LabelSelector.of(set.spec.selector)
        try await pods.settle(set, selector)
        guard set.metadata.deletionTimestamp == nil else {
            return try await report(set, revisions.history(of: set))
        }
        let history = try await revisions.settle(set, selector)
        guard let decision = decision(set, history) else { return nil }
        do throws(Status) {
            try await carryOut(decision)
        } catch {
            _ = try await reportAnew(name)
            throw error
        }
        return try await reportAnew(name)
    }

    /// `nil` when there is no revision of the present template: somebody took it away again.
    private func decision(_ set: StatefulSet, _ history: RevisionHistory) -> StatefulSetDecision? {
        guard let update = history.current else { return nil }
        var members: [Int: Pod] = [:]
        for pod in pods.controlled(by: set.metadata.uid) {
            if let ordinal = set.ordinal(of: pod.name) { members[ordinal] = Pod(pod) }
        }
        let (claims, namespace) = (claims, set.metadata.namespace)
        var decision = StatefulSetDecision(
            set: set, pods: members, current: history[set.status.currentRevision] ?? update, update: update,
            now: context.now(),
            claim: { claims.get(PersistentVolumeClaim.self, ObjectName(namespace: namespace, name: $0)) })
        decision.mostUnavailable = heedsMaxUnavailable ? set.mostUnavailable : nil
        for (ordinal, pod) in members where pod.isFinished {
            let place = Place(set: set.metadata.uid, ordinal: ordinal)
            decision.pauses[ordinal] = retries.withLock { $0.pause(place, at: decision.now) }
        }
        return decision
    }

    private func carryOut(_ decision: StatefulSetDecision) async throws(Status) {
        guard !decision.set.isOrdered else {
            for step in decision.steps { try await carryOut(step, decision) }
            return
        }
        try await inGrowingBatches(decision.steps) { [self] step throws(Status) in
            try await carryOut(step, decision)
        }
    }

    private func carryOut(_ step: StatefulSetDecision.Step, _ decision: StatefulSetDecision) async throws(Status) {
        let set = decision.set
        for action in step.actions {
            switch action {
            case .createClaim(let claim):
                try await noting(set, { .statefulClaim("create", claim.metadata.name, step.pod, set, $0) }) {
                    () throws(Status) in try await self.context.client.create(claim)
                }
            case .setOwners(let claim): try await context.client.update(claim)
            case .createPod(let pod):
                try await noting(set, { .statefulPod("create", step.pod, set, $0) }) { () throws(Status) in
                    try await self.context.client.create(pod)
                }
            case .setLabels(let pod):
                try await noting(set, { .statefulPod("update", step.pod, set, $0) }) { () throws(Status) in
                    try await self.setLabels(pod)
                }
            case .delete(let pod): try await delete(pod, decision)
            case .wait(let note): context.record(note, about: set)
            }
        }
    }

    private func delete(_ pod: Pod, _ decision: StatefulSetDecision) async throws(Status) {
        let set = decision.set
        if pod.isFinished, let ordinal = set.ordinal(of: pod.metadata.name) {
            retries.withLock { $0.tried(Place(set: set.metadata.uid, ordinal: ordinal), at: decision.now) }
        }
        try await noting(set, { .statefulPod("delete", pod.metadata.name, set, $0) }) { () throws(Status) in
            try await self.context.client.delete(
                Pod.self, pod.objectName, DeletionOptions(preconditionUID: pod.metadata.uid))
        }
    }

    private func setLabels(_ pod: Pod) async throws(Status) {
        let metadata: Value = ["uid": .string(pod.metadata.uid), "labels": Value(pod.metadata.labels)]
        try await context.client.patch(Pod.self, pod.objectName, .merge(["metadata": metadata]))
    }

    /// Does something and tells how it went. That somebody else was first is told to nobody.
    private func noting(
        _ set: StatefulSet, _ note: (String?) -> ControllerNote, _ body: () async throws(Status) -> Void
    ) async throws(Status) {
        do throws(Status) {
            try await body()
        } catch {
            if error.reason != .conflict, !error.isAlreadyExists, !error.isNamespaceEnding {
                context.record(note(error.message), about: set)
            }
            throw error
        }
        context.record(note(nil), about: set)
    }

    /// Looks again at what the pass itself has changed, reports that, and drops what is past.
    private func reportAnew(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let set = pods.owners.get(StatefulSet.self, name) else { return nil }
        return try await report(set, revisions.history(of: set))
    }

    private func report(_ set: StatefulSet, _ history: RevisionHistory) async throws(Status) -> Duration? {
        guard let decision = decision(set, history) else { return nil }
        var reported = set
        reported.status = decision.status
        if reported != set { try await context.client.updateStatus(reported) }
        var live = Set(decision.pods.values.map { $0.metadata.labels[RevisionLabel.ofPods] ?? "" })
        live.formUnion([decision.current.metadata.name, decision.update.metadata.name])
        try await revisions.drop(history, of: set) { live.contains($0.metadata.name) }
        return decision.nextDeadline
    }
}
