import APIMachinery

/// Whether rules give what other rules give (Kubernetes documentation, "Privilege escalation prevention and
/// bootstrapping"). Pure.
extension RBACRule {
    /// Everything that can be allowed.
    static let fullAuthority = [
        RBACRule(verbs: ["*"], groups: ["*"], resources: ["*"]), RBACRule(verbs: ["*"], nonResourceURLs: ["*"]),
    ]

    /// Rules multiply: a few kilobytes of groups, resources and verbs can be millions of single rights.
    struct TooManyRights: Error {}

    /// No more single rights are compared at once.
    static let mostRights = 10_000

    /// What `wanted` gives and `held` does not, in single rights. Each of these is given by one rule or by none. A rule
    /// that another one gives as a whole is not taken apart.
    static func missing(in held: [RBACRule], of wanted: [RBACRule]) throws(TooManyRights) -> [RBACRule] {
        let open = wanted.filter { rule in !held.contains { $0.covers(rule) } }
        var left = mostRights
        for rule in open {
            guard rule.rightsCount <= left else { throw TooManyRights() }
            left -= rule.rightsCount
        }
        return open.flatMap(\.singleRights).filter { right in !held.contains { $0.covers(right) } }
    }

    /// How many single rights the rule is; the greatest number when that does not fit.
    private var rightsCount: Int {
        let parts = [verbs.count, groups.count, resources.count, max(names.count, 1)]
        let onResources = parts.reduce(1) { product, count in
            let (next, isOver) = product.multipliedReportingOverflow(by: count)
            return isOver ? .max : next
        }
        let onPaths = verbs.count * nonResourceURLs.count
        return onResources > Self.mostRights || onPaths > Self.mostRights ? .max : onResources + onPaths
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

    /// No message lists more lines.
    private static let mostLines = 100

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
        let ordered = Set(lines).sorted()
        let rest = ordered.count - mostLines
        return ordered.prefix(mostLines).joined(separator: "\n") + (rest > 0 ? "\nand \(rest) more" : "")
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
