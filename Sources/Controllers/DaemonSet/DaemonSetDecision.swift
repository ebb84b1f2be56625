import API
import APIMachinery
import Client
import Support

/// What a DaemonSet needs now: pods made for nodes, pods deleted, or nothing; and when to look again.
///
/// Pure: it is fed the set, the nodes, its pods (adopted already), its present revision and the time. Its shell is
/// ``DaemonSetController``. First every node gets the one pod it shall have and loses the others; when that is so, a
/// rolling update replaces pods of earlier templates (``rollout``).
struct DaemonSetDecision: Sendable {
    struct Deletion: Hashable, Sendable {
        var pod: Pod
        /// What a person is told of it.
        var note: ControllerNote?
    }

    /// What to do, all at once.
    struct Changes: Hashable, Sendable {
        /// The nodes that get a pod.
        var nodes: [String] = []
        var deletions: [Deletion] = []

        var isEmpty: Bool { nodes.isEmpty && deletions.isEmpty }

        mutating func delete(_ pods: some Sequence<Pod>) { deletions += pods.map { Deletion(pod: $0) } }
    }

    /// No more pods are made or deleted in one pass; the rest follows when these are done.
    static let burst = 250

    let set: DaemonSet
    /// By name.
    let nodes: [DaemonNode]
    /// The hash that new pods carry.
    let hash: String
    /// The hashes of all revisions that hold the present template.
    let presentHashes: Set<String>
    let now: Timestamp
    /// Nodes whose pods failed too often of late: failed ones are not deleted before these times.
    var pauses: [String: Timestamp] = [:]
    let verdicts: [String: DaemonNode.Verdict]
    /// By node, the first to stay first. One that is over and being deleted is as good as gone.
    let pods: [String: [Pod]]

    init(
        set: DaemonSet, nodes: [DaemonNode], pods: [Pod], hash: String, presentHashes: Set<String> = [],
        now: Timestamp
    ) {
        (self.set, self.nodes, self.hash, self.now) = (set, nodes, hash, now)
        self.presentHashes = presentHashes.union([hash])
        let placement = set.placement
        verdicts = Dictionary(uniqueKeysWithValues: nodes.map { ($0.name, $0.verdict(placement)) })
        let present = pods.filter { !($0.isFinished && $0.metadata.deletionTimestamp != nil) }
        let placed = present.compactMap { pod in DaemonPod.node(of: pod).map { (node: $0, pod: pod) } }
        self.pods = Dictionary(grouping: placed, by: \.node).mapValues { pods in
            pods.map(\.pod).sorted { Self.order($0) < Self.order($1) }
        }
    }

    /// What to do now.
    var changes: Changes {
        var changes = placing
        if changes.isEmpty, set.spec.updateStrategy.type != DaemonSetUpdateStrategyType.onDelete {
            changes = rollout
        }
        changes.nodes = Array(changes.nodes.prefix(Self.burst))
        changes.deletions = Array(changes.deletions.prefix(Self.burst))
        return changes
    }

    /// One pod for each node that shall have one.
    private var placing: Changes {
        var changes = Changes()
        for node in nodes {
            let (pods, verdict) = (pods[node.name] ?? [], verdicts[node.name] ?? .leave)
            switch verdict {
            case .run where pods.isEmpty: changes.nodes.append(node.name)
            case .run, .stay: keep(pods, on: node.name, verdict, &changes)
            case .leave: changes.delete(pods.filter { $0.metadata.deletionTimestamp == nil })
            }
        }
        // Nobody else deletes a pod that waits for a node that is gone.
        let lost = pods.filter { verdicts[$0.key] == nil }.sorted { $0.key < $1.key }.flatMap(\.value)
        changes.delete(lost.filter { $0.spec.nodeName.isEmpty && $0.metadata.deletionTimestamp == nil })
        return changes
    }

    /// A pod that is over makes room for another; of several that run all but one go.
    private func keep(_ pods: [Pod], on node: String, _ verdict: DaemonNode.Verdict, _ changes: inout Changes) {
        let staying = pods.filter { $0.metadata.deletionTimestamp == nil }
        for pod in staying where pod.isFinished {
            let hasFailed = pod.status.phase == "Failed"
            if hasFailed, pauses[node] != nil { continue }
            changes.deletions.append(Deletion(pod: pod, note: hasFailed ? .failed(pod, node) : .succeeded(pod, node)))
        }
        let running = staying.filter { !$0.isFinished }
        guard set.allowsSurge else { return changes.delete(running.dropFirst()) }
        if running.isEmpty, verdict == .run, staying.isEmpty { changes.nodes.append(node) }
        guard running.count > 1 else { return }
        keepPair(running, &changes)
    }

    /// During a surge two may run: the old one, ready, until the new one is available. The new one is what stays.
    private func keepPair(_ running: [Pod], _ changes: inout Changes) {
        let (new, old) = (running.filter(isPresent), running.filter { !isPresent($0) })
        changes.delete(new.dropFirst())
        changes.delete(old.dropFirst())
        guard let new = new.first, let old = old.first else { return }
        if !old.isReady || isAvailable(new) { changes.delete([old]) }
    }

    /// Whether a pod has the present template.
    func isPresent(_ pod: Pod) -> Bool {
        let labels = pod.metadata.labels
        if let hash = labels[RevisionLabel.ofPods], presentHashes.contains(hash) { return true }
        guard let generation = set.templateGeneration else { return false }
        return labels[DaemonPod.generationLabel] == generation
    }

    func isAvailable(_ pod: Pod) -> Bool {
        pod.isAvailable(minReadySeconds: set.spec.minReadySeconds, at: now)
    }

    /// Those with a node before those without, the oldest first.
    private static func order(_ pod: Pod) -> (Int, String, String) {
        let created = pod.metadata.creationTimestamp?.description ?? ""
        return (pod.spec.nodeName.isEmpty ? 1 : 0, created, pod.metadata.name)
    }
}

extension ControllerNote {
    fileprivate static func failed(_ pod: Pod, _ node: String) -> Self {
        let message = "Found failed daemon pod \(pod.objectName) on node \(node), will try to kill it"
        return ControllerNote(kind: .warning, reason: "FailedDaemonPod", message: message)
    }

    fileprivate static func succeeded(_ pod: Pod, _ node: String) -> Self {
        let message = "Found succeeded daemon pod \(pod.objectName) on node \(node), will try to delete it"
        return ControllerNote(reason: "SucceededDaemonPod", message: message)
    }
}
