import API
public import APIMachinery
public import Client
public import Logging
public import Support
import Synchronization

/// Watches pods, nodes and volumes, decides where each pod goes, and binds it there.
///
/// One pod at a time: a decision sees the effect of the one before. A pod that fits nowhere is tried again
/// when something happens that could change that: a node offers something else, a pod ends, or, if it uses claims,
/// a volume, claim or class changes.
public final class Scheduler: Sendable {
    /// The pods that are ours: those that name this scheduler.
    public static let name = "default-scheduler"

    private struct State {
        var cluster = ClusterFacts()
        /// Pods that fit nowhere when they were last tried, or whose volumes are being made; and whether they use
        /// claims.
        var waiting: [ObjectName: Bool] = [:]
        /// How often volumes, claims and classes have changed.
        var volumeChanges = 0

        /// Decides, and has the pod count on the node from now on: also while its volumes are made there, so
        /// that the room is left when they are.
        mutating func place(
            _ pod: PodFacts, _ volumes: VolumeFacts
        ) -> (Placement, [(claim: String, choice: VolumeFacts.Choice)]) {
            cluster.displace(pod.uid)
            let placement = Placement.decide(pod, volumes, among: cluster.nodes.values)
            switch placement {
            case .node(let node):
                cluster.place(pod, on: node)
                if !volumes.isComplete { waiting[pod.name] = true }
                return (placement, cluster.nodes[node].flatMap { volumes.choices(on: $0) } ?? [])
            case .unschedulable: waiting[pod.name] = !pod.claims.isEmpty
            case .gated: break
            }
            return (placement, [])
        }
    }

    private let client: any Client
    private let events: EventRecorder
    private let log: Logger
    private let now: @Sendable () -> Timestamp
    private let queue = WorkQueue<ObjectName>()
    private let state = Mutex(State())

    public init(client: any Client, log: Logger, now: @escaping @Sendable () -> Timestamp = { .now }) {
        self.client = client
        events = EventRecorder(client, component: Self.name)
        self.log = log
        self.now = now
    }

    /// Runs until the task is cancelled.
    public func run() async throws(Status) {
        let pods = try await client.observe(Pod.self)
        let nodes = try await client.observe(Node.self)
        let volumes = try await VolumeSets(client)
        var observations = [nodes.observe { self.nodeChanged($0) }, pods.observe { self.podChanged($0) }]
        observations += volumes.observe { self.volumesChanged() }
        defer { for observation in observations { observation.cancel() } }
        await withTaskGroup { group in
            group.addTask { await self.events.run() }
            await queue.run(workers: 1) { (name: ObjectName, error: Status) in
                // Somebody else wrote first: the next try sees what.
                let level: Logger.Level = error.isConflict || error.isNotFound ? .debug : .warning
                self.log.log(level: level, "pod \(name) could not be scheduled: \(error)")
            } _: { name throws(Status) in
                try await self.schedule(name, pods, volumes)
                return nil
            }
            group.cancelAll()
        }
    }

    // MARK: What happens

    private func nodeChanged(_ change: ObjectChange) {
        let node = change.new.map { Node($0) }
        if state.withLock({ $0.cluster.setNode(change.name.name, node) }) { wakeWaiting() }
    }

    private func volumesChanged() {
        state.withLock { $0.volumeChanges += 1 }
        wakeWaiting { $0 }
    }

    private func podChanged(_ change: ObjectChange) {
        guard let object = change.new else {
            state.withLock { $0.waiting[change.name] = nil }
            return release(change.old?.uid ?? "")
        }
        let pod = Pod(object)
        let node = pod.spec.nodeName
        if pod.status.phase == "Succeeded" || pod.status.phase == "Failed" {
            release(object.uid)
        } else if node.isEmpty {
            if isOurs(pod), isWorthTrying(change) { queue.add(change.name) }
        } else {
            let generation = pod.metadata.generation
            guard !state.withLock({ $0.cluster.has(object.uid, on: node, generation: generation) }) else { return }
            let facts = PodFacts(pod)
            // A resized pod may leave room for others.
            if state.withLock({ $0.cluster.place(facts, on: node) }) { wakeWaiting() }
        }
    }

    /// The pod needs nothing any more.
    private func release(_ uid: String) {
        if state.withLock({ $0.cluster.displace(uid) }) { wakeWaiting() }
    }

    /// A change of its own status, which the scheduler writes, tells nothing new.
    private func isWorthTrying(_ change: ObjectChange) -> Bool {
        guard let old = change.old, let new = change.new else { return true }
        return old.value["spec"] != new.value["spec"] || old.labels != new.labels
    }

    private func isOurs(_ pod: Pod) -> Bool {
        pod.spec.schedulerName == Self.name && pod.metadata.deletionTimestamp == nil
    }

    /// Tries those again that wait, of which `isConcerned` tells by whether they use claims.
    private func wakeWaiting(_ isConcerned: (_ usesClaims: Bool) -> Bool = { _ in true }) {
        let woken = state.withLock { state in
            let woken = state.waiting.filter { isConcerned($0.value) }.keys
            for name in woken { state.waiting[name] = nil }
            return woken
        }
        for name in woken { queue.add(name) }
    }

    // MARK: What is done

    private func schedule(_ name: ObjectName, _ pods: any ObjectSet, _ volumes: VolumeSets)
        async throws(Status)
    {
        guard let pod = pods.get(Pod.self, name), pod.spec.nodeName.isEmpty, isOurs(pod) else { return }
        let facts = PodFacts(pod)
        let seen = state.withLock(\.volumeChanges)
        let volumeFacts = volumes.facts(of: facts)
        let (placement, choices) = state.withLock { $0.place(facts, volumeFacts) }
        // A volume that changed since it was looked at woke nobody who was not waiting yet.
        if !facts.claims.isEmpty, state.withLock(\.volumeChanges) != seen { queue.add(name) }
        switch placement {
        case .node(let node) where volumeFacts.isComplete: try await bind(pod, facts, to: node)
        case .node(let node):
            for (claim, choice) in choices {
                try await serve(
                    ObjectName(namespace: name.namespace, name: claim), by: choice, on: node, volumes)
            }
        case .unschedulable(let message): try await tell(pod, reason: "Unschedulable", message)
        case .gated(let message): try await tell(pod, reason: "SchedulingGated", message)
        }
    }

    private func bind(_ object: Pod, _ pod: PodFacts, to node: String) async throws(Status) {
        let binding: Value = [
            "apiVersion": "v1", "kind": "Binding",
            "metadata": [
                "name": .string(pod.name.name), "namespace": .string(pod.name.namespace),
                "uid": .string(pod.uid),
            ],
            "target": ["apiVersion": "v1", "kind": "Node", "name": .string(node)],
        ]
        do throws(Status) {
            try await client.create(Target(.pods, pod.name, subresource: "binding"), binding, WriteOptions())
        } catch {
            release(pod.uid)
            // Gone, or bound by somebody else: nothing is left to do.
            guard error.isNotFound || error.isConflict else { throw error }
            return
        }
        events.record(
            object, reason: "Scheduled", message: "Successfully assigned \(pod.name) to \(node)", at: now())
    }

    /// Has a claim that waited for its consumer served: by a free volume, which is kept for it from now on,
    /// or by its provisioner, which learns the node (`WaitForFirstConsumer`). The pod follows when the claim
    /// is bound.
    private func serve(
        _ name: ObjectName, by choice: VolumeFacts.Choice, on node: String, _ volumes: VolumeSets
    ) async throws(Status) {
        guard let claim = volumes.claims.get(PersistentVolumeClaim.self, name) else { return }
        switch choice {
        case .volume(let volume):
            guard var free = volumes.volumes.get(PersistentVolume.self, ObjectName(name: volume)) else {
                return
            }
            free.spec.claimRef = claim.reference
            free.metadata.annotations[VolumeAnnotation.boundByController] = "yes"
            try await client.update(free)
        case .provision where claim.selectedNode != node:
            let annotations: Value = [VolumeAnnotation.selectedNode: .string(node)]
            let uid = Value.string(claim.metadata.uid)
            let patch = Patch.merge(["metadata": ["uid": uid, "annotations": annotations]])
            try await client.patch(PersistentVolumeClaim.self, name, patch)
        case .provision: return
        }
    }

    /// Says in the pod's conditions, and by an event, why it waits. Saying the same again writes nothing.
    private func tell(_ pod: Pod, reason: String, _ message: String) async throws(Status) {
        let present = (pod.value.at("status", "conditions")?.array ?? []).first {
            $0["type"] == "PodScheduled"
        }
        guard present?["reason"]?.string != reason || present?["message"]?.string != message else { return }
        let time = present?["status"] == "False" ? present?["lastTransitionTime"] : nil
        let condition: Value = [
            "type": "PodScheduled", "status": "False", "reason": .string(reason), "message": .string(message),
            "lastTransitionTime": time ?? .string(now().description),
        ]
        if reason == "Unschedulable" {
            events.record(pod, .warning, reason: "FailedScheduling", message: message, at: now())
        }
        do throws(Status) {
            try await client.patch(
                Pod.self, pod.objectName, subresource: "status",
                .strategicMerge(["status": ["conditions": [condition]]]))
        } catch {
            guard error.isNotFound else { throw error }
        }
    }
}
