import API
import APIMachinery
import Support

@testable import Controllers

/// A StatefulSet with its pods, claims and revisions, in memory: what the API and the nodes would do to them, one step at
/// a time, as a conversation asks for it.
struct StatefulWorld {
    var set = StatefulSet(namespace: "default", name: "web")
    var pods: [String: Pod] = [:]
    var claims: [String: PersistentVolumeClaim] = [:]
    var revisions: [ControllerRevision] = []
    var pauses: [Int: Timestamp] = [:]
    var mostUnavailable: Int?
    var now = Timestamp(seconds: 1_000_000)
    private var uids = 0

    mutating func answer(_ command: [String]) -> [String] {
        let (options, rest) = (options(command), Array(command.dropFirst()))
        switch command[0] {
        case "set": make(options)
        case "image": use(rest[0])
        case "scale": set.spec.replicas = Int(rest[0])
        case "partition": set.spec.updateStrategy.rollingUpdate?.partition = Int(rest[0])
        case "step": return step()
        case "settle": return settle()
        case "ready": for name in rest.isEmpty ? pods.keys.sorted() : rest { makeReady(name) }
        case "unready": for name in rest { pods[name]?.status.conditions = [] }
        case "phase": pods[rest[0]]?.status.phase = rest[1]
        case "delete": remove(rest[0])
        case "gone": removeDeleted()
        case "after": now = now + .seconds(Int(rest[0]) ?? 0)
        case "pause": pauses[Int(rest[0]) ?? 0] = now + .seconds(10)
        case "end": set.metadata.deletionTimestamp = now
        case "stale": claims[rest[0]]?.metadata.deletionTimestamp = now
        case "status": return status
        case "deadline": return [decision.nextDeadline.map { "\($0.components.seconds) s" } ?? "none"]
        default: return ["what is \(command[0])?"]
        }
        return []
    }

    private mutating func make(_ options: [String: String]) {
        self = StatefulWorld()
        set.metadata.uid = "s"
        set.spec.replicas = Int(options["replicas"] ?? "3")
        set.spec.serviceName = "peers"
        set.spec.selector = MetaV1LabelSelector(["matchLabels": ["app": "web"]])
        set.spec.template.metadata.labels = ["app": "web"]
        set.spec.podManagementPolicy = options["policy"] ?? "OrderedReady"
        set.spec.minReadySeconds = Int(options["minReady"] ?? "0") ?? 0
        set.spec.updateStrategy.type = options["strategy"] ?? "RollingUpdate"
        if set.updatesItself {
            set.spec.updateStrategy.rollingUpdate = RollingUpdateStatefulSetStrategy(["partition": 0])
        }
        if let start = options["start"].flatMap({ Int64($0) }) {
            set.spec.ordinals = StatefulSetOrdinals(["start": .integer(start)])
        }
        set.spec.persistentVolumeClaimRetentionPolicy = StatefulSetPersistentVolumeClaimRetentionPolicy([
            "whenDeleted": .string(options["whenDeleted"] ?? "Retain"),
            "whenScaled": .string(options["whenScaled"] ?? "Retain"),
        ])
        if let name = options["claim"] {
            set.spec.volumeClaimTemplates = [PersistentVolumeClaim(["metadata": ["name": .string(name)]])]
        }
        mostUnavailable = options["unavailable"].flatMap { Int($0) }
        use("v1")
    }

    /// Another image, and the revision that comes of it.
    private mutating func use(_ image: String) {
        set.spec.template.spec = PodSpec(["containers": [["name": "c", "image": .string(image)]]])
        switch RevisionHistory(set.spec.template, revisions).step(for: set) {
        case .keep: break
        case .renumber(let revision):
            revisions.removeAll { $0.metadata.uid == revision.metadata.uid }
            revisions.append(revision)
        case .create(var revision):
            revision.metadata.uid = uid()
            revisions.append(revision)
        }
    }

    var decision: StatefulSetDecision {
        let history = RevisionHistory(set.spec.template, revisions)
        let update = history.current ?? ControllerRevision(name: "none")
        var members: [Int: Pod] = [:]
        for pod in pods.values { if let ordinal = set.ordinal(of: pod.metadata.name) { members[ordinal] = pod } }
        let claims = claims
        var decision = StatefulSetDecision(
            set: set, pods: members, current: history[set.status.currentRevision] ?? update, update: update, now: now,
            claim: { claims[$0] })
        (decision.pauses, decision.mostUnavailable) = (pauses, mostUnavailable)
        return decision
    }

    private mutating func step() -> [String] {
        let lines = decision.steps.flatMap(\.actions).map { carryOut($0) }
        set.status = decision.status
        return lines
    }

    /// Steps until nothing happens any more; nodes do their part after each.
    private mutating func settle() -> [String] {
        var all: [String] = []
        for _ in 0..<100 {
            let lines = step()
            removeDeleted()
            for name in pods.keys { makeReady(name) }
            if lines.isEmpty { break }
            all += lines
        }
        return all
    }

    private mutating func carryOut(_ action: StatefulSetDecision.Action) -> String {
        switch action {
        case .createClaim(var claim):
            claim.metadata.uid = uid()
            claims[claim.metadata.name] = claim
            return "claim " + owned(claim)
        case .setOwners(let claim):
            claims[claim.metadata.name] = claim
            return "owner " + owned(claim)
        case .createPod(var pod):
            pod.metadata.uid = uid()
            pod.status.phase = "Pending"
            pods[pod.metadata.name] = pod
            return "create \(pod.metadata.name) \(pod.spec.containers.first?.image ?? "")"
        case .setLabels(let pod):
            pods[pod.metadata.name] = pod
            return "label \(pod.metadata.name)"
        case .delete(let pod):
            remove(pod.metadata.name)
            return "delete \(pod.metadata.name)"
        case .wait(let note): return "wait \(note.reason) \(note.message)"
        }
    }

    private func owned(_ claim: PersistentVolumeClaim) -> String {
        ([claim.metadata.name] + claim.metadata.ownerReferences.map(\.kind)).joined(separator: " ")
    }

    private mutating func makeReady(_ name: String) {
        guard pods[name]?.metadata.deletionTimestamp == nil, pods[name]?.isReady == false else { return }
        pods[name]?.status.phase = "Running"
        pods[name]?.status.conditions = [
            PodCondition(["type": "Ready", "status": "True", "lastTransitionTime": .string(now.description)])
        ]
    }

    private mutating func remove(_ name: String) { pods[name]?.metadata.deletionTimestamp = now }

    private mutating func removeDeleted() { pods = pods.filter { $0.value.metadata.deletionTimestamp == nil } }

    private mutating func uid() -> String {
        uids += 1
        return "uid-\(uids)"
    }

    private var status: [String] {
        let status = set.status
        let isDone = status.currentRevision == status.updateRevision
        return [
            "replicas \(status.replicas) ready \(status.readyReplicas) available \(status.availableReplicas)",
            "current \(status.currentReplicas) updated \(status.updatedReplicas) \(isDone ? "done" : "rolling")",
        ]
    }
}
