import APIMachinery

// Nodes and RBAC.
extension FieldChecks {
    mutating func node(_ node: Value) {
        var seen: Set<Value> = []
        for (taint, path) in node.at("spec", "taints").elements("spec.taints") {
            requiredName(taint["key"], .qualifiedName, path + ".key")
            name(taint["value"]?.string ?? "", .labelValue, path + ".value")
            require(taint["effect"], path + ".effect")
            let key: Value = ["key": taint["key"] ?? "", "effect": taint["effect"] ?? ""]
            if !seen.insert(key).inserted { add(.duplicate(path, value: taint)) }
        }
    }

    /// A rule is about resources or about URLs, never about both.
    mutating func rules(_ role: Value, isNamespaced: Bool) {
        for (rule, path) in role["rules"].elements("rules") {
            require(rule["verbs"], path + ".verbs", "verbs must contain at least one value")
            if !(rule["nonResourceURLs"]?.array ?? []).isEmpty {
                if isNamespaced {
                    invalid(
                        path + ".nonResourceURLs", rule["nonResourceURLs"],
                        "namespaced rules cannot apply to non-resource URLs")
                }
                let isMixed = ["apiGroups", "resources", "resourceNames"].contains { rule[$0] != nil }
                if isMixed {
                    invalid(
                        path + ".nonResourceURLs", rule["nonResourceURLs"],
                        "rules cannot apply to both regular resources and non-resource URLs")
                }
                continue
            }
            require(
                rule["apiGroups"], path + ".apiGroups", "resource rules must supply at least one api group")
            require(
                rule["resources"], path + ".resources", "resource rules must supply at least one resource")
        }
    }

    mutating func binding(_ binding: Value, roleKinds: [String]) {
        let group = "rbac.authorization.k8s.io"
        let role = binding["roleRef"]
        oneOf(role?["apiGroup"], [group], "roleRef.apiGroup")
        oneOf(role?["kind"] ?? "", roleKinds, "roleRef.kind")
        requiredName(role?["name"], .pathSegment, "roleRef.name")
        for (subject, path) in binding["subjects"].elements("subjects") {
            require(subject["name"], path + ".name")
            switch subject["kind"]?.string {
            case "ServiceAccount":
                let name = subject["name"]?.string ?? ""
                if !name.isEmpty { self.name(name, .dns1123Subdomain, path + ".name") }
                if !(subject["apiGroup"]?.string ?? "").isEmpty {
                    add(.notSupported(path + ".apiGroup", value: subject["apiGroup"] ?? "", supported: [""]))
                }
                require(subject["namespace"], path + ".namespace")
            case "User", "Group": oneOf(subject["apiGroup"], [group], path + ".apiGroup")
            default:
                add(
                    .notSupported(
                        path + ".kind", value: subject["kind"] ?? "",
                        supported: ["ServiceAccount", "User", "Group"]))
            }
        }
    }

    /// To change whom a binding speaks of is to change what was reviewed: delete it and create another.
    mutating func bindingUpdate(_ new: Value, _ old: Value) {
        if new["roleRef"] != old["roleRef"] { invalid("roleRef", new["roleRef"], "cannot change roleRef") }
    }
}
