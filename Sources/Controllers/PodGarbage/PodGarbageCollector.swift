import API
public import APIMachinery
import Client
import Support
import Synchronization

/// Removes pods that no kubelet will ever end: of nodes that are gone, those never placed, and finished ones
/// beyond a number.
public struct PodGarbageCollector: Controller {
    public let name = "pod-garbage-collector"
    /// How long a node must be missing: it may be registering anew.
    private static let quarantine: Duration = .seconds(40)

    private let most: Int

    /// - Parameter most: So many pods that are over are kept (`--terminated-pod-gc-threshold`); 0 for any number.
    public init(mostFinished most: Int? = nil) { self.most = most.map { $0 == 0 ? .max : $0 } ?? FinishedPods.most }

    private enum Key: Hashable, Sendable {
        case pod(ObjectName)
        /// A node that is missing or out of service.
        case node(String)
        case finished
    }

    public func run(_ context: ControllerContext) async throws(Status) {
        let nodes = try await context.client.observe(Node.self)
        let pods = try await context.client.observe(Pod.self)
        let index = GarbageIndex(most: most)
        let loop = ReconcileLoop<Key>(context)
        let lost = ReconcileLoop<Key>.Source(nodes) { change in
            index.takeNode(change, at: context.now()) == .present ? [] : [.node(change.name.name)]
        }
        let ended = ReconcileLoop<Key>.Source(pods) { change in
            guard let object = change.new else {
                index.forget(change.name)
                return []
            }
            var keys: [Key] = []
            // Every change of every pod comes here, so that no more of it is read than need be.
            if [PodPhase.succeeded, PodPhase.failed].contains(object.text(at: "status", "phase")),
                index.isCrowded(by: Pod(object))
            {
                keys.append(.finished)
            }
            let node = object.nodeName
            if node.isEmpty {
                if object.isDeleting { keys.append(.pod(change.name)) }
            } else if index.state(of: node, at: context.now()) != .present {
                keys.append(.node(node))
            }
            return keys
        }
        let work = GarbageWork(context: context, pods: pods, index: index)
        await loop.run([lost, ended]) { key throws(Status) in
            switch key {
            case .pod(let name): try await work.judge(name, on: .present)
            case .finished: try await work.removeExcess()
            case .node(let node): return try await work.visit(node, quarantine: Self.quarantine)
            }
            return nil
        }
    }
}

/// What the observations tell: which nodes there are, which are missing and since when, which pods are over.
private final class GarbageIndex: Sendable {
    private struct State {
        var nodes: [String: PodVerdict.NodeState] = [:]
        var missingSince: [String: Timestamp] = [:]
        var finished: FinishedPods
    }

    private let state: Mutex<State>

    init(most: Int) { state = Mutex(State(finished: FinishedPods(most: most))) }

    var excess: [ObjectName] { state.withLock(\.finished.excess) }

    func takeNode(_ change: ObjectChange, at now: Timestamp) -> PodVerdict.NodeState {
        let name = change.name.name
        guard let node = change.new.map({ Node($0) }) else {
            state.withLock { state in
                state.nodes[name] = nil
                state.missingSince[name] = now
            }
            return .gone
        }
        let isOut = !node.isReady && node.spec.taints.contains { $0.key == NodeTaintKey.outOfService }
        return state.withLock { state in
            state.missingSince[name] = nil
            state.nodes[name] = isOut ? .outOfService : .present
            return isOut ? .outOfService : .present
        }
    }

    /// Notes when a node was first missed.
    func state(of node: String, at now: Timestamp) -> PodVerdict.NodeState {
        state.withLock { state in
            if let known = state.nodes[node] { return known }
            if state.missingSince[node] == nil { state.missingSince[node] = now }
            return .gone
        }
    }

    func missingSince(_ node: String) -> Timestamp? { state.withLock { $0.missingSince[node] } }

    func forgetMissing(_ node: String) { state.withLock { $0.missingSince[node] = nil } }

    func isCrowded(by pod: Pod) -> Bool {
        let age = pod.metadata.creationTimestamp ?? Timestamp(seconds: 0)
        return state.withLock { $0.finished.insert(pod.objectName, createdAt: age) }
    }

    func forget(_ pod: ObjectName) { state.withLock { $0.finished.remove(pod) } }
}

/// One pass over one pod or node.
private struct GarbageWork: Sendable {
    let context: ControllerContext
    let pods: any ObjectSet
    let index: GarbageIndex

    /// Looks at the pods of a node that is missing or out of service; returns when to come again.
    func visit(_ node: String, quarantine: Duration) async throws(Status) -> Duration? {
        let state = index.state(of: node, at: context.now())
        switch state {
        case .present: return nil
        case .outOfService: break
        case .gone:
            let missing = index.missingSince(node).map { context.now() - $0 } ?? .zero
            guard missing >= quarantine else { return quarantine - missing }
            // Pods are killed on this word: the API's own counts, not the memory of it.
            guard try await context.client.find(Node.self, ObjectName(name: node)) == nil else { return nil }
        }
        try await inParallel(pods.pods(on: node).map(\.objectName)) { name throws(Status) in
            try await judge(name, on: state)
        }
        if state == .gone { index.forgetMissing(node) }
        return nil
    }

    func judge(_ name: ObjectName, on node: PodVerdict.NodeState) async throws(Status) {
        guard let pod = pods.get(Pod.self, name) else { return }
        guard case .remove(let disruption) = PodVerdict(pod, on: node) else { return }
        try await context.client.forceDelete(pod, because: disruption, at: context.now())
    }

    func removeExcess() async throws(Status) {
        let excess = index.excess.compactMap { pods.get(Pod.self, $0) }
        let now = context.now()
        try await inParallel(excess) { pod throws(Status) in
            try await context.client.forceDelete(pod, at: now)
        }
    }
}
