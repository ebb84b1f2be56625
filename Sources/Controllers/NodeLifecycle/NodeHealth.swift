import API
import APIMachinery
import Support

/// What a node's silence says of it.
///
/// Pure: it is told for how long nothing was heard of the node, by the listener's own clock, so that clocks
/// that differ do no harm. Its shell is ``NodeLifecycleController``.
struct NodeHealth: Sendable {
    var node: Node
    var silence: Duration
    var now: Timestamp
    var options = NodeLifecycleOptions()

    /// What nobody but the node can know.
    private static let told = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"]

    /// The node with what is known of it now: conditions that a silent node told of are unknown.
    var judged: Node {
        guard isSilent else { return node }
        var judged = node
        var conditions = node.status.conditions
        for type in Self.told {
            if let index = conditions.firstIndex(where: { $0.type == type }) {
                guard conditions[index].status != "Unknown" else { continue }
                conditions[index].status = "Unknown"
                conditions[index].reason = "NodeStatusUnknown"
                conditions[index].message = "Kubelet stopped posting node status."
                conditions[index].lastTransitionTime = now
            } else {
                var condition = NodeCondition()
                condition.type = type
                condition.status = "Unknown"
                condition.reason = "NodeStatusNeverUpdated"
                condition.message = "Kubelet never posted node status."
                condition.lastHeartbeatTime = node.metadata.creationTimestamp
                condition.lastTransitionTime = now
                conditions.append(condition)
            }
        }
        judged.status.conditions = conditions
        return judged
    }

    /// When to look again if nothing is heard; `nil` when the silence is known already.
    var nextDeadline: Duration? { isSilent ? nil : patience - silence }

    private var isSilent: Bool { silence >= patience }
    private var patience: Duration { node.condition("Ready") == nil ? options.startupGrace : options.grace }
}

extension Node {
    func condition(_ type: String) -> NodeCondition? { status.conditions.first { $0.type == type } }

    var isReady: Bool { condition("Ready")?.status == "True" }

    /// Whether nobody knows how the node fares.
    var isUnreachable: Bool { condition("Ready")?.status == "Unknown" }
}
