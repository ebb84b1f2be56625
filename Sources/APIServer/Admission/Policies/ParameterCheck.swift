import API
import APIMachinery
import Client

/// Nobody learns through a policy what he may not read: who writes one with a kind of parameters must be allowed to get
/// all objects of that kind, who binds it must be allowed to get what the binding refers to, or, where it selects, to list
/// there (KEP-3488).
///
/// Kubernetes has this check in the storage of policies. Members of `system:masters` may read everything.
struct ParameterCheck: ValidatingAdmission {
    let validating: any ObjectSet
    let mutating: any ObjectSet
    let kinds: any PolicyKinds
    let authorizer: any Authorizer

    func concerns(_ resource: GroupVersionResource) -> Bool {
        Self.policies.contains(resource) || Self.bindings.contains(resource)
    }

    private static let policies: [GroupVersionResource] = [.validatingAdmissionPolicies, .mutatingAdmissionPolicies]
    private static let bindings: [GroupVersionResource] = [
        .validatingAdmissionPolicyBindings, .mutatingAdmissionPolicyBindings,
    ]

    func validate(_ request: AdmissionRequest) async throws(Status) {
        guard let spec = request.object?["spec"], !request.user.groups.contains(User.masters) else { return }
        let old = request.oldObject?["spec"]
        if Self.policies.contains(request.resource) {
            guard let kind = spec["paramKind"], kind != old?["paramKind"] else { return }
            try await check(policyOf: kind, request)
        } else {
            guard let reference = spec["paramRef"],
                reference != old?["paramRef"] || spec["policyName"] != old?["policyName"]
            else { return }
            try await check(bindingTo: spec["policyName"]?.string ?? "", reference, request)
        }
    }

    private func check(policyOf kind: Value, _ request: AdmissionRequest) async throws(Status) {
        let all = Target(resource(of: kind), namespace: "*", name: "*")
        guard await !may("get", all, request.user) else { return }
        let (name, version) = (kind["kind"]?.string ?? "", kind["apiVersion"]?.string ?? "")
        throw refusal(
            of: request, "spec.paramKind",
            "user \(request.user.goText) must have \"get\" permission on all objects of the referenced paramKind "
                + "(kind=\(name), apiVersion=\(version))")
    }

    private func check(
        bindingTo policy: String, _ reference: Value, _ request: AdmissionRequest
    ) async throws(Status) {
        let policies = request.resource == .validatingAdmissionPolicyBindings ? validating : mutating
        let kind = policies.get(ObjectName(name: policy))?.value.at("spec", "paramKind")
        let target = Target(
            resource(of: kind), namespace: reference["namespace"]?.string ?? "", name: reference["name"]?.string ?? "")
        let verb = target.name.isEmpty ? "list" : "get"
        guard await !may(verb, target, request.user) else { return }
        throw refusal(
            of: request, "spec.paramRef",
            "user \(request.user.goText) does not have \"\(verb)\" permission on the object referenced by paramRef")
    }

    /// What must be readable: of a kind that is not served all of its group, without a kind everything.
    private func resource(of kind: Value?) -> GroupVersionResource {
        guard let kind else { return GroupVersionResource(group: "*", version: "*", resource: "*") }
        let named = GroupVersionKind(apiVersion: kind["apiVersion"]?.string ?? "", kind: kind["kind"]?.string ?? "")
        return kinds.parameters(of: named)?.resource
            ?? GroupVersionResource(group: named.group, version: named.version, resource: "*")
    }

    private func may(_ verb: String, _ target: Target, _ user: User) async -> Bool {
        if case .allow = await authorizer.ask(AccessRequest(user: user, verb: verb, target)) { true } else { false }
    }

    private func refusal(of request: AdmissionRequest, _ field: String, _ why: String) -> Status {
        .invalid(request.kind, request.objectName, [.forbidden(field, why)])
    }
}

extension User {
    /// As messages of Go programs print it.
    fileprivate var goText: String {
        let extra = extra.sorted { $0.key < $1.key }.map { "\($0.key):[\($0.value.joined(separator: " "))]" }
        return "&{\(name) \(uid) [\(groups.joined(separator: " "))] map[\(extra.joined(separator: " "))]}"
    }
}
