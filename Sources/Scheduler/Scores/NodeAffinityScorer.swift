import APIMachinery

/// Nodes that the pod, or its profile, prefers by their labels.
struct NodeAffinityScorer: NodeScorer {
    private let preferred: [WeightedNodeTerm]

    init?(_ pod: PodFacts, _ profile: Profile) {
        preferred = pod.preferredNodes + profile.addedPreferred
        if preferred.isEmpty { return nil }
    }

    func scores(of nodes: [NodeFacts]) -> [Int] {
        var scores = nodes.map { node in
            preferred.reduce(0) { sum, preferred in
                preferred.term.matches(labels: node.labels, name: node.name) ? sum + preferred.weight : sum
            }
        }
        scores.normalize()
        return scores
    }
}
