import APIMachinery

/// Nodes near pods that the pod prefers to be near, or that prefer it; and far from the others.
struct InterPodAffinityScorer: NodeScorer {
    /// What being in each domain of a label is worth.
    private var worth: [(column: Topology.Column, worth: [Int])] = []

    init?(_ pod: PodFacts, _ cluster: ClusterFacts, _ profile: Profile) {
        var byKey: [String: [Int]] = [:]
        func add(_ amount: Int, _ slot: Int, _ key: String, _ column: Topology.Column) {
            guard slot < column.domains.count, column.domains[slot] != Topology.none else { return }
            byKey[key, default: [Int](repeating: 0, count: column.count)][Int(column.domains[slot])] += amount
        }
        for preferred in pod.affinity?.preferred ?? [] {
            let key = preferred.term.topologyKey
            let column = cluster.topology.column(key)
            let counts = cluster.counts(of: .init(picks: [preferred.term.pick], countsLeaving: true))
            for (slot, count) in counts.enumerated() where count != 0 {
                add(preferred.weight * Int(count), slot, key, column)
            }
        }
        if !profile.ignoresPreferredTermsOfExistingPods || !byKey.isEmpty || pod.affinity?.preferred.isEmpty == false {
            let sayings = cluster.standing.about(
                namespace: pod.name.namespace, labels: pod.labels, namespaceLabels: cluster.labels(ofNamespace:))
            for entry in sayings {
                let weight = Self.weight(of: entry.saying.role, profile)
                guard weight != 0 else { continue }
                let key = entry.saying.term.topologyKey
                let column = cluster.topology.column(key)
                for (slot, count) in entry.counts { add(weight * count, slot, key, column) }
            }
        }
        worth = byKey.sorted { $0.key < $1.key }.map { (cluster.topology.column($0.key), $0.value) }
        if worth.isEmpty { return nil }
    }

    private static func weight(of role: StandingTerms.Role, _ profile: Profile) -> Int {
        switch role {
        case .preferred(let weight): weight
        case .required: profile.hardPodAffinityWeight
        case .forbidden: 0
        }
    }

    func scores(of nodes: [NodeFacts]) -> [Int] {
        var scores = nodes.map { node in
            worth.reduce(0) { sum, entry in sum + (entry.column.domain(of: node).map { entry.worth[$0] } ?? 0) }
        }
        let (least, most) = (scores.min() ?? 0, scores.max() ?? 0)
        for index in scores.indices {
            scores[index] = most > least ? Int(100 * (Double(scores[index] - least) / Double(most - least))) : 0
        }
        return scores
    }
}
