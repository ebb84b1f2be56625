#if canImport(Glibc)
    import Glibc
#endif

/// Places with fewer of the pod's siblings are better, as its soft spread constraints count them.
struct TopologySpreadScorer: NodeScorer {
    private struct Rule {
        var maxSkew: Int
        var column: Topology.Column
        /// By slot on one node, or by domain over several.
        var counts: [Int32]
        var isPerNode: Bool
        /// The more places there are, the less one pod matters in each.
        var weight: Double

        func count(at node: NodeFacts) -> Int32? {
            guard let domain = column.domain(of: node) else { return nil }
            let index = isPerNode ? node.slot : domain
            return index < counts.count ? counts[index] : 0
        }
    }

    private var rules: [Rule] = []
    /// Whether a node that lacks a label is judged by none.
    private let needsAllLabels: Bool

    init?(_ pod: PodFacts, _ cluster: ClusterFacts, _ profile: Profile, among nodes: [NodeFacts]) {
        let (all, areSystems) = SpreadConstraint.holding(for: pod, cluster, profile)
        let constraints = all.filter { !$0.isHard }
        guard !constraints.isEmpty else { return nil }
        needsAllLabels = !areSystems
        let columns = constraints.map { cluster.topology.column($0.topologyKey) }
        let judged = needsAllLabels ? nodes.filter { node in columns.allSatisfy { $0.domain(of: node) != nil } } : nodes
        let allowed = NodeRule(pod)
        for (constraint, column) in zip(constraints, columns) {
            let perNode = cluster.counts(of: constraint.rule(for: pod))
            let isPerNode = constraint.topologyKey == "kubernetes.io/hostname"
            var (size, counts) = (judged.count, perNode)
            if !isPerNode {
                var isPlace = [Bool](repeating: false, count: column.count)
                for node in judged { if let domain = column.domain(of: node) { isPlace[domain] = true } }
                size = isPlace.count { $0 }
                counts = [Int32](repeating: 0, count: column.count)
                for node in cluster.order where node.slot < perNode.count && perNode[node.slot] != 0 {
                    guard let domain = column.domain(of: node), isPlace[domain],
                        !needsAllLabels || columns.allSatisfy({ $0.domain(of: node) != nil }),
                        constraint.counts(node, pod, allowed)
                    else { continue }
                    counts[domain] += perNode[node.slot]
                }
            }
            rules.append(
                Rule(
                    maxSkew: constraint.maxSkew, column: column, counts: counts, isPerNode: isPerNode,
                    weight: log(Double(size + 2))))
        }
    }

    func scores(of nodes: [NodeFacts]) -> [Int] {
        var scores = nodes.map { node in
            var (sum, isJudged) = (0.0, true)
            for rule in rules {
                if let count = rule.count(at: node) {
                    sum += Double(count) * rule.weight + Double(rule.maxSkew - 1)
                } else if needsAllLabels {
                    isJudged = false
                }
            }
            return isJudged ? Int(sum.rounded()) : -1
        }
        let judged = scores.filter { $0 >= 0 }
        let (least, most) = (judged.min() ?? 0, judged.max() ?? 0)
        for index in scores.indices {
            if scores[index] < 0 {
                scores[index] = 0
            } else {
                scores[index] = most == 0 ? 100 : 100 * (most + least - scores[index]) / most
            }
        }
        return scores
    }
}
