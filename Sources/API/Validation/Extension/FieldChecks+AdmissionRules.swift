import APIMachinery

// Rules that say which requests a webhook or a policy is about.
extension FieldChecks {
    /// `admissionregistration.k8s.io/v1.RuleWithOperations`; what is no operation or scope is found by its table.
    mutating func admissionRule(_ rule: Value, _ path: String) {
        texts(rule["operations"], path + ".operations", others: "operations")
        texts(rule["apiGroups"], path + ".apiGroups", others: "API groups")
        texts(rule["apiVersions"], path + ".apiVersions", others: "API versions")
        for (version, path) in rule["apiVersions"].elements(path + ".apiVersions") where version.string == "" {
            add(.required(path))
        }
        ruleResources(rule["resources"], path + ".resources")
    }

    private mutating func texts(_ list: Value?, _ path: String, others: String) {
        let items = (list?.array ?? []).compactMap(\.string)
        if items.isEmpty { return add(.required(path)) }
        if items.count > 1, items.contains("*") {
            invalid(path, list, "if '*' is present, must not specify other \(others)")
        }
    }

    private mutating func ruleResources(_ list: Value?, _ path: String) {
        let items = list.elements(path).map { (text: $0.value.string ?? "", path: $0.path) }
        if items.isEmpty { return add(.required(path)) }
        var (withAllSubresources, ofAllResources): (Set<Substring>, Set<Substring>) = ([], [])
        for (text, path) in items {
            if text.isEmpty {
                add(.required(path))
                continue
            }
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            if withAllSubresources.contains(parts[0]) {
                invalid(path, .string(text), "if '\(parts[0])/*' is present, must not specify \(text)")
            }
            if ofAllResources.contains(parts[1]) {
                invalid(path, .string(text), "if '*/\(parts[1])' is present, must not specify \(text)")
            }
            if parts[1] == "*" { withAllSubresources.insert(parts[0]) }
            if parts[0] == "*" { ofAllResources.insert(parts[1]) }
        }
        let names = items.map(\.text)
        if names.count > 1, names.contains("*/*") {
            invalid(path, list, "if '*/*' is present, must not specify other resources")
        }
        if names.contains("*"), names.contains(where: { $0 != "*" && !$0.contains("/") }) {
            invalid(path, list, "if '*' is present, must not specify other resources without subresources")
        }
    }
}
