import APIMachinery

/// The pod's required affinity and anti-affinity to other pods, and the anti-affinity of those to it.
struct InterPodAffinityFilter: NodeFilter {
    private let pod: PodFacts
    private let cluster: ClusterFacts
    private var required: [DomainCounts]
    private let matchesItself: Bool
    private var forbidden: [DomainCounts]
    /// Of pods that do not want this one, by the label that says how near.
    private var existing: [String: DomainCounts] = [:]

    init?(_ pod: PodFacts, _ cluster: ClusterFacts) {
        self.pod = pod
        self.cluster = cluster
        let affinity = pod.affinity
        let terms = affinity?.required ?? []
        let namespaceLabels = cluster.labels(ofNamespace:)
        if terms.isEmpty {
            (required, matchesItself) = ([], false)
        } else {
            // A pod counts when all terms pick it.
            let counts = cluster.counts(of: .init(picks: terms.map(\.pick), countsLeaving: true))
            required = terms.map { DomainCounts(cluster.topology.column($0.topologyKey), counts) }
            matchesItself = terms.allSatisfy { $0.pick.picks(pod, namespaceLabels) }
        }
        forbidden = (affinity?.forbidden ?? []).map { term in
            let counts = cluster.counts(of: .init(picks: [term.pick], countsLeaving: true))
            return DomainCounts(cluster.topology.column(term.topologyKey), counts)
        }
        let sayings = cluster.standing.about(
            namespace: pod.name.namespace, labels: pod.labels, namespaceLabels: namespaceLabels)
        for entry in sayings where entry.saying.role == .forbidden {
            let key = entry.saying.term.topologyKey
            for (slot, count) in entry.counts {
                existing[key, default: DomainCounts(cluster.topology.column(key))].add(Int32(clamping: count), at: slot)
            }
        }
        // Pods that are counted only for a trial may speak of this one.
        if required.isEmpty, forbidden.isEmpty, existing.isEmpty, !cluster.hasNominations { return nil }
    }

    private static let unmet = Refusal(
        .interPodAffinity, isFinal: true, "node(s) didn't match pod affinity rules")
    private static let beside = Refusal(.interPodAffinity, "node(s) didn't match pod anti-affinity rules")
    private static let unwanted = Refusal(
        .interPodAffinity, "node(s) didn't satisfy existing pods anti-affinity rules")

    func refusal(of node: NodeFacts) -> Refusal? {
        if !isMet(node) { return Self.unmet }
        for counts in forbidden where (counts.count(at: node) ?? 0) > 0 { return Self.beside }
        for counts in existing.values where (counts.count(at: node) ?? 0) > 0 { return Self.unwanted }
        return nil
    }

    private func isMet(_ node: NodeFacts) -> Bool {
        var isMet = true
        for counts in required {
            guard let count = counts.count(at: node) else { return false }
            if count <= 0 { isMet = false }
        }
        // The first of pods that want to be together goes anywhere.
        return isMet || (matchesItself && required.allSatisfy(\.isEmpty))
    }

    mutating func suppose(_ other: PodFacts, on node: NodeFacts, isThere: Bool) {
        let amount: Int32 = isThere ? 1 : -1
        let namespaceLabels = cluster.labels(ofNamespace:)
        if let affinity = pod.affinity {
            if !required.isEmpty, affinity.required.allSatisfy({ $0.pick.picks(other, namespaceLabels) }) {
                for index in required.indices { required[index].add(amount, at: node.slot) }
            }
            for (index, term) in affinity.forbidden.enumerated() where term.pick.picks(other, namespaceLabels) {
                forbidden[index].add(amount, at: node.slot)
            }
        }
        for term in other.affinity?.forbidden ?? [] where term.pick.picks(pod, namespaceLabels) {
            let empty = DomainCounts(cluster.topology.column(term.topologyKey))
            existing[term.topologyKey, default: empty].add(amount, at: node.slot)
        }
    }
}

extension PodPick {
    func picks(_ pod: PodFacts, _ namespaceLabels: (String) -> Fields) -> Bool {
        picks(namespace: pod.name.namespace, labels: pod.labels, namespaceLabels: namespaceLabels)
    }
}
