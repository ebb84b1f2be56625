import APIMachinery

/// Where a pod shall go.
enum Placement: Hashable, Sendable {
    case node(String)
    /// Nowhere now. The message is the event's and the condition's.
    case unschedulable(message: String)
    /// Not before its gates are removed (KEP-3521).
    case gated(message: String)

    /// Decides. Of nodes that suit equally well the first by name is chosen, so that the same facts give the
    /// same answer.
    static func decide(
        _ pod: PodFacts, _ volumes: VolumeFacts, among nodes: some Collection<NodeFacts>
    ) -> Placement {
        if !pod.gates.isEmpty {
            return .gated(message: "Scheduling is blocked due to non-empty scheduling gates")
        }
        let total = nodes.count
        guard total > 0 else { return .unschedulable(message: "no nodes available to schedule pods") }
        if let refusal = volumes.refusal {
            return .unschedulable(message: "0/\(total) nodes are available: \(refusal).")
        }
        var refusals: [String: Int] = [:]
        var best: (score: Double, node: NodeFacts)?
        for node in nodes {
            let refused = Filters.all.lazy.map { $0(pod, volumes, node) }.first { !$0.isEmpty }
            if let refused {
                for refusal in refused { refusals[refusal, default: 0] += 1 }
                continue
            }
            let score = Scores.all.reduce(0) { $0 + $1.weight * $1.score(pod, node) }
            if let (top, chosen) = best, score < top || (score == top && chosen.name < node.name) { continue }
            best = (score, node)
        }
        if let best { return .node(best.node.name) }
        // As Kubernetes sorts and joins them.
        let reasons = refusals.map { "\($0.value) \($0.key)" }.sorted().joined(separator: ", ")
        return .unschedulable(message: "0/\(total) nodes are available: \(reasons).")
    }
}
