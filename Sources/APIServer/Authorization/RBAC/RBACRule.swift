import APIMachinery

/// One rule of a role (`rbac.authorization.k8s.io/v1.RBACRule`), read once and asked often.
struct RBACRule: Hashable, Sendable {
    var verbs: [String]
    var groups: [String]
    var resources: [String]
    /// Empty means every name.
    var names: [String]
    var nonResourceURLs: [String]

    init(
        verbs: [String], groups: [String] = [], resources: [String] = [], names: [String] = [],
        nonResourceURLs: [String] = []
    ) {
        self.verbs = verbs
        self.groups = groups
        self.resources = resources
        self.names = names
        self.nonResourceURLs = nonResourceURLs
    }

    init(_ value: Value) {
        func texts(_ key: String) -> [String] { (value[key]?.array ?? []).compactMap(\.string) }
        verbs = texts("verbs")
        groups = texts("apiGroups")
        resources = texts("resources")
        names = texts("resourceNames")
        nonResourceURLs = texts("nonResourceURLs")
    }

    /// Whether the rule allows the request.
    func allows(_ request: AccessRequest) -> Bool {
        guard verbs.contains("*") || verbs.contains(request.verb) else { return false }
        guard request.isResourceRequest else { return nonResourceURLs.contains { covers(url: $0, request.path) } }
        return (groups.contains("*") || groups.contains(request.group))
            && resources.contains { covers(resource: $0, request) }
            && (names.isEmpty || names.contains(request.name))
    }

    /// `*`, the exact resource and subresource, or `*/subresource`.
    private func covers(resource: String, _ request: AccessRequest) -> Bool {
        if resource == "*" { return true }
        if request.subresource.isEmpty { return resource == request.resource }
        return resource == request.combinedResource || resource == "*/" + request.subresource
    }

    /// The exact path, or a prefix that ends in `*`.
    func covers(url: String, _ path: String) -> Bool {
        url == "*" || url == path || (url.hasSuffix("*") && path.hasPrefix(url.dropLast()))
    }
}
