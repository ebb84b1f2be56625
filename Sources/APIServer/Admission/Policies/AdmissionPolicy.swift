import API
import APIMachinery
import CEL

/// A `ValidatingAdmissionPolicy` or a `MutatingAdmissionPolicy`, read and compiled once. Pure.
struct AdmissionPolicy: Sendable {
    enum Kind: String, Sendable {
        case validating = "ValidatingAdmissionPolicy"
        case mutating = "MutatingAdmissionPolicy"
    }

    let name: String
    /// Whether a request goes on when the policy cannot be evaluated.
    let failsOpen: Bool
    /// Whose objects are `params`.
    let parameterKind: GroupVersionKind?
    let match: Result<AdmissionMatch, SelectorError>
    let conditions: MatchConditions
    /// Each is built on the ones before it.
    let variables: [AdmissionScope.Variable]
    let validations: [PolicyValidation]
    let annotations: [PolicyAnnotation]
    let mutations: [PolicyMutation]
    /// Whether it may be asked again when others changed the object after it.
    let isReinvocable: Bool

    init(_ policy: Value, _ kind: Kind) {
        let spec = policy["spec"] ?? .emptyObject
        name = policy.at("metadata", "name")?.string ?? ""
        failsOpen = spec["failurePolicy"] == "Ignore"
        parameterKind = spec["paramKind"].map {
            GroupVersionKind(apiVersion: $0["apiVersion"]?.string ?? "", kind: $0["kind"]?.string ?? "")
        }
        match = Result { () throws(SelectorError) in
            try AdmissionMatch(resources: spec["matchConstraints"] ?? .emptyObject)
        }
        isReinvocable = spec["reinvocationPolicy"] == "IfNeeded"
        var environment = AdmissionEnvironment(
            hasParameters: parameterKind != nil, hasAuthorizer: true, makesPatches: kind == .mutating)
        conditions = MatchConditions(spec["matchConditions"], failsOpen: failsOpen, in: environment)
        var variables: [AdmissionScope.Variable] = []
        for variable in spec["variables"]?.array ?? [] {
            let name = variable["name"]?.string ?? ""
            let expression = AdmissionExpression(
                variable["expression"]?.string ?? "", in: environment, to: .dyn)
            variables.append(AdmissionScope.Variable(name: name, expression: expression))
            let type = (try? expression.program.get())?.resultType
            environment.declare(name, type ?? .dyn)
        }
        self.variables = variables
        validations = (spec["validations"]?.array ?? []).map { [environment] in
            PolicyValidation($0, in: environment)
        }
        annotations = (spec["auditAnnotations"]?.array ?? []).map { [environment] in
            PolicyAnnotation($0, in: environment)
        }
        mutations = (spec["mutations"]?.array ?? []).compactMap { [environment] in
            PolicyMutation($0, in: environment)
        }
    }
}

/// A `ValidatingAdmissionPolicyBinding` or a `MutatingAdmissionPolicyBinding`: where a policy holds, with which
/// parameters, and what a violation leads to. Pure.
struct PolicyBinding: Sendable {
    let name: String
    let policy: String
    /// Narrows what the policy matches; `nil` when it does not.
    let match: Result<AdmissionMatch, SelectorError>?
    let parameters: ParameterReference?
    let actions: [Action]

    enum Action: String, Sendable {
        case deny = "Deny"
        case warn = "Warn"
        case audit = "Audit"
    }

    init(_ binding: Value) {
        let spec = binding["spec"] ?? .emptyObject
        name = binding.at("metadata", "name")?.string ?? ""
        policy = spec["policyName"]?.string ?? ""
        match = spec["matchResources"].map { resources in
            Result { () throws(SelectorError) in try AdmissionMatch(resources: resources) }
        }
        parameters = spec["paramRef"].map(ParameterReference.init)
        actions = (spec["validationActions"]?.array ?? []).compactMap { Action(rawValue: $0.string ?? "") }
    }
}

extension GroupVersionResource {
    /// What no policy judges: policies themselves, since a broken one could never be mended, and questions about who
    /// somebody is and may do, which are answered whatever policies think.
    var isExemptFromPolicies: Bool {
        switch group {
        case "admissionregistration.k8s.io": resource.contains("admissionpolic")
        case "authentication.k8s.io", "authorization.k8s.io": resource.hasSuffix("reviews")
        default: false
        }
    }
}
