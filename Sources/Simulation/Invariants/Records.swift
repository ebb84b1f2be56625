import API
import APIMachinery
import Support

/// What the rules need to know of a pod, read once for each version.
struct PodRecord: Sendable {
    var name: ObjectName
    var uid: String
    var node: String
    var isOver: Bool
    var isDeleting: Bool
    /// Its node has done with it, or need not be waited for.
    var isShutDown: Bool
    var isReady: Bool
    /// Told to go by an eviction.
    var isEvicted: Bool
    var ip: String
    var labels: Fields
    /// Thousandths of a core, and bytes.
    var cpu: Int64
    var memory: Int64
    var phase: String
    /// The claims whose volumes it uses.
    var claims: [String]
    /// When it was bound to its node; `nil` before.
    var placed: Timestamp?
    /// The controller among its owners.
    var owner: OwnerReference?

    /// `pod` is the same object, read; `old` is what was there before.
    init(_ object: StoredObject, _ pod: Pod, replacing old: PodRecord?, at now: Timestamp) {
        name = object.objectName
        uid = object.uid
        node = pod.spec.nodeName
        phase = pod.status.phase
        isOver = pod.isOver
        isDeleting = object.isDeleting
        isShutDown = isDeleting && pod.metadata.deletionGracePeriodSeconds == 0
        isReady = pod.status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
        isEvicted = pod.status.conditions.contains {
            $0.type == "DisruptionTarget" && $0.reason == "EvictionByEvictionAPI"
        }
        ip = pod.status.podIP
        labels = object.labels
        (cpu, memory) = (0, 0)
        for container in pod.spec.containers {
            let requests = container.resources.requests
            cpu += requests["cpu"].flatMap { try? Quantity($0) }?.milliValue ?? 0
            memory += requests["memory"].flatMap { try? Quantity($0) }?.value ?? 0
        }
        claims = pod.claimNames
        if !node.isEmpty { placed = old?.uid == uid ? old?.placed ?? now : now }
        owner = pod.metadata.ownerReferences.first { $0.controller == true }
    }
}

/// What the rules need to know of a node.
struct NodeRecord: Sendable {
    var cpu: Int64
    var memory: Int64
    var pods: Int64
    var labels: Fields
    /// Taints that keep new pods away, and since when each is there.
    var taints: [Taint: Timestamp]

    init(_ object: StoredObject, _ node: Node, replacing old: NodeRecord?, at now: Timestamp) {
        let allocatable = node.status.allocatable
        cpu = allocatable["cpu"].flatMap { try? Quantity($0) }?.milliValue ?? 0
        memory = allocatable["memory"].flatMap { try? Quantity($0) }?.value ?? 0
        pods = allocatable["pods"].flatMap { try? Quantity($0) }?.value ?? 0
        labels = object.labels
        taints = [:]
        var present = node.spec.taints.filter { $0.effect == "NoSchedule" || $0.effect == "NoExecute" }
        if node.spec.unschedulable {
            var cordon = Taint()
            (cordon.key, cordon.effect) = ("node.kubernetes.io/unschedulable", "NoSchedule")
            present.append(cordon)
        }
        for var taint in present {
            taint.timeAdded = nil
            taints[taint] = old?.taints[taint] ?? now
        }
    }
}
