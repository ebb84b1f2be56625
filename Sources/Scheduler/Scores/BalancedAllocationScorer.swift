/// Nodes whose resources would be used in like proportion are better. A pod that asks for nothing changes no balance.
struct BalancedAllocationScorer: NodeScorer {
    private let pod: PodFacts
    private let names: [String]

    init?(_ pod: PodFacts, _ profile: Profile) {
        guard !pod.isBestEffort else { return nil }
        self.pod = pod
        names = profile.balanced.filter { $0.isNative || pod.requests[$0.name] > 0 }.map(\.name)
    }

    func scores(of nodes: [NodeFacts]) -> [Int] {
        guard names == ["cpu", "memory"] else { return nodes.map(score) }
        return nodes.map { node in
            guard
                let cpu = Self.share(node.requested.cpu + pod.requests.cpu, of: node.allocatable.cpu),
                let memory = Self.share(node.requested.memory + pod.requests.memory, of: node.allocatable.memory)
            else { return score(node) }
            return Int((1 - abs(cpu - memory) / 2) * 100)
        }
    }

    private func score(_ node: NodeFacts) -> Int {
        let shares = names.compactMap { name in
            Self.share(node.requested[name] + pod.requests[name], of: node.allocatable[name])
        }
        return Int((1 - Self.deviation(of: shares)) * 100)
    }

    private static func share(_ used: Int128, of total: Int128) -> Double? {
        total > 0 ? min(1, used.approximate / total.approximate) : nil
    }

    /// The standard deviation.
    private static func deviation(of shares: [Double]) -> Double {
        guard shares.count > 1 else { return 0 }
        let mean = shares.reduce(0, +) / Double(shares.count)
        let sum = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (sum / Double(shares.count)).squareRoot()
    }
}
