import API
import APIMachinery
import Support

/// What decisions need to know of one version of a pod, read once. Frozen, so that queue, nodes and nominations share it.
final class PodFacts: Sendable {
    let name: ObjectName
    let uid: String
    /// Of its spec: a pod on a node may still be resized.
    let generation: Int
    let resourceVersion: String
    let schedulerName: String
    let labels: Fields
    /// The node that it is on; empty for none.
    let nodeName: String
    /// The node that preemption made, or makes, room on; empty for none.
    let nominatedNode: String
    /// Whether it has ended, and needs nothing any more.
    let hasEnded: Bool
    let isLeaving: Bool
    /// Whether it leaves because the scheduler wanted its room (KEP-3329).
    let isPreempted: Bool

    let priority: Int
    /// Whether others may be evicted for it (`preemptionPolicy`).
    let mayPreempt: Bool
    let startTime: Timestamp?

    let requests: ResourceAmounts
    /// CPU and memory where containers that name none are taken to use something, so that such pods spread as well.
    let weightedCPU: Int128
    let weightedMemory: Int128
    /// Whether it asks for neither CPU nor memory.
    let isBestEffort: Bool

    let hostPorts: [HostPort]
    let nodeSelector: [(key: String, value: String)]
    /// Any of these must match; `nil` when every node does.
    let requiredNodes: NodeSelector?
    let preferredNodes: [WeightedNodeTerm]
    let tolerations: [TolerationFacts]
    /// What it says of pods beside it; `nil` when nothing.
    let affinity: PodAffinityFacts?
    let spread: [SpreadConstraint]
    let images: [String]

    /// The claims whose volumes the pod uses, and whether each is made for this pod alone.
    let claims: [(name: String, isEphemeral: Bool)]
    /// Disks that are named without a claim (`gcePersistentDisk` and their like), and CSI drivers of inline volumes.
    let legacyDisks: [LegacyDisk]
    let gates: [String]
    /// The controller that made it.
    let owner: OwnerFacts?
    let deviceClaims: [DeviceClaimReference]
    /// What its containers request that devices may stand for, and the claim that was made for that.
    let extended: [ExtendedRequest]
    let extendedClaim: String?
    /// Its `PodScheduled` condition as it stands.
    let condition: ScheduledCondition?

    init(_ pod: Pod) {
        let metadata = pod.value["metadata"] ?? .emptyObject
        let spec = pod.value["spec"] ?? .emptyObject
        let status = pod.value["status"] ?? .emptyObject
        name = ObjectName(
            namespace: metadata["namespace"]?.string ?? "", name: metadata["name"]?.string ?? "")
        uid = metadata["uid"]?.string ?? ""
        generation = Int(clamping: metadata["generation"]?.integer ?? 0)
        resourceVersion = metadata["resourceVersion"]?.string ?? ""
        schedulerName = spec["schedulerName"]?.string ?? ""
        labels = metadata["labels"]?.fields ?? Fields()
        nodeName = spec["nodeName"]?.string ?? ""
        nominatedNode = status["nominatedNodeName"]?.string ?? ""
        let phase = status["phase"]?.string
        hasEnded = phase == "Succeeded" || phase == "Failed"
        isLeaving = metadata["deletionTimestamp"] != nil
        let conditions = status["conditions"]?.array ?? []
        isPreempted = isLeaving && conditions.contains {
            $0["type"] == "DisruptionTarget" && $0["status"] == "True" && $0["reason"] == "PreemptionByScheduler"
        }
        condition = conditions.first { $0["type"] == "PodScheduled" }.map(ScheduledCondition.init)
        priority = Int(Int32(clamping: spec["priority"]?.integer ?? 0))
        mayPreempt = spec["preemptionPolicy"]?.string != "Never"
        startTime = status["startTime"]?.string.flatMap { Timestamp($0) }

        let sum = PodResources.requests(of: pod.value, .init(heedsStatus: true))
        requests = ResourceAmounts(sum)
        isBestEffort = sum["cpu"] == nil && sum["memory"] == nil
        (weightedCPU, weightedMemory) = Self.weighted(requests, spec)
        hostPorts = HostPort.all(of: spec)
        nodeSelector = (spec["nodeSelector"]?.fields ?? Fields()).map { ($0.key, $0.value.string ?? "") }
        let nodeAffinity = spec.at("affinity", "nodeAffinity")
        requiredNodes = nodeAffinity?["requiredDuringSchedulingIgnoredDuringExecution"].map {
            NodeSelector(stored: $0)
        }
        preferredNodes = (nodeAffinity?["preferredDuringSchedulingIgnoredDuringExecution"]?.array ?? [])
            .compactMap(WeightedNodeTerm.init)
        tolerations = (spec["tolerations"]?.array ?? []).map(TolerationFacts.init)
        let own = labels
        affinity = PodAffinityFacts(spec["affinity"], namespace: name.namespace, labels: own)
        spread = (spec["topologySpreadConstraints"]?.array ?? []).map { SpreadConstraint($0, labels: own) }
        let containers = (spec["initContainers"]?.array ?? []) + (spec["containers"]?.array ?? [])
        images = containers.compactMap { $0["image"]?.string }.map(NodeFacts.normalized)

        let volumes = spec["volumes"]?.array ?? []
        claims = volumes.compactMap { volume in
            pod.claimName(of: Volume(volume)).map { ($0, volume["ephemeral"] != nil) }
        }
        legacyDisks = volumes.compactMap(LegacyDisk.init)
        gates = (spec["schedulingGates"]?.array ?? []).compactMap { $0["name"]?.string }
        owner = OwnerFacts(metadata["ownerReferences"])
        deviceClaims = DeviceClaimReference.all(of: spec, status)
        // Few pods request anything but what every node has.
        extended = requests.others.isEmpty ? [] : ExtendedRequest.all(of: spec)
        extendedClaim = status.at("extendedResourceClaimStatus", "resourceClaimName")?.string
    }

    /// The claims that it uses, by their full names.
    var claimNames: [ObjectName] {
        claims.map { ObjectName(namespace: name.namespace, name: $0.name) }
    }

    /// As kube-scheduler takes them: a container that names no CPU counts for a tenth of a core, one that names no memory
    /// for 200 MiB.
    private static func weighted(_ requests: ResourceAmounts, _ spec: Value) -> (cpu: Int128, memory: Int128) {
        let whole = spec.at("resources", "requests")
        let running = (spec["containers"]?.array ?? [])
            + (spec["initContainers"]?.array ?? []).filter { $0["restartPolicy"]?.string == "Always" }
        func silent(_ name: String) -> Int128 {
            if whole?[name] != nil { return 0 }
            return Int128(running.count { $0.at("resources", "requests")?[name] == nil })
        }
        return (requests.cpu + 100 * silent("cpu"), requests.memory + (200 << 20) * silent("memory"))
    }
}

/// Nodes that a pod would rather be on, and how much.
struct WeightedNodeTerm: Sendable {
    var weight: Int
    var term: NodeSelectorTerm

    init?(_ preferred: Value) {
        guard let term = try? NodeSelectorTerm(preferred["preference"] ?? .emptyObject) else { return nil }
        self.term = term
        weight = Int(Int32(clamping: preferred["weight"]?.integer ?? 0))
    }
}

/// The controller of a pod, as far as its selector tells which pods are its siblings.
struct OwnerFacts: Hashable, Sendable {
    var apiVersion: String
    var kind: String
    var name: String
    var uid: String

    init?(_ references: Value?) {
        let owner = references?.array?.first { $0["controller"]?.bool == true }
        guard let owner else { return nil }
        apiVersion = owner["apiVersion"]?.string ?? ""
        kind = owner["kind"]?.string ?? ""
        name = owner["name"]?.string ?? ""
        uid = owner["uid"]?.string ?? ""
    }
}

/// What a pod's `PodScheduled` condition says.
struct ScheduledCondition: Hashable, Sendable {
    var isTrue: Bool
    var reason: String
    var message: String
    var since: String?

    init(_ condition: Value) {
        isTrue = condition["status"] == "True"
        reason = condition["reason"]?.string ?? ""
        message = condition["message"]?.string ?? ""
        since = condition["lastTransitionTime"]?.string
    }
}
