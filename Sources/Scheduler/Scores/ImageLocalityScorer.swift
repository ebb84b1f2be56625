/// Nodes that have the pod's images are better, the more of its bytes they have. An image that few nodes have counts for
/// less, or all its pods would go there.
struct ImageLocalityScorer: NodeScorer {
    private let images: [(name: String, spread: Double)]
    private let floor: Int64
    private let ceiling: Int64

    init?(_ pod: PodFacts, _ cluster: ClusterFacts) {
        let total = Double(max(cluster.order.count, 1))
        images = pod.images.compactMap { name in
            cluster.imageNodes[name].map { (name, Double($0) / total) }
        }
        guard !images.isEmpty else { return nil }
        floor = Self.smallest
        ceiling = Self.largest * Int64(pod.images.count)
    }

    /// Less than this is fetched anywhere in no time; of more than that, more makes no difference.
    private static let smallest: Int64 = 23 << 20
    private static let largest: Int64 = 1000 << 20

    func scores(of nodes: [NodeFacts]) -> [Int] {
        nodes.map { node in
            guard !node.images.isEmpty else { return 0 }
            let sum = images.reduce(0.0) { $0 + Double(node.images[$1.name] ?? 0) * $1.spread }
            let bytes = min(max(sum, Double(floor)), Double(ceiling))
            return Int(100 * (bytes - Double(floor)) / Double(ceiling - floor))
        }
    }
}
