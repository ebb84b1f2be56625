import APIMachinery

/// The RBAC objects that every cluster starts with, as one JSON array of whole objects.
func bootstrapObjects(_ facts: Value) throws -> Value {
    let group = facts["apiGroup"]?.string ?? ""
    func objects(_ key: String, kind: String, _ fill: (Value, inout Value) -> Void) -> [Value] {
        (facts[key]?.array ?? []).map { fact in
            var object: Value = ["apiVersion": .string(group + "/v1"), "kind": .string(kind)]
            var metadata: Value = ["name": fact["name"] ?? ""]
            metadata["namespace"] = fact["namespace"]
            metadata["annotations"] = facts["annotations"]
            var labels = facts["labels"]?.fields ?? Fields()
            for (name, value) in fact["labels"]?.fields ?? Fields() { labels[name] = value }
            metadata["labels"] = .object(labels)
            object["metadata"] = metadata
            fill(fact, &object)
            return object
        }
    }
    func role(_ fact: Value, _ object: inout Value) {
        object["rules"] = fact["rules"] ?? []
        guard let labels = fact["aggregateLabels"]?.array else { return }
        object["aggregationRule"] = ["clusterRoleSelectors": .array(labels.map { ["matchLabels": $0] })]
    }
    func binding(_ fact: Value, _ object: inout Value) {
        let reference = fact["roleRef"]?.array ?? []
        object["roleRef"] = [
            "apiGroup": .string(group), "kind": reference.first ?? "", "name": reference.last ?? "",
        ]
        object["subjects"] = .array(
            (fact["subjects"]?.array ?? []).map { subject in
                var subject = subject
                // Service accounts are of the core group, users and groups of this one.
                if subject["kind"] != "ServiceAccount" { subject["apiGroup"] = .string(group) }
                return subject
            })
    }
    let all =
        objects("clusterRoles", kind: "ClusterRole", role)
        + objects("controllerClusterRoles", kind: "ClusterRole", role)
        + objects("clusterRoleBindings", kind: "ClusterRoleBinding", binding)
        + objects("controllerClusterRoleBindings", kind: "ClusterRoleBinding", binding)
        + objects("roles", kind: "Role", role) + objects("roleBindings", kind: "RoleBinding", binding)
    guard !all.isEmpty else { throw Complaint("the facts hold no roles") }
    return .array(all)
}
