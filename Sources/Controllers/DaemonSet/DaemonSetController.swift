public import APIMachinery
import API
import Client
import Support
import Synchronization

/// Keeps one pod on each node that a template suits.
public struct DaemonSetController: Controller {
    public let name = "daemonset-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let pods = try await Dependents<DaemonSet, Pod>(context.client, selector: \.spec.selector)
        let revisions = try await RevisionKeeper<DaemonSet>(context.client)
        let observed = try await context.client.observe(Node.self)
        let nodes = DaemonNodes()
        let work = DaemonSetWork(context: context, pods: pods, revisions: revisions, nodes: nodes)
        let sources: [ReconcileLoop<ObjectName>.Source] = [
            .init(pods.owners) { change in
                nodes.take(set: change)
                return []
            },
            .init(observed) { nodes.take(node: $0) },
        ]
        await ReconcileLoop<ObjectName>(context).run(sources + pods.sources + revisions.sources) {
            name throws(Status) in
            try await work.reconcile(name)
        }
    }
}

/// One pass over one DaemonSet.
private final class DaemonSetWork: Sendable {
    private struct Place: Hashable {
        var set: String
        var node: String
    }

    private let context: ControllerContext
    private let pods: Dependents<DaemonSet, Pod>
    private let revisions: RevisionKeeper<DaemonSet>
    private let nodes: DaemonNodes
    /// A pod that its node refuses ends at once, and would be made anew as fast as the node can refuse it.
    private let retries = Mutex(RetrySchedule<Place>(first: .seconds(1), longest: .seconds(15 * 60)))

    init(
        context: ControllerContext, pods: Dependents<DaemonSet, Pod>, revisions: RevisionKeeper<DaemonSet>,
        nodes: DaemonNodes
    ) {
        self.context = context
        self.pods = pods
        self.revisions = revisions
        self.nodes = nodes
    }

    func reconcile(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let set = pods.owners.get(DaemonSet.self, name), set.metadata.deletionTimestamp == nil else { return nil }
        let selector = try LabelSelector.of(set.spec.selector)
        guard !selector.matchesEverything else {
            let message = "This daemon set is selecting all pods. A non-empty selector is required."
            context.record(.warning, "SelectingAll", message, about: set)
            return nil
        }
        try await pods.settle(set, selector)
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
    private func decision(_ set: DaemonSet, _ history: RevisionHistory) -> DaemonSetDecision? {
        guard let current = history.current else { return nil }
        var decision = DaemonSetDecision(
            set: set, nodes: nodes.all, pods: pods.controlled(by: set.metadata.uid).map { Pod($0) },
            hash: current.podHash, presentHashes: Set(history.matching.map(\.podHash)), now: context.now())
        for (node, pods) in decision.pods where pods.contains(where: { $0.status.phase == "Failed" }) {
            let place = Place(set: set.metadata.uid, node: node)
            decision.pauses[node] = retries.withLock { $0.pause(place, at: decision.now) }
        }
        return decision
    }

    private func carryOut(_ decision: DaemonSetDecision) async throws(Status) {
        let (set, changes) = (decision.set, decision.changes)
        try await inParallel(changes.deletions) { [self] deletion throws(Status) in
            try await delete(deletion, decision)
        }
        try await inGrowingBatches(changes.nodes) { [self] node throws(Status) in
            do throws(Status) {
                let pod = try await context.client.create(set.pod(on: node, hash: decision.hash))
                context.record(.normal, "SuccessfulCreate", "Created pod: \(pod.metadata.name)", about: set)
            } catch {
                if !error.isNamespaceEnding {
                    context.record(.warning, "FailedCreate", "Error creating: \(error.message)", about: set)
                }
                throw error
            }
        }
    }

    private func delete(_ deletion: DaemonSetDecision.Deletion, _ decision: DaemonSetDecision) async throws(Status) {
        let (set, pod) = (decision.set, deletion.pod)
        if let note = deletion.note { context.record(note, about: set) }
        if pod.status.phase == "Failed", let node = DaemonPod.node(of: pod) {
            retries.withLock { $0.tried(Place(set: set.metadata.uid, node: node), at: decision.now) }
        }
        do throws(Status) {
            try await context.client.delete(
                Pod.self, pod.objectName, DeletionOptions(preconditionUID: pod.metadata.uid))
            context.record(.normal, "SuccessfulDelete", "Deleted pod: \(pod.metadata.name)", about: set)
        } catch {
            context.record(.warning, "FailedDelete", "Error deleting: \(error.message)", about: set)
            throw error
        }
    }

    /// Looks again at what the pass itself has changed, reports that, and drops what is past.
    private func reportAnew(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let set = pods.owners.get(DaemonSet.self, name) else { return nil }
        let history = revisions.history(of: set)
        guard let decision = decision(set, history) else { return nil }
        var reported = set
        reported.status = decision.status
        if reported != set { try await context.client.updateStatus(reported) }
        let live = Set(decision.pods.values.joined().map { $0.metadata.labels[RevisionLabel.ofPods] ?? "" })
        try await revisions.drop(history, of: set) { live.contains($0.podHash) }
        return decision.nextDeadline
    }
}

extension ControllerRevision {
    /// What the pods of a DaemonSet are labelled with.
    var podHash: String { metadata.labels[RevisionLabel.ofPods] ?? metadata.name }
}
