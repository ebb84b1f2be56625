import APIMachinery
import Support

/// One rule of an audit policy (`audit.k8s.io/v1.PolicyRule`): what it is about, and how much of that is written down.
/// A part that is empty restricts nothing.
struct AuditRule: Hashable, Sendable {
    /// `audit.k8s.io/v1.GroupResources`. An empty group is the core group.
    struct Resources: Hashable, Sendable {
        var group: String
        /// `pods`, `pods/log`, `pods/*`, `*/scale` or `*`.
        var resources: [String]
        var names: [String]
    }

    let level: AuditLevel
    let users: [String]
    let userGroups: [String]
    let verbs: [String]
    let resources: [Resources]
    let namespaces: [String]
    let paths: [String]
    let omittedStages: Set<AuditStage>
    let omitsManagedFields: Bool?

    // MARK: Matching

    func matches(_ request: AccessRequest) -> Bool {
        guard users.isEmpty || users.contains(request.user.name),
            userGroups.isEmpty || userGroups.contains(where: request.user.groups.contains),
            verbs.isEmpty || verbs.contains(request.verb)
        else { return false }
        if !resources.isEmpty || !namespaces.isEmpty { return matchesResource(request) }
        if !paths.isEmpty { return matchesPath(request) }
        return true
    }

    private func matchesResource(_ request: AccessRequest) -> Bool {
        guard request.isResourceRequest, namespaces.isEmpty || namespaces.contains(request.namespace)
        else { return false }
        return resources.isEmpty
            || resources.contains { entry in
                guard entry.group == request.group else { return false }
                guard !entry.resources.isEmpty else { return true }
                guard entry.names.isEmpty || entry.names.contains(request.name) else { return false }
                return entry.resources.contains { Self.names($0, request) }
            }
    }

    private static func names(_ pattern: String, _ request: AccessRequest) -> Bool {
        if pattern == "*" || pattern == request.combinedResource { return true }
        if pattern.hasPrefix("*/") {
            return !request.subresource.isEmpty && pattern.dropFirst(2) == request.subresource
        }
        return pattern.hasSuffix("/*") && pattern.dropLast(2) == request.resource
    }

    private func matchesPath(_ request: AccessRequest) -> Bool {
        guard !request.isResourceRequest else { return false }
        return paths.contains { pattern in
            pattern == request.path || (pattern.hasSuffix("*") && request.path.hasPrefix(pattern.dropLast()))
        }
    }

    // MARK: Reading the file

    init(_ value: Value, _ path: String) throws(Fault) {
        guard let level = value["level"]?.string.flatMap(AuditLevel.init(name:)) else {
            throw AuditPolicy.fault("\(path).level: must be None, Metadata, Request or RequestResponse")
        }
        func list(_ key: String, of value: Value) -> [String] { (value[key]?.array ?? []).compactMap(\.string) }
        self.level = level
        users = list("users", of: value)
        userGroups = list("userGroups", of: value)
        verbs = list("verbs", of: value)
        namespaces = list("namespaces", of: value)
        paths = list("nonResourceURLs", of: value)
        resources = (value["resources"]?.array ?? []).map {
            Resources(
                group: $0["group"]?.string ?? "", resources: list("resources", of: $0),
                names: list("resourceNames", of: $0))
        }
        omittedStages = try AuditPolicy.stages(value["omitStages"], path + ".omitStages")
        omitsManagedFields = value["omitManagedFields"]?.bool
        try check(path)
    }

    private func check(_ path: String) throws(Fault) {
        if !paths.isEmpty, !resources.isEmpty || !namespaces.isEmpty {
            throw AuditPolicy.fault("\(path): a rule is about resources or about nonResourceURLs, not both")
        }
        for entry in resources where !entry.names.isEmpty && entry.resources.isEmpty {
            throw AuditPolicy.fault("\(path).resources: resourceNames need resources that they are names of")
        }
        for pattern in paths {
            let isRooted = pattern == "*" || pattern.hasPrefix("/")
            guard isRooted, !pattern.dropLast().contains("*") else {
                throw AuditPolicy.fault("\(path).nonResourceURLs: \(pattern) must begin with / and may end in one *")
            }
        }
    }
}
