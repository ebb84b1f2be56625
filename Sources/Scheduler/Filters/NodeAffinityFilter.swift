import APIMachinery

/// The pod's node selector and its required node affinity, and what its profile adds.
struct NodeAffinityFilter: NodeFilter {
    private let rule: NodeRule
    private let added: NodeSelector?

    init?(_ pod: PodFacts, _ profile: Profile) {
        rule = NodeRule(pod)
        added = profile.addedRequired
        if rule.allowsAll, added == nil { return nil }
    }

    private static let refusal = Refusal(
        .nodeAffinity, isFinal: true, "node(s) didn't match Pod's node affinity/selector")
    private static let addedRefusal = Refusal(
        .nodeAffinity, isFinal: true, "node(s) didn't match scheduler-enforced node affinity")

    func refusal(of node: NodeFacts) -> Refusal? {
        if let added, !added.matches(labels: node.labels, name: node.name) { return Self.addedRefusal }
        return rule.allows(node) ? nil : Self.refusal
    }
}

/// Which nodes a pod's node selector and required affinity allow.
struct NodeRule {
    private let selector: [(key: String, value: String)]
    private let required: NodeSelector?

    init(_ pod: PodFacts) { (selector, required) = (pod.nodeSelector, pod.requiredNodes) }

    var allowsAll: Bool { selector.isEmpty && required == nil }

    func allows(_ node: NodeFacts) -> Bool {
        for (key, value) in selector {
            guard case .string(let present)? = node.labels[key], present == value else { return false }
        }
        return required?.matches(labels: node.labels, name: node.name) ?? true
    }

    /// The nodes that the affinity names one by one, as that of a daemon's pod does; `nil` when it does not.
    var names: Set<String>? {
        guard let required else { return nil }
        var names: Set<String> = []
        for term in required.terms {
            let own = term.names.filter { $0.field == "metadata.name" && !$0.isNegated }.map(\.value)
            guard let first = own.first else { return nil }
            if own.allSatisfy({ $0 == first }) { names.insert(first) }
        }
        return names
    }
}
