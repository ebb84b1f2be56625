import API
import APIMachinery
import Support

/// Which taints a node has to have because of its conditions. Taints of others stay as they are.
struct NodeTaints: Sendable {
    /// What pods have to fear from a node that is not ready.
    enum Eviction: Hashable, Sendable {
        case normal
        /// Too many nodes are not ready, or others were given up a moment ago. From this one no pods are chased away, unless
        /// they are already.
        case held
        /// No node is ready: there is no better place, so none is chased away at all.
        case none
    }

    var node: Node
    var eviction: Eviction
    var now: Timestamp

    private struct Mark: Hashable {
        var key: String
        var effect: String
    }

    private static let managed: Set<Mark> = {
        let fencing = [NodeTaintKey.notReady, NodeTaintKey.unreachable]
        let keys = fencing + [NodeTaintKey.unschedulable] + NodeTaintKey.pressures.map(\.key)
        return Set(keys.map { Mark(key: $0, effect: NodeTaintKey.noSchedule) })
            .union(fencing.map { Mark(key: $0, effect: NodeTaintKey.noExecute) })
    }()

    /// All taints that the node shall have: those it has in their order, new ones after them.
    var wanted: [Taint] {
        let wanted = marks
        let kept = node.spec.taints.filter { taint in
            let mark = Mark(key: taint.key, effect: taint.effect)
            return !Self.managed.contains(mark) || wanted.contains(mark)
        }
        let present = Set(kept.map { Mark(key: $0.key, effect: $0.effect) })
        return kept
            + wanted.filter { !present.contains($0) }.map { mark in
                var taint = Taint()
                (taint.key, taint.effect, taint.timeAdded) = (mark.key, mark.effect, now)
                return taint
            }
    }

    /// Whether pods are chased from the node already, for whichever of the two reasons.
    static func isGivenUp(_ node: Node) -> Bool {
        node.spec.taints.contains { taint in
            taint.effect == NodeTaintKey.noExecute
                && (taint.key == NodeTaintKey.notReady || taint.key == NodeTaintKey.unreachable)
        }
    }

    private var marks: [Mark] {
        var marks: [Mark] = []
        if let fence {
            marks.append(Mark(key: fence, effect: NodeTaintKey.noSchedule))
            let chase = Mark(key: fence, effect: NodeTaintKey.noExecute)
            if node.condition("Ready") != nil, isChasing { marks.append(chase) }
        }
        for (condition, key) in NodeTaintKey.pressures where node.condition(condition)?.status == "True" {
            marks.append(Mark(key: key, effect: NodeTaintKey.noSchedule))
        }
        if node.spec.unschedulable {
            marks.append(Mark(key: NodeTaintKey.unschedulable, effect: NodeTaintKey.noSchedule))
        }
        return marks
    }

    /// What keeps pods from a node that is not ready.
    private var fence: String? {
        if node.isReady { return nil }
        return node.isUnreachable ? NodeTaintKey.unreachable : NodeTaintKey.notReady
    }

    private var isChasing: Bool {
        switch eviction {
        case .normal: true
        case .held: Self.isGivenUp(node)
        case .none: false
        }
    }
}
