import APIMachinery

// Roles and who has them.
extension FieldChecks {
    mutating func role(_ role: Value) { rules(role, isNamespaced: true) }

    mutating func clusterRole(_ role: Value) {
        rules(role, isNamespaced: false)
        guard let aggregation = role["aggregationRule"] else { return }
        let path = "aggregationRule.clusterRoleSelectors"
        require(
            aggregation["clusterRoleSelectors"], path, "at least one clusterRoleSelector required if aggregationRule is non-nil")
        for (selector, path) in aggregation["clusterRoleSelectors"].elements(path) { self.selector(selector, path) }
    }

    /// A rule is about resources or about URLs, never about both.
    private mutating func rules(_ role: Value, isNamespaced: Bool) {
        for (rule, path) in role["rules"].elements("rules") {
            require(rule["verbs"], path + ".verbs", "verbs must contain at least one value")
            if rule["nonResourceURLs"].isFilled {
                if isNamespaced {
                    let why = "namespaced rules cannot apply to non-resource URLs"
                    invalid(path + ".nonResourceURLs", rule["nonResourceURLs"], why)
                }
                let isMixed = ["apiGroups", "resources", "resourceNames"].contains { rule[$0].isFilled }
                if isMixed {
                    let why = "rules cannot apply to both regular resources and non-resource URLs"
                    invalid(path + ".nonResourceURLs", rule["nonResourceURLs"], why)
                }
                continue
            }
            require(
                rule["apiGroups"], path + ".apiGroups", "resource rules must supply at least one api group")
            require(
                rule["resources"], path + ".resources", "resource rules must supply at least one resource")
        }
    }

    mutating func roleBinding(_ binding: Value) { self.binding(binding, isNamespaced: true) }

    mutating func clusterRoleBinding(_ binding: Value) { self.binding(binding, isNamespaced: false) }

    private mutating func binding(_ binding: Value, isNamespaced: Bool) {
        let role = binding["roleRef"]
        oneOf(role["apiGroup"] ?? "", [Self.accessGroup], "roleRef.apiGroup")
        oneOf(role["kind"] ?? "", isNamespaced ? ["Role", "ClusterRole"] : ["ClusterRole"], "roleRef.kind")
        requiredName(role["name"], .pathSegment, "roleRef.name")
        for (subject, path) in binding["subjects"].elements("subjects") {
            self.subject(subject, path, isNamespaced: isNamespaced)
        }
    }

    private static let accessGroup = "rbac.authorization.k8s.io"

    private mutating func subject(_ subject: Value, _ path: String, isNamespaced: Bool) {
        require(subject["name"], path + ".name")
        switch subject["kind"].text {
        case "ServiceAccount":
            optionalName(subject["name"], .dns1123Subdomain, path + ".name")
            if !subject["apiGroup"].text.isEmpty { unsupported(path + ".apiGroup", subject["apiGroup"], [""]) }
            if !isNamespaced { require(subject["namespace"], path + ".namespace") }
        case "User", "Group":
            oneOf(subject["apiGroup"] ?? "", [Self.accessGroup], path + ".apiGroup")
        default: unsupported(path + ".kind", subject["kind"], ["ServiceAccount", "User", "Group"])
        }
    }

    /// To change whom a binding speaks of is to change what was reviewed: delete it and create another.
    mutating func bindingUpdate(_ new: Value, _ old: Value) {
        if new["roleRef"] != old["roleRef"] { invalid("roleRef", new["roleRef"], "cannot change roleRef") }
    }
}
