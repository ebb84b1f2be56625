import API
public import APIMachinery
public import Client
public import Logging
public import Support
import Synchronization

/// Watches pods, nodes and volumes, decides where each pod goes, and binds it there.
///
/// One pod at a time: a decision sees the effect of the one before. A pod that fits nowhere is tried again when something
/// happens that could change that: a node or claim changes, a pod ends.
public final class Scheduler: Sendable {
    /// The pods that are ours: those that name this scheduler.
    public static let name = "default-scheduler"

    private struct State {
        var cluster = ClusterFacts()
        /// Pods that fit nowhere when they were last tried.
        var waiting: Set<ObjectName> = []
    }

    private let client: any Client
    private let log: Logger
    private let now: @Sendable () -> Timestamp
    private let queue = WorkQueue<ObjectName>()
    private let state = Mutex(State())

    public init(client: any Client, log: Logger, now: @escaping @Sendable () -> Timestamp = { .now }) {
        self.client = client
        self.log = log
        self.now = now
    }

    /// Runs until the task is cancelled.
    public func run() async throws(Status) {
        let pods = try await client.observe(Pod.self)
        let nodes = try await client.observe(Node.self)
        let volumes = VolumeSets(
            claims: try await client.observe(PersistentVolumeClaim.self),
            volumes: try await client.observe(PersistentVolume.self),
            classes: try await client.observe(StorageClass.self))
        var observations = [nodes.observe { self.nodeChanged($0) }, pods.observe { self.podChanged($0) }]
        observations += volumes.all.map { set in set.observe { _ in self.wakeWaiting() } }
        defer { for observation in observations { observation.cancel() } }
        await queue.run(workers: 1) { (name: ObjectName, error: Status) in
            self.log.warning("pod \(name) could not be scheduled: \(error)")
        } _: { name throws(Status) in
            try await self.schedule(name, pods, volumes)
            return nil
        }
    }

    // MARK: What happens

    private func nodeChanged(_ change: ObjectChange) {
        state.withLock { $0.cluster.setNode(change.name.name, change.new.map { Node($0) }) }
        wakeWaiting()
    }

    private func podChanged(_ change: ObjectChange) {
        guard let object = change.new else {
            state.withLock { state in
                if let uid = change.old?.uid { state.cluster.displace(uid) }
                state.waiting.remove(change.name)
            }
            return wakeWaiting()
        }
        let pod = Pod(object)
        let isDone = pod.status.phase == "Succeeded" || pod.status.phase == "Failed"
        if isDone {
            state.withLock { $0.cluster.displace(object.uid) }
            wakeWaiting()
        } else if !pod.spec.nodeName.isEmpty {
            state.withLock { $0.cluster.place(PodFacts(pod), on: pod.spec.nodeName) }
        } else if isOurs(pod), isWorthTrying(change) {
            queue.add(change.name)
        }
    }

    /// A change of its own status, which the scheduler writes, tells nothing new.
    private func isWorthTrying(_ change: ObjectChange) -> Bool {
        guard let old = change.old, let new = change.new else { return true }
        return old.value["spec"] != new.value["spec"] || old.labels != new.labels
    }

    private func isOurs(_ pod: Pod) -> Bool {
        pod.spec.schedulerName == Self.name && pod.metadata.deletionTimestamp == nil
    }

    private func wakeWaiting() {
        let woken = state.withLock { state in
            let woken = state.waiting
            state.waiting = []
            return woken
        }
        for name in woken { queue.add(name) }
    }

    // MARK: What is done

    private func schedule(_ name: ObjectName, _ pods: any ObjectSet, _ volumes: VolumeSets) async throws(Status) {
        guard let pod = pods.get(Pod.self, name), pod.spec.nodeName.isEmpty, isOurs(pod) else { return }
        let facts = PodFacts(pod)
        let volumeFacts = volumes.facts(of: facts)
        let placement = state.withLock { state in
            let nodes = state.cluster.nodes.values.sorted { $0.name < $1.name }
            let placement = Placement.decide(facts, volumeFacts, among: nodes)
            switch placement {
            // A volume is made on the chosen node first; the pod follows when its claims are bound.
            case .node(let node) where volumeFacts.waitingClaims.isEmpty: state.cluster.place(facts, on: node)
            case .node, .unschedulable: state.waiting.insert(name)
            case .gated: break
            }
            return placement
        }
        switch placement {
        case .node(let node):
            guard volumeFacts.waitingClaims.isEmpty else {
                return try await choose(node, for: volumeFacts.waitingClaims, of: name)
            }
            try await bind(facts, to: node)
        case .unschedulable(let message):
            try await tell(pod, reason: "Unschedulable", message)
        case .gated(let message):
            try await tell(pod, reason: "SchedulingGated", message)
        }
    }

    private func bind(_ pod: PodFacts, to node: String) async throws(Status) {
        let binding: Value = [
            "apiVersion": "v1", "kind": "Binding",
            "metadata": [
                "name": .string(pod.name.name), "namespace": .string(pod.name.namespace), "uid": .string(pod.uid),
            ],
            "target": ["apiVersion": "v1", "kind": "Node", "name": .string(node)],
        ]
        do throws(Status) {
            try await client.create(Target(.pods, pod.name, subresource: "binding"), binding, WriteOptions())
        } catch {
            state.withLock { $0.cluster.displace(pod.uid) }
            // Gone, or bound by somebody else: nothing is left to do.
            guard error.isNotFound || error.isConflict else { throw error }
            return
        }
        log.debug("pod \(pod.name) goes to node \(node)")
    }

    /// Tells whoever provides the volumes where they are needed (`WaitForFirstConsumer`).
    private func choose(_ node: String, for claims: [String], of pod: ObjectName) async throws(Status) {
        for claim in claims {
            let patch = Patch.merge(
                ["metadata": ["annotations": ["volume.kubernetes.io/selected-node": .string(node)]]])
            try await client.patch(
                PersistentVolumeClaim.self, ObjectName(namespace: pod.namespace, name: claim), patch)
        }
    }

    /// Says in the pod's conditions why it waits. Saying the same again writes nothing.
    private func tell(_ pod: Pod, reason: String, _ message: String) async throws(Status) {
        let present = (pod.value.at("status", "conditions")?.array ?? []).first { $0["type"] == "PodScheduled" }
        guard present?["reason"]?.string != reason || present?["message"]?.string != message else { return }
        let time = present?["status"] == "False" ? present?["lastTransitionTime"] : nil
        let condition: Value = [
            "type": "PodScheduled", "status": "False", "reason": .string(reason), "message": .string(message),
            "lastTransitionTime": time ?? .string(now().description),
        ]
        do throws(Status) {
            try await client.patch(
                Pod.self, pod.objectName, subresource: "status", .strategicMerge(["status": ["conditions": [condition]]]))
        } catch {
            guard error.isNotFound else { throw error }
        }
    }
}
