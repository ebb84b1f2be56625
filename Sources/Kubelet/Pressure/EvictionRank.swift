import API
import APIMachinery
import Support

/// What a pod of this node uses of what is scarce.
struct PodUsage: Hashable, Sendable {
    struct Use: Hashable, Sendable {
        var name: String
        var used: Int64
        /// What it asked for; 0 for nothing.
        var requested: Int64
    }

    var uid: String
    var priority = 0
    /// Static pods, and those that the cluster does not run without.
    var isCritical = false
    var used: Int64
    var requested: Int64
    var containers: [Use] = []

    var isOverRequest: Bool { used > requested }
}

/// Which pod goes first: of those that use more than they asked for, else of all, the one of the lowest
/// priority, and of equals the one that is farthest over its request (Kubernetes documentation, "Pod selection
/// for kubelet eviction").
enum EvictionRank {
    static func first(of pods: [PodUsage], _ signal: EvictionSignal) -> PodUsage? {
        pods.filter { !$0.isCritical }.min { isBefore($0, $1, signal) }
    }

    private static func isBefore(_ one: PodUsage, _ other: PodUsage, _ signal: EvictionSignal) -> Bool {
        // Nobody asks for inodes or processes.
        let countsRequests = signal.isRequested
        if countsRequests, one.isOverRequest != other.isOverRequest { return one.isOverRequest }
        if one.priority != other.priority { return one.priority < other.priority }
        let excess = [one, other].map { Int128($0.used) - (countsRequests ? Int128($0.requested) : 0) }
        return excess[0] == excess[1] ? one.uid < other.uid : excess[0] > excess[1]
    }

    /// What the owner of the pod is told, in Kubernetes' words.
    static func message(_ pod: PodUsage, _ threshold: EvictionThreshold, _ amount: EvictionAmount) -> String {
        let (resource, signal) = (threshold.signal.resource, threshold.signal)
        var text = "The node was low on resource: \(resource). "
        let limit = threshold.quantity.shown(of: amount.capacity)
        text += "Threshold quantity: \(limit), available: \(shown(amount.available, signal)). "
        guard signal.isRequested else { return text }
        for container in pod.containers where container.used > container.requested {
            text +=
                "Container \(container.name) was using \(shown(container.used, signal)), request is "
                + "\(shown(container.requested, signal)), has larger consumption of \(resource). "
        }
        return text
    }

    private static func shown(_ amount: Int64, _ signal: EvictionSignal) -> String {
        Quantity(amount, signal.isRequested ? .binarySI : .decimalSI).canonical
    }
}

extension Pod {
    /// From here on pods are the cluster's own (Kubernetes documentation, "Pod Priority and Preemption").
    static let systemCriticalPriority = 2_000_000_000

    /// Whether the node keeps the pod whatever it is short of: a static pod, or one of the cluster's own.
    var isCritical: Bool {
        isMirror || isStatic || (spec.priority ?? 0) >= Pod.systemCriticalPriority
    }
}
