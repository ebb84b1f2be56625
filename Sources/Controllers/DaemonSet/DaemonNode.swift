import API
import APIMachinery

/// What a DaemonSet asks about a node. Two versions of a node that are equal here are the same to all DaemonSets.
struct DaemonNode: Hashable, Sendable {
    /// What a DaemonSet's pods have to do with a node.
    enum Verdict: Hashable, Sendable {
        case run
        /// None is made, but one that is there may stay: a taint keeps new pods away only.
        case stay
        case leave
    }

    var name: String
    var labels: Fields
    var taints: [Taint]

    init(_ node: Node) {
        name = node.metadata.name
        labels = node.value.at("metadata", "labels")?.fields ?? Fields()
        taints = node.spec.taints
    }

    func verdict(_ placement: NodePlacement) -> Verdict {
        guard placement.selects(name, labels: labels) else { return .leave }
        if placement.untolerated(taints, "NoExecute") != nil { return .leave }
        return placement.untolerated(taints, "NoSchedule") == nil ? .run : .stay
    }
}

extension DaemonSet {
    /// What its pods ask of a node.
    var placement: NodePlacement {
        var placement = NodePlacement(spec.template.spec)
        placement.tolerations = DaemonPod.tolerations(of: spec.template.spec)
        return placement
    }
}
