import APIMachinery

/// The pod's hard spread constraints: a node where its siblings would become too many, next to the place that has the
/// fewest, cannot take it.
struct TopologySpreadFilter: NodeFilter {
    private struct Rule {
        var constraint: SpreadConstraint
        var counts: DomainCounts
        /// Whether any node of a domain counts.
        var isEligible: [Bool]
        var isItself: Bool
        /// By slot, which nodes count.
        var counted: [Bool]
        var fewest: Int32 = 0

        /// The fewest of the domains; none, when there are not as many domains as asked for.
        mutating func findFewest() {
            var (domains, fewest) = (0, Int32.max)
            for domain in isEligible.indices where isEligible[domain] {
                domains += 1
                fewest = min(fewest, counts.counts[domain])
            }
            self.fewest = domains < constraint.minDomains ? 0 : fewest
        }
    }

    private var rules: [Rule] = []
    private let pod: PodFacts

    init?(_ pod: PodFacts, _ cluster: ClusterFacts, _ profile: Profile) {
        let constraints = SpreadConstraint.holding(for: pod, cluster, profile).constraints.filter(\.isHard)
        guard !constraints.isEmpty else { return nil }
        self.pod = pod
        let columns = constraints.map { cluster.topology.column($0.topologyKey) }
        let allowed = NodeRule(pod)
        for (constraint, column) in zip(constraints, columns) {
            var perNode = cluster.counts(of: constraint.rule(for: pod))
            var isEligible = [Bool](repeating: false, count: column.count)
            var counted = [Bool](repeating: false, count: column.domains.count)
            for node in cluster.order {
                // A node counts only if it has the labels of all constraints.
                let counts = columns.allSatisfy { $0.domain(of: node) != nil }
                    && constraint.counts(node, pod, allowed)
                if counts, let domain = column.domain(of: node) {
                    isEligible[domain] = true
                    counted[node.slot] = true
                } else if node.slot < perNode.count {
                    perNode[node.slot] = 0
                }
            }
            var rule = Rule(
                constraint: constraint, counts: DomainCounts(column, perNode), isEligible: isEligible,
                isItself: constraint.selector.matches(pod.labels), counted: counted)
            rule.findFewest()
            rules.append(rule)
        }
    }

    private static let missing = Refusal(
        .podTopologySpread, isFinal: true,
        "node(s) didn't match pod topology spread constraints (missing required label)")
    private static let uneven = Refusal(
        .podTopologySpread, "node(s) didn't match pod topology spread constraints")

    func refusal(of node: NodeFacts) -> Refusal? {
        for rule in rules {
            guard let count = rule.counts.count(at: node) else { return Self.missing }
            let skew = Int(count) + (rule.isItself ? 1 : 0) - Int(rule.fewest)
            if skew > rule.constraint.maxSkew { return Self.uneven }
        }
        return nil
    }

    mutating func suppose(_ other: PodFacts, on node: NodeFacts, isThere: Bool) {
        guard !other.isLeaving, other.name.namespace == pod.name.namespace else { return }
        for index in rules.indices
        where node.slot < rules[index].counted.count && rules[index].counted[node.slot]
            && rules[index].constraint.selector.matches(other.labels)
        {
            rules[index].counts.add(isThere ? 1 : -1, at: node.slot)
            rules[index].findFewest()
        }
    }
}

extension SpreadConstraint {
    /// Which pods it counts: those of the pod's namespace that are not being deleted.
    func rule(for pod: PodFacts) -> KinCounts.Rule {
        let pick = PodPick(namespaces: [pod.name.namespace], namespaceSelector: nil, labels: selector)
        return KinCounts.Rule(picks: [pick], countsLeaving: false)
    }

    /// Whether a node counts, by the constraint's policies (KEP-3094).
    func counts(_ node: NodeFacts, _ pod: PodFacts, _ allowed: NodeRule) -> Bool {
        if honorsAffinity, !allowed.allowsAll, !allowed.allows(node) { return false }
        if honorsTaints, node.hasHardTaints, TaintFilter.hasUntolerated(node, pod.tolerations) { return false }
        return true
    }

    /// The pod's own constraints, or else the profile's, which are about the pod's siblings: those of its services and its
    /// controller. A pod without siblings has none.
    static func holding(
        for pod: PodFacts, _ cluster: ClusterFacts, _ profile: Profile
    ) -> (constraints: [SpreadConstraint], areSystems: Bool) {
        if !pod.spread.isEmpty { return (pod.spread, false) }
        let defaults = profile.defaultSpread ?? systemDefaults
        guard !defaults.isEmpty, let selector = cluster.siblings.selector(of: pod) else { return ([], false) }
        let own = defaults.map { constraint in
            var constraint = constraint
            constraint.selector = selector
            return constraint
        }
        return (own, profile.defaultSpread == nil)
    }
}
