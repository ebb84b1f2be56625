import API
public import APIMachinery
import Client
import Support
import Synchronization

/// Notes which nodes fell silent, and keeps pods away from those that cannot run them.
///
/// A node is heard of when it renews its lease or tells its status. Its silence is found by one timer per
/// node, set to when its patience ends and renewed only then, so that a renewal costs nothing.
public struct NodeLifecycleController: Controller {
    public let name = "node-controller"
    private static let leaseNamespace = "kube-node-lease"

    private let options: NodeLifecycleOptions

    public init(_ options: NodeLifecycleOptions = NodeLifecycleOptions()) { self.options = options }

    public func run(_ context: ControllerContext) async throws(Status) {
        let nodes = try await context.client.observe(Node.self)
        let leases = try await context.client.observe(
            Lease.self, ObservationScope(namespace: Self.leaseNamespace))
        let pods = try await context.client.observe(Pod.self)
        let listener = NodeListener(context.clock, options)
        let work = NodeWork(context: context, nodes: nodes, pods: pods, listener: listener)
        let changed = ReconcileLoop<String>.Source(nodes) { listener.takeNode($0) }
        let renewed = ReconcileLoop<String>.Source(leases) { listener.takeLease($0) }
        await ReconcileLoop<String>(context).run([changed, renewed]) { name throws(Status) in
            try await work.reconcile(name)
        }
    }
}

/// What the observations tell, as all workers read it.
private final class NodeListener: Sendable {
    private let census: Mutex<NodeCensus>
    let options: NodeLifecycleOptions
    /// The nodes of which was told that they are there.
    private let greeted = Mutex<[String: Node]>([:])
    private let stopwatch: Stopwatch

    init(_ clock: any Clock<Duration>, _ options: NodeLifecycleOptions) {
        stopwatch = Stopwatch(clock)
        census = Mutex(NodeCensus(options))
        self.options = options
    }

    /// What pods have to fear from a node, and when that may be another. `isGivenUp`: its pods are chased away already.
    func eviction(of name: String, isGivenUp: Bool) -> (eviction: NodeTaints.Eviction, deadline: Duration?) {
        let moment = stopwatch.elapsed
        return census.withLock { census in
            if census.isAllLost { return (.none, nil) }
            if isGivenUp { return (.normal, nil) }
            switch census.permit(name, at: moment) {
            case .granted: return (.normal, nil)
            case .later(let delay): return (.held, delay)
            case .refused: return (.held, nil)
            }
        }
    }

    /// Notes that a node is there, or is not. Returns of whom to tell that it left, or came; a node of the same name may do
    /// both.
    func greet(_ name: String, _ node: Node?) -> (left: Node?, came: Node?) {
        greeted.withLock { greeted in
            let before = greeted[name]
            greeted[name] = node
            let isSame = before?.metadata.uid == node?.metadata.uid
            return isSame ? (nil, nil) : (before, node)
        }
    }

    func silence(of name: String) -> Duration {
        let moment = stopwatch.elapsed
        return census.withLock { $0.heardAt(name) }.map { moment - $0 } ?? .zero
    }

    /// Returns the nodes to look at: all of them when the fate of pods on those that are not ready has
    /// changed.
    func takeNode(_ change: ObjectChange) -> [String] {
        let (name, moment) = (change.name.name, stopwatch.elapsed)
        let node = change.new.map { Node($0) }
        let isHeard =
            Self.heartbeat(node) != nil && Self.heartbeat(node) != Self.heartbeat(change.old.map { Node($0) })
        return census.withLock { census in
            let before = census.states
            if let node {
                census.set(name, in: node.zone, isReady: node.isReady, isHeard: isHeard, at: moment)
            } else {
                census.remove(name)
            }
            return census.states == before ? [name] : [name] + census.names.subtracting([name])
        }
    }

    /// When the node last told whether it is ready. That nobody knows is not told by the node.
    private static func heartbeat(_ node: Node?) -> Timestamp? {
        guard let condition = node?.condition("Ready"), condition.status != "Unknown" else { return nil }
        return condition.lastHeartbeatTime
    }

    /// A renewal only moves the moment from which silence counts.
    func takeLease(_ change: ObjectChange) -> [String] {
        guard change.new != nil else { return [] }
        let moment = stopwatch.elapsed
        census.withLock { $0.hear(change.name.name, at: moment) }
        return []
    }
}

/// One pass over one node.
private struct NodeWork: Sendable {
    let context: ControllerContext
    let nodes: any ObjectSet
    let pods: any ObjectSet
    let listener: NodeListener

    func reconcile(_ name: String) async throws(Status) -> Duration? {
        let present = nodes.get(Node.self, ObjectName(name: name))
        tell(listener.greet(name, present))
        guard var node = present else { return nil }
        let health = NodeHealth(
            node: node, silence: listener.silence(of: name), now: context.now(), options: listener.options)
        let judged = health.judged
        if judged != node {
            let wasReady = node.isReady
            node = try await context.client.updateStatus(judged)
            if wasReady { tellNotReady(node) }
        }
        let next = try await taint(node)
        if node.isUnreachable { try await markPodsNotReady(on: node) }
        return [health.nextDeadline, next].compactMap(\.self).min()
    }

    private func tell(_ change: (left: Node?, came: Node?)) {
        if let node = change.left {
            let name = node.metadata.name
            let message = "Node \(name) event: Removing Node \(name) from Controller"
            context.record(ControllerNote(reason: "RemovingNode", message: message), about: node)
        }
        if let node = change.came {
            let name = node.metadata.name
            let message = "Node \(name) event: Registered Node \(name) in Controller"
            context.record(ControllerNote(reason: "RegisteredNode", message: message), about: node)
        }
    }

    private func tellNotReady(_ node: Node) {
        let message = "Node \(node.metadata.name) status is now: NodeNotReady"
        context.record(ControllerNote(reason: "NodeNotReady", message: message), about: node)
    }

    /// Returns when to ask again whether its pods may be chased away.
    private func taint(_ node: Node) async throws(Status) -> Duration? {
        let isReady = node.isReady || node.condition("Ready") == nil
        let (eviction, next) =
            isReady
            ? (.normal, nil)
            : listener.eviction(of: node.metadata.name, isGivenUp: NodeTaints.isGivenUp(node))
        let wanted = NodeTaints(node: node, eviction: eviction, now: context.now()).wanted
        guard wanted != node.spec.taints else { return next }
        try await context.client.replaceList(
            ["spec", "taints"], in: Target(.nodes, node.objectName), uid: node.metadata.uid,
            version: node.metadata.resourceVersion, with: wanted.map(\.value))
        return next
    }

    /// Takes the pods of a node that nobody hears of from their services.
    private func markPodsNotReady(on node: Node) async throws(Status) {
        let lost = pods.pods(on: node.metadata.name).filter(\.isReady)
        let now = context.now()
        try await inParallel(lost) { pod throws(Status) in
            let condition: Value = [
                "type": "Ready", "status": "False", "lastTransitionTime": .string(now.description),
            ]
            let status: Value = ["conditions": [condition]]
            let patch = Patch.strategicMerge([
                "metadata": ["uid": .string(pod.metadata.uid)], "status": status,
            ])
            do throws(Status) {
                try await context.client.patch(Pod.self, pod.objectName, subresource: "status", patch)
            } catch {
                guard error.isNotFound || error.isConflict else { throw error }
                return
            }
            let note = ControllerNote(kind: .warning, reason: "NodeNotReady", message: "Node is not ready")
            context.record(note, about: pod)
        }
    }
}

extension Node {
    /// Nodes of one zone fail together.
    fileprivate var zone: String {
        let labels = metadata.labels
        return (labels["topology.kubernetes.io/region"] ?? "") + "/" + (labels["topology.kubernetes.io/zone"] ?? "")
    }
}
