import APIMachinery

/// Which requests belong together, and to which priority level (`flowcontrol.apiserver.k8s.io/v1.FlowSchema`): as much of
/// the object as decides about a request.
struct FlowSchema: Sendable {
    /// What tells the flows of one schema apart.
    enum Distinguisher: String, Sendable {
        case user = "ByUser"
        case namespace = "ByNamespace"
    }

    let name: String
    let uid: String
    /// The name of the priority level.
    let level: String
    private let precedence: Int64
    private let distinguisher: Distinguisher?
    private let rules: [Rule]

    init(_ object: Value) {
        name = object.at("metadata", "name")?.string ?? ""
        uid = object.at("metadata", "uid")?.string ?? ""
        let spec = object["spec"] ?? .emptyObject
        level = spec.at("priorityLevelConfiguration", "name")?.string ?? ""
        precedence = spec["matchingPrecedence"]?.integer ?? 1000
        distinguisher = spec.at("distinguisherMethod", "type")?.string.flatMap(Distinguisher.init)
        rules = (spec["rules"]?.array ?? []).map(Rule.init)
    }

    /// Whether this one is asked before another: by precedence, then by name.
    func precedes(_ other: FlowSchema) -> Bool { (precedence, name) < (other.precedence, other.name) }

    func matches(_ user: User, _ info: RequestInfo) -> Bool { rules.contains { $0.matches(user, info) } }

    /// What the flow of a request is called among those of the schema.
    func distinguisher(_ user: User, _ info: RequestInfo) -> String {
        switch distinguisher {
        case .user: user.name
        case .namespace: info.namespace
        case nil: ""
        }
    }
}

extension FlowSchema {
    /// `PolicyRulesWithSubjects`: these users, doing that.
    private struct Rule: Sendable {
        var subjects: [Subject]
        var resources: [ResourceRule]
        var paths: [PathRule]

        init(_ value: Value) {
            subjects = (value["subjects"]?.array ?? []).compactMap(Subject.init)
            resources = (value["resourceRules"]?.array ?? []).map(ResourceRule.init)
            paths = (value["nonResourceRules"]?.array ?? []).map(PathRule.init)
        }

        func matches(_ user: User, _ info: RequestInfo) -> Bool {
            guard subjects.contains(where: { $0.includes(user) }) else { return false }
            return info.isResourceRequest
                ? resources.contains { $0.matches(info) } : paths.contains { $0.matches(info) }
        }
    }

    private enum Subject: Sendable {
        case anyUser, anyGroup
        case user(String)
        case group(String)
        /// All accounts of a namespace.
        case accounts(prefix: String)

        init?(_ value: Value) {
            switch value["kind"]?.string {
            case "User":
                guard let name = value.at("user", "name")?.string else { return nil }
                self = name == "*" ? .anyUser : .user(name)
            case "Group":
                guard let name = value.at("group", "name")?.string else { return nil }
                self = name == "*" ? .anyGroup : .group(name)
            case "ServiceAccount":
                guard let namespace = value.at("serviceAccount", "namespace")?.string,
                    let name = value.at("serviceAccount", "name")?.string
                else { return nil }
                let full = User.serviceAccount(namespace: namespace, name: name == "*" ? "" : name).name
                self = name == "*" ? .accounts(prefix: full) : .user(full)
            default: return nil
            }
        }

        func includes(_ user: User) -> Bool {
            switch self {
            case .anyUser: true
            case .anyGroup: !user.groups.isEmpty
            case .user(let name): user.name == name
            case .group(let name): user.groups.contains(name)
            case .accounts(let prefix): user.name.hasPrefix(prefix)
            }
        }
    }

    /// A list in which `*` stands for everything.
    private struct Names: Sendable {
        private var names: [String]
        private var isAll: Bool

        init(_ value: Value?) {
            names = (value?.array ?? []).compactMap(\.string)
            isAll = names.contains("*")
        }

        func includes(_ name: String) -> Bool { isAll || names.contains(name) }
    }

    private struct ResourceRule: Sendable {
        var verbs: Names
        var groups: Names
        var resources: Names
        var namespaces: Names
        var isClusterScoped: Bool

        init(_ value: Value) {
            verbs = Names(value["verbs"])
            groups = Names(value["apiGroups"])
            resources = Names(value["resources"])
            namespaces = Names(value["namespaces"])
            isClusterScoped = value["clusterScope"]?.bool ?? false
        }

        func matches(_ info: RequestInfo) -> Bool {
            guard let resource = info.resource, verbs.includes(info.verb), groups.includes(resource.group),
                info.namespace.isEmpty ? isClusterScoped : namespaces.includes(info.namespace)
            else { return false }
            return resources.includes(
                info.subresource.isEmpty ? resource.resource : resource.resource + "/" + info.subresource)
        }
    }

    private struct PathRule: Sendable {
        var verbs: Names
        var paths: [String]

        init(_ value: Value) {
            verbs = Names(value["verbs"])
            paths = (value["nonResourceURLs"]?.array ?? []).compactMap(\.string)
        }

        func matches(_ info: RequestInfo) -> Bool {
            guard verbs.includes(info.verb) else { return false }
            return paths.contains { path in
                path == info.path || (path.hasSuffix("*") && info.path.hasPrefix(path.dropLast()))
            }
        }
    }
}
