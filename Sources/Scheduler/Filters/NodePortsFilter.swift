import API

/// Ports of the node can be taken once.
struct NodePortsFilter: NodeFilter {
    private let wanted: [HostPort]

    init?(_ pod: PodFacts) {
        guard !pod.hostPorts.isEmpty else { return nil }
        wanted = pod.hostPorts
    }

    private static let refusal = Refusal(
        .nodePorts, "node(s) didn't have free ports for the requested pod ports")

    func refusal(of node: NodeFacts) -> Refusal? {
        guard !node.hostPorts.isEmpty else { return nil }
        let isTaken = wanted.contains { wanted in node.hostPorts.contains { $0.conflicts(with: wanted) } }
        return isTaken ? Self.refusal : nil
    }
}
