import API
import APIMachinery

/// How well a node that could take the pod would suit it, from 0 to 100.
typealias Score = @Sendable (PodFacts, NodeFacts) -> Double

/// The judges and what each one's word weighs.
enum Scores {
    static let all: [(weight: Double, score: Score)] = [
        (1, leastAllocated), (1, balancedAllocation), (2, preferredNodes), (3, fewestPreferredTaints),
    ]

    /// Emptier nodes are better: of CPU and memory, what would be left.
    static let leastAllocated: Score = { pod, node in
        let left = ["cpu", "memory"].compactMap { name -> Double? in
            let total = node.allocatable[name]
            guard total > 0 else { return nil }
            let used = node.requested[name] + max(pod.requests[name], floor[name] ?? 0)
            return max(0, Double(total - used) / Double(total) * 100)
        }
        return left.isEmpty ? 0 : left.reduce(0, +) / Double(left.count)
    }

    /// What a pod that requests nothing is taken to use, so that such pods spread as well.
    private static let floor: [String: Int128] = ["cpu": 100, "memory": 200 << 20]

    /// Nodes whose CPU and memory would be used in like proportion are better.
    static let balancedAllocation: Score = { pod, node in
        let shares = ["cpu", "memory"].compactMap { name -> Double? in
            let total = node.allocatable[name]
            guard total > 0 else { return nil }
            return min(1, Double(node.requested[name] + pod.requests[name]) / Double(total))
        }
        guard shares.count == 2 else { return 0 }
        return (1 - abs(shares[0] - shares[1]) / 2) * 100
    }

    /// Nodes that the pod prefers by its affinity.
    static let preferredNodes: Score = { pod, node in
        let most = pod.preferredNodes.reduce(0) { $0 + max($1.weight, 0) }
        guard most > 0 else { return 0 }
        let got = pod.preferredNodes.filter { $0.term.matches(labels: node.labels, name: node.name) }
            .reduce(0) { $0 + $1.weight }
        return Double(got) / Double(most) * 100
    }

    /// Nodes with fewer taints that merely ask pods to stay away.
    static let fewestPreferredTaints: Score = { pod, node in
        let untolerated = node.taints.filter { taint in
            taint.effect == "PreferNoSchedule"
                && !pod.tolerations.contains { $0.tolerates(taint) }
        }
        return 100 / Double(1 + untolerated.count)
    }
}
