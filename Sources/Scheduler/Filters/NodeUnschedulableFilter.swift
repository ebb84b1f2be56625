/// A cordoned node takes only pods that tolerate it.
struct NodeUnschedulableFilter: NodeFilter {
    init?(_ pod: PodFacts) {
        if pod.tolerations.contains(where: { $0.tolerates(.unschedulable) }) { return nil }
    }

    private static let refusal = Refusal(.nodeUnschedulable, isFinal: true, "node(s) were unschedulable")

    func refusal(of node: NodeFacts) -> Refusal? { node.isUnschedulable ? Self.refusal : nil }
}
