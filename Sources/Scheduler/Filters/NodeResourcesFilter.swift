/// What is left of the node must cover what the pod requests.
struct NodeResourcesFilter: NodeFilter {
    private let requests: ResourceAmounts
    private let others: [(name: String, amount: Int128)]

    /// Devices give these where a node has none (KEP-5004).
    private let backed: Set<String>

    init(_ pod: PodFacts, _ arguments: Profile.FitArguments, backed: Set<String> = []) {
        self.backed = backed
        requests = pod.requests
        others = pod.requests.others.sorted { $0.key < $1.key }.filter { !arguments.ignores($0.key) }
            .map { ($0.key, $0.value) }
    }

    func refusal(of node: NodeFacts) -> Refusal? {
        let (have, used) = (node.allocatable, node.requested)
        // Most nodes that fit are told by four comparisons.
        if node.podCount < node.podLimit, requests.cpu == 0 || requests.cpu <= have.cpu - used.cpu,
            requests.memory == 0 || requests.memory <= have.memory - used.memory,
            requests.storage == 0 || requests.storage <= have.storage - used.storage, others.isEmpty
        {
            return nil
        }
        return shortage(node)
    }

    private func shortage(_ node: NodeFacts) -> Refusal? {
        var reasons: [String] = []
        // What the node does not have at all stays so whoever leaves.
        var isFinal = false
        func check(_ name: String, _ wanted: Int128, _ have: Int128, _ used: Int128) {
            guard wanted > 0, wanted > have - used else { return }
            reasons.append("Insufficient \(name)")
            if wanted > have { isFinal = true }
        }
        if node.podCount >= node.podLimit { reasons.append("Too many pods") }
        check("cpu", requests.cpu, node.allocatable.cpu, node.requested.cpu)
        check("memory", requests.memory, node.allocatable.memory, node.requested.memory)
        check("ephemeral-storage", requests.storage, node.allocatable.storage, node.requested.storage)
        for (name, amount) in others where node.allocatable[name] != 0 || !backed.contains(name) {
            check(name, amount, node.allocatable[name], node.requested[name])
        }
        return reasons.isEmpty ? nil : Refusal(.nodeResourcesFit, isFinal: isFinal, reasons: reasons)
    }
}

extension Profile.FitArguments {
    /// Whether nodes need not have this extended resource.
    func ignores(_ name: String) -> Bool {
        if ignoredResources.contains(name) { return true }
        guard !ignoredGroups.isEmpty, let slash = name.firstIndex(of: "/") else { return false }
        return ignoredGroups.contains(String(name[..<slash]))
    }
}
