import API
import APIMachinery
import Client

/// Nobody gives away rights that he does not hold: who writes a role must hold what it allows, or have the verb
/// `escalate` on it; who binds a role must hold what it allows, or have the verb `bind` on it (Kubernetes documentation,
/// "Privilege escalation prevention and bootstrapping").
///
/// Members of `system:masters` hold everything, whatever the stored roles say.
struct EscalationCheck: ValidatingAdmission {
    let rbac: RBACAuthorizer
    let authorizer: any Authorizer

    private static let resources: Set<GroupVersionResource> = [
        .roles, .clusterRoles, .roleBindings, .clusterRoleBindings,
    ]

    func concerns(_ resource: GroupVersionResource) -> Bool { Self.resources.contains(resource) }

    func validate(_ request: AdmissionRequest) async throws(Status) {
        guard let object = request.object, !request.user.groups.contains(User.masters) else { return }
        switch request.resource {
        case .roles, .clusterRoles: try await checkRole(object, request, over: request.oldObject)
        case .roleBindings, .clusterRoleBindings: try await checkBinding(object, request, over: request.oldObject)
        default: break
        }
    }

    private func checkRole(_ role: Value, _ request: AdmissionRequest, over current: Value?) async throws(Status) {
        guard !Self.isAboutDeletionOnly(role, current) else { return }
        guard await !isAllowed("escalate", request.target, request.user) else { return }
        let rules = (role["rules"]?.array ?? []).map(RBACRule.init)
        try confirm(rules, request)
        // It can gather anything, now and later.
        guard Self.gathersRules(role) || current.map(Self.gathersRules) == true else { return }
        let held = rbac.rules(for: request.user, in: request.namespace)
        guard let missing = try? RBACRule.missing(in: held, of: RBACRule.fullAuthority), missing.isEmpty else {
            throw request.forbidden("must have cluster-admin privileges to use the aggregationRule")
        }
    }

    private func checkBinding(_ binding: Value, _ request: AdmissionRequest, over current: Value?) async throws(Status) {
        guard !Self.isAboutDeletionOnly(binding, current) else { return }
        let kind = binding.at("roleRef", "kind")?.string ?? ""
        let name = binding.at("roleRef", "name")?.string ?? ""
        let resource: GroupVersionResource = kind == "Role" ? .roles : .clusterRoles
        let namespace = request.namespace
        // Asked in the namespace of the binding: there the role would count.
        guard await !isAllowed("bind", Target(resource, namespace: namespace, name: name), request.user) else { return }
        let role = ObjectName(namespace: kind == "Role" ? namespace : "", name: name)
        guard let rules = rbac.rules(of: role) else { throw .notFound(resource, name) }
        try confirm(rules, request)
    }

    /// Throws 403 unless the user holds all that the rules give.
    private func confirm(_ rules: [RBACRule], _ request: AdmissionRequest) throws(Status) {
        let user = request.user
        let attempt =
            "user \(GoText.quoted(user.name)) (groups=\(RBACRule.quoted(user.groups))) is attempting to grant RBAC "
            + "permissions not currently held"
        let missing: [RBACRule]
        do throws(RBACRule.TooManyRights) {
            missing = try RBACRule.missing(in: rbac.rules(for: user, in: request.namespace), of: rules)
        } catch {
            throw request.forbidden(
                "\(attempt) by one rule, and more than \(RBACRule.mostRights) of them to be compared one by one")
        }
        guard !missing.isEmpty else { return }
        throw request.forbidden("\(attempt):\n\(RBACRule.list(missing))")
    }

    private func isAllowed(_ verb: String, _ target: Target, _ user: User) async -> Bool {
        if case .allow = await authorizer.ask(AccessRequest(user: user, verb: verb, target)) { true } else { false }
    }

    private static func gathersRules(_ role: Value) -> Bool {
        !(role.at("aggregationRule", "clusterRoleSelectors")?.array ?? []).isEmpty
    }

    /// Whether an update changes nothing but what holds an object or makes it go: the garbage collector may do that to
    /// roles whose rights it does not hold.
    private static func isAboutDeletionOnly(_ object: Value, _ current: Value?) -> Bool {
        guard let current else { return false }
        return withoutHolders(object) == withoutHolders(current)
    }

    private static func withoutHolders(_ object: Value) -> Value {
        var rest = object
        for key in ["finalizers", "ownerReferences", "managedFields", "generation", "resourceVersion"] {
            rest[path: ["metadata", key]] = nil
        }
        return rest
    }
}
