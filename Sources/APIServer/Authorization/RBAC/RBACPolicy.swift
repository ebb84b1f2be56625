import APIMachinery

/// The roles and bindings of the cluster, arranged so that a decision looks only at what concerns the user.
///
/// A value: the shell replaces roles and bindings in it as they change.
struct RBACPolicy: Sendable {
    /// A subject of a binding. Service accounts are users by their full name.
    enum Subject: Hashable, Sendable {
        case user(String)
        case group(String)

        /// As reasons name it: `Group "system:masters"`.
        var title: String {
            switch self {
            case .user(let name):
                guard let account = User.account(named: name) else { return "User \"\(name)\"" }
                return "ServiceAccount \"\(account.name)/\(account.namespace)\""
            case .group(let name): return "Group \"\(name)\""
            }
        }
    }

    private struct Binding: Hashable, Sendable {
        /// Empty for a ClusterRoleBinding.
        var name: ObjectName
        var role: ObjectName
        var roleKind: String
    }

    private struct BindingEntry: Sendable {
        var binding: Binding
        var subjects: [Subject]
    }

    /// ClusterRoles have no namespace in their name.
    private var rules: [ObjectName: [RBACRule]] = [:]
    private var bindings: [ObjectName: BindingEntry] = [:]
    private var bySubject: [Subject: Set<ObjectName>] = [:]

    /// How many subjects are bound to anything, for those who watch memory.
    var boundSubjects: Int { bySubject.count }

    // MARK: Changing

    /// Takes a Role or ClusterRole; `nil` when it is gone.
    mutating func setRole(_ name: ObjectName, _ role: Value?) {
        rules[name] = role.map { ($0["rules"]?.array ?? []).map(RBACRule.init) }
    }

    /// Takes a RoleBinding or ClusterRoleBinding; `nil` when it is gone.
    mutating func setBinding(_ name: ObjectName, _ value: Value?) {
        for subject in bindings[name]?.subjects ?? [] {
            bySubject[subject]?.remove(name)
            if bySubject[subject]?.isEmpty ?? false { bySubject[subject] = nil }
        }
        bindings[name] = nil
        guard let value else { return }
        let kind = value.at("roleRef", "kind")?.string ?? ""
        let role = ObjectName(
            namespace: kind == "Role" ? name.namespace : "", name: value.at("roleRef", "name")?.string ?? "")
        let subjects = (value["subjects"]?.array ?? []).compactMap { Self.subject($0, in: name.namespace) }
        bindings[name] = BindingEntry(
            binding: Binding(name: name, role: role, roleKind: kind), subjects: subjects)
        for subject in subjects { bySubject[subject, default: []].insert(name) }
    }

    private static func subject(_ value: Value, in namespace: String) -> Subject? {
        guard let name = value["name"]?.string else { return nil }
        switch value["kind"]?.string {
        case "User": return .user(name)
        case "Group": return .group(name)
        case "ServiceAccount":
            return .user(User.serviceAccount(namespace: value["namespace"]?.string ?? namespace, name: name).name)
        default: return nil
        }
    }

    // MARK: Deciding

    func decide(_ request: AccessRequest) -> AccessDecision {
        var missing: [String] = []
        for subject in [.user(request.user.name)] + request.user.groups.map(Subject.group) {
            for name in bySubject[subject] ?? [] {
                // A RoleBinding counts inside its namespace only.
                guard name.namespace.isEmpty || (request.isResourceRequest && name.namespace == request.namespace),
                    let binding = bindings[name]?.binding
                else { continue }
                guard let rules = rules[binding.role] else {
                    missing.append(missingReason(binding))
                    continue
                }
                if rules.contains(where: { $0.allows(request) }) {
                    return .allow(reason: allowedReason(binding, subject))
                }
            }
        }
        guard !missing.isEmpty else { return .noOpinion(reason: "") }
        let list = missing.sorted()
        return .noOpinion(reason: "RBAC: " + (list.count == 1 ? list[0] : "[" + list.joined(separator: ", ") + "]"))
    }

    /// The rules that apply to a user in a namespace, for `SelfSubjectRulesReview` and the escalation check.
    func rules(for user: User, in namespace: String) -> [RBACRule] {
        var result: [RBACRule] = []
        for subject in [.user(user.name)] + user.groups.map(Subject.group) {
            for name in (bySubject[subject] ?? []).sorted()
            where name.namespace.isEmpty || name.namespace == namespace {
                guard let binding = bindings[name]?.binding else { continue }
                result += rules[binding.role] ?? []
            }
        }
        return result
    }

    /// The roles that bindings of the user name and that are not there, as reasons name them.
    func missingRoles(for user: User, in namespace: String) -> [String] {
        var missing: Set<String> = []
        for subject in [.user(user.name)] + user.groups.map(Subject.group) {
            for name in bySubject[subject] ?? [] where name.namespace.isEmpty || name.namespace == namespace {
                guard let binding = bindings[name]?.binding, rules[binding.role] == nil else { continue }
                missing.insert(missingReason(binding))
            }
        }
        return missing.sorted()
    }

    func rules(of role: ObjectName) -> [RBACRule]? { rules[role] }

    private func allowedReason(_ binding: Binding, _ subject: Subject) -> String {
        let kind = binding.name.namespace.isEmpty ? "ClusterRoleBinding" : "RoleBinding"
        let name = binding.name.namespace.isEmpty ? binding.name.name : "\(binding.name.name)/\(binding.name.namespace)"
        return "RBAC: allowed by \(kind) \"\(name)\" of \(binding.roleKind) \"\(binding.role.name)\" to \(subject.title)"
    }

    private func missingReason(_ binding: Binding) -> String {
        let group = "rbac.authorization.k8s.io"
        let resource = binding.roleKind == "Role" ? "role" : "clusterrole"
        return "\(resource).\(group) \"\(binding.role.name)\" not found"
    }
}
