import APIMachinery

/// Which operations on which resources a webhook or a policy is about
/// (`admissionregistration.k8s.io/v1.RuleWithOperations`, `NamedRuleWithOperations`). Pure.
struct AdmissionRule: Hashable, Sendable {
    enum Scope: String, Sendable {
        case all = "*"
        case cluster = "Cluster"
        case namespaced = "Namespaced"
    }

    var operations: Set<String>
    var groups: Set<String>
    var versions: Set<String>
    /// `pods`, `pods/status`, `pods/*`, `*`, `*/scale`, `*/*`.
    var resources: [String]
    var scope: Scope
    /// Only objects of these names; of all when it is empty.
    var names: Set<String>

    init(_ rule: Value) {
        func texts(_ key: String) -> [String] { (rule[key]?.array ?? []).compactMap(\.string) }
        operations = Set(texts("operations"))
        groups = Set(texts("apiGroups"))
        versions = Set(texts("apiVersions"))
        resources = texts("resources")
        scope = (rule["scope"]?.string).flatMap(Scope.init(rawValue:)) ?? .all
        names = Set(texts("resourceNames"))
    }

    /// Whether a request is one of these. `resource` is the one to go by, which need not be the one that was asked for.
    func matches(_ request: AdmissionSubject, as resource: GroupVersionResource) -> Bool {
        matchesScope(request) && Self.has(operations, request.operation) && Self.has(groups, resource.group)
            && Self.has(versions, resource.version) && matchesResource(resource.resource, request.subresource)
            && (names.isEmpty || names.contains(request.name))
    }

    private static func has(_ items: Set<String>, _ wanted: String) -> Bool {
        items.contains("*") || items.contains(wanted)
    }

    /// A namespace is an object of the cluster, although its requests name it as their namespace.
    private func matchesScope(_ request: AdmissionSubject) -> Bool {
        switch scope {
        case .all: true
        case .cluster: request.isClusterScoped
        case .namespaced: !request.isClusterScoped
        }
    }

    private func matchesResource(_ resource: String, _ subresource: String) -> Bool {
        resources.contains { item in
            let parts = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            let own = parts.count > 1 ? parts[1] : ""
            return (parts[0] == "*" || parts[0] == resource) && (own == "*" || own == subresource)
        }
    }
}

/// What rules and selectors look at in a request.
struct AdmissionSubject: Sendable {
    /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT`.
    var operation: String
    /// As it was asked for.
    var resource: GroupVersionResource
    /// Empty for the resource itself.
    var subresource: String
    /// Empty for objects of the cluster; a namespace's own name for a namespace.
    var namespace: String
    var name: String
    var object: Value?
    var oldObject: Value?

    var isNamespace: Bool { resource.group.isEmpty && resource.resource == "namespaces" }

    var isClusterScoped: Bool { namespace.isEmpty || isNamespace }
}
