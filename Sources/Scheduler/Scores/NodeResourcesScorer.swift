/// Emptier nodes are better, or fuller ones, or what the profile's curve says: by resource, weighted.
struct NodeResourcesScorer: NodeScorer {
    private let pod: PodFacts
    private let arguments: Profile.FitArguments
    /// Extended resources count only for pods that ask for them.
    private let resources: [Profile.WeightedResource]

    init(_ pod: PodFacts, _ profile: Profile) {
        self.pod = pod
        arguments = profile.fit
        resources = profile.fit.resources.filter { $0.isNative || pod.requests[$0.name] > 0 }
    }

    func scores(of nodes: [NodeFacts]) -> [Int] { nodes.map(score) }

    private func score(_ node: NodeFacts) -> Int {
        var (sum, weights) = (0, 0)
        for resource in resources {
            let (used, total) = use(of: resource.name, on: node)
            guard total > 0 else { continue }
            guard let score = score(used, of: total) else { continue }
            sum += score * resource.weight
            weights += resource.weight
        }
        guard weights > 0 else { return 0 }
        if case .ratio = arguments.strategy { return Int((Double(sum) / Double(weights)).rounded()) }
        return sum / weights
    }

    /// What would be used with the pod on the node, and what there is.
    private func use(of name: String, on node: NodeFacts) -> (used: Int128, total: Int128) {
        switch name {
        case "cpu": (node.weightedCPU + pod.weightedCPU, node.allocatable.cpu)
        case "memory": (node.weightedMemory + pod.weightedMemory, node.allocatable.memory)
        default: (node.requested[name] + pod.requests[name], node.allocatable[name])
        }
    }

    /// `nil` where the resource's word does not count.
    private func score(_ used: Int128, of total: Int128) -> Int? {
        switch arguments.strategy {
        case .leastAllocated: return used > total ? 0 : (total - used).percent(of: total)
        case .mostAllocated: return min(used, total).percent(of: total)
        case .ratio(let curve):
            let use = used > total ? 100 : used.percent(of: total)
            let score = Self.height(of: curve, at: use)
            return score > 0 ? score : nil
        }
    }

    /// The score at a use, on the straight lines between the curve's points.
    static func height(of curve: [(use: Int, score: Int)], at use: Int) -> Int {
        for (index, point) in curve.enumerated() where use <= point.use {
            guard index > 0 else { return point.score }
            let before = curve[index - 1]
            return before.score
                + (point.score - before.score) * (use - before.use) / (point.use - before.use)
        }
        return curve.last?.score ?? 0
    }
}

extension Profile.WeightedResource {
    /// Known to Kubernetes itself, so that every pod is taken to use it.
    var isNative: Bool { name == "cpu" || name == "memory" || name == "ephemeral-storage" }
}
