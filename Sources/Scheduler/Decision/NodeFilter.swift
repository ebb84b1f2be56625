/// A rule that nodes must pass, prepared for one pod. A pod that a rule does not concern has none of it.
protocol NodeFilter {
    /// Why the node cannot take the pod; `nil` when it can.
    func refusal(of node: NodeFacts) -> Refusal?

    /// Takes into account that another pod is on a node, or is not, of which the facts know the opposite. The node itself
    /// was changed by the caller.
    mutating func suppose(_ other: PodFacts, on node: NodeFacts, isThere: Bool)

    /// Sorts out of `nodes` those that cannot take the pod. A requirement only so that each rule has its own compiled
    /// loop; there is one definition.
    func sift(_ nodes: inout [NodeFacts], _ refused: inout [(node: NodeFacts, refusal: Refusal)])
}

extension NodeFilter {
    mutating func suppose(_ other: PodFacts, on node: NodeFacts, isThere: Bool) {}

    func sift(_ nodes: inout [NodeFacts], _ refused: inout [(node: NodeFacts, refusal: Refusal)]) {
        var kept = 0
        for index in nodes.indices {
            let node = nodes[index]
            if let refusal = refusal(of: node) {
                refused.append((node, refusal))
            } else {
                if kept != index { nodes[kept] = node }
                kept += 1
            }
        }
        nodes.removeLast(nodes.count - kept)
    }
}

/// A judge of nodes that can take the pod, prepared for it.
protocol NodeScorer {
    /// Of each node how well it suits the pod, from 0 to 100.
    func scores(of nodes: [NodeFacts]) -> [Int]
}

extension [Int] {
    /// Stretches the scores so that the greatest is 100, or with `isReversed` so that it is 0 and none is 100.
    mutating func normalize(isReversed: Bool = false) {
        let most = self.max() ?? 0
        guard most > 0 else {
            if isReversed { for index in indices { self[index] = 100 } }
            return
        }
        for index in indices {
            let score = 100 * self[index] / most
            self[index] = isReversed ? 100 - score : score
        }
    }
}
