/// Nodes with fewer taints that merely ask the pod to stay away are better.
struct TaintScorer: NodeScorer {
    private let tolerations: [TolerationFacts]

    init(_ pod: PodFacts) {
        tolerations = pod.tolerations.filter { $0.effect == nil || $0.effect == .preferNoSchedule }
    }

    func scores(of nodes: [NodeFacts]) -> [Int] {
        var scores = nodes.map { node in
            guard node.hasSoftTaints else { return 0 }
            return node.taints.count { taint in
                taint.effect == .preferNoSchedule && !tolerations.contains { $0.tolerates(taint) }
            }
        }
        scores.normalize(isReversed: true)
        return scores
    }
}
