import API
public import APIMachinery
import Client
import Support
import Synchronization

/// Deletes pods from nodes whose taints they do not tolerate, at once or when their time is over.
public struct TaintEviction: Controller {
    public let name = "taint-eviction-controller"

    public init() {}

    private enum Key: Hashable, Sendable {
        /// The node's taints changed: all its pods.
        case node(String)
        case pod(ObjectName)
    }

    public func run(_ context: ControllerContext) async throws(Status) {
        let nodes = try await context.client.observe(Node.self)
        let pods = try await context.client.observe(Pod.self)
        let threats = ThreatIndex()
        let loop = ReconcileLoop<Key>(context)
        let tainted = ReconcileLoop<Key>.Source(nodes) { change in
            threats.take(change, at: context.now()) ? [.node(change.name.name)] : []
        }
        let placed = ReconcileLoop<Key>.Source(pods) { change in
            // Most of the time no node is tainted so; then nobody needs to look into pods.
            guard !threats.isEmpty, let pod = change.new, !pod.isDeleting else { return [] }
            return threats[pod.nodeName].isEmpty ? [] : [.pod(change.name)]
        }
        let work = EvictionWork(context: context, pods: pods, threats: threats)
        await loop.run([tainted, placed]) { key throws(Status) in
            switch key {
            case .pod(let name): return try await work.reconcile(name)
            case .node(let name):
                for pod in pods.pods(on: name) { loop.queue.add(.pod(pod.objectName)) }
                return nil
            }
        }
    }
}

/// The nodes that chase pods away. Almost always empty.
private final class ThreatIndex: Sendable {
    private let nodes = Mutex<[String: [EvictionDecision.Threat]]>([:])

    var isEmpty: Bool { nodes.withLock(\.isEmpty) }

    subscript(node: String) -> [EvictionDecision.Threat] { nodes.withLock { $0[node] ?? [] } }

    /// Returns whether there is a threat that was not there before. The end of one needs no look: a pod that
    /// waits decides anew when its time comes.
    func take(_ change: ObjectChange, at now: Timestamp) -> Bool {
        let taints =
            change.new.map { Node($0).spec.taints.filter { $0.effect == NodeTaintKey.noExecute } } ?? []
        return nodes.withLock { nodes in
            let known = nodes[change.name.name] ?? []
            let threats = taints.map { taint in
                // A taint that a person sets bears no time.
                let same = known.first { $0.key == taint.key && $0.value == taint.valueText }
                return EvictionDecision.Threat(
                    key: taint.key, value: taint.valueText, since: taint.timeAdded ?? same?.since ?? now)
            }
            nodes[change.name.name] = threats.isEmpty ? nil : threats
            return !Set(threats).isSubset(of: known)
        }
    }
}

/// One pass over one pod.
private struct EvictionWork: Sendable {
    let context: ControllerContext
    let pods: any ObjectSet
    let threats: ThreatIndex

    func reconcile(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let pod = pods.get(Pod.self, name), pod.metadata.deletionTimestamp == nil else { return nil }
        let decision = EvictionDecision(
            tolerations: pod.spec.tolerations, threats: threats[pod.spec.nodeName], now: context.now())
        switch decision.action {
        case .stay: return nil
        case .wait(let delay): return delay
        case .evict: try await evict(pod)
        }
        return nil
    }

    private func evict(_ pod: Pod) async throws(Status) {
        let message = "Marking for deletion Pod \(pod.objectName)"
        context.record(ControllerNote(reason: "TaintManagerEviction", message: message), about: pod)
        let disruption = PodDisruption(
            reason: "DeletionByTaintManager", message: "Taint manager: deleting due to NoExecute taint")
        try await context.client.evict(pod, because: disruption, at: context.now())
    }
}
