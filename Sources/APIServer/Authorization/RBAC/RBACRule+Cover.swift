import APIMachinery

/// Whether rules give what other rules give (Kubernetes documentation, "Privilege escalation prevention and
/// bootstrapping"). Pure.
extension RBACRule {
    /// Everything that can be allowed.
    static let fullAuthority = [
        RBACRule(verbs: ["*"], groups: ["*"], resources: ["*"]), RBACRule(verbs: ["*"], nonResourceURLs: ["*"]),
    ]

    /// What `wanted` gives and `held` does not, in single rights. Each of these is given by one rule or by none.
    static func missing(in held: [RBACRule], of wanted: [RBACRule]) -> [RBACRule] {
        wanted.flatMap(\.singleRights).filter { right in !held.contains { $0.covers(right) } }
    }

    /// One rule for each verb on each resource or path that the rule names.
    private var singleRights: [RBACRule] {
        var rights: [RBACRule] = []
        for group in groups {
            for resource in resources {
                for verb in verbs {
                    let right = RBACRule(verbs: [verb], groups: [group], resources: [resource])
                    rights += names.isEmpty ? [right] : names.map { right.restricted(to: $0) }
                }
            }
        }
        for url in nonResourceURLs { rights += verbs.map { RBACRule(verbs: [$0], nonResourceURLs: [url]) } }
        return rights
    }

    private func restricted(to name: String) -> RBACRule {
        var rule = self
        rule.names = [name]
        return rule
    }

    private func covers(_ right: RBACRule) -> Bool {
        (verbs.contains("*") || right.verbs.allSatisfy(verbs.contains))
            && (groups.contains("*") || right.groups.allSatisfy(groups.contains))
            && (resources.contains("*") || right.resources.allSatisfy(covers(resource:)))
            && (names.isEmpty || (!right.names.isEmpty && right.names.allSatisfy(names.contains)))
            && right.nonResourceURLs.allSatisfy { url in nonResourceURLs.contains { covers(url: $0, url) } }
    }

    private func covers(resource: String) -> Bool {
        if resources.contains(resource) { return true }
        guard let slash = resource.firstIndex(of: "/") else { return false }
        return resources.contains("*" + resource[slash...])
    }

    /// Rights as refusals list them: one line for all verbs on a resource, in order.
    static func list(_ rights: [RBACRule]) -> String {
        var lines: [String] = []
        var verbs: [RBACRule: [String]] = [:]
        for right in rights {
            guard right.names.isEmpty, right.nonResourceURLs.isEmpty else {
                lines.append(right.text)
                continue
            }
            var resource = right
            resource.verbs = []
            verbs[resource, default: []] += right.verbs
        }
        for (resource, verbs) in verbs {
            var rule = resource
            rule.verbs = verbs
            lines.append(rule.text)
        }
        return Set(lines).sorted().joined(separator: "\n")
    }

    /// `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}`
    private var text: String {
        let parts = [
            ("APIGroups", groups), ("Resources", resources), ("NonResourceURLs", nonResourceURLs),
            ("ResourceNames", names), ("Verbs", verbs),
        ]
        let texts = parts.filter { !$0.1.isEmpty }.map { "\($0.0):\(Self.quoted($0.1))" }
        return "{" + texts.joined(separator: ", ") + "}"
    }

    /// A list of texts as Go prints it.
    static func quoted(_ texts: [String]) -> String {
        "[" + texts.map { GoText.quoted($0) }.joined(separator: " ") + "]"
    }
}
