/// A taint with an effect on scheduling must be tolerated. Which one it was is not told: nodes that differ only in that
/// count as one reason.
struct TaintFilter: NodeFilter {
    private let tolerations: [TolerationFacts]

    init(_ pod: PodFacts) { tolerations = pod.tolerations }

    private static let refusal = Refusal(.taintToleration, isFinal: true, "node(s) had untolerated taint(s)")

    func refusal(of node: NodeFacts) -> Refusal? {
        guard node.hasHardTaints else { return nil }
        return Self.hasUntolerated(node, tolerations) ? Self.refusal : nil
    }

    static func hasUntolerated(_ node: NodeFacts, _ tolerations: [TolerationFacts]) -> Bool {
        for taint in node.taints where taint.isHard && !tolerations.contains(where: { $0.tolerates(taint) }) {
            return true
        }
        return false
    }
}
