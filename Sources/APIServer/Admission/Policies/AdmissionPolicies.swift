import API
import APIMachinery
import Client

/// Everything that a server has for its admission policies, once.
struct AdmissionPolicies: Sendable {
    let mutating: MutatingPolicies
    let validating: ValidatingPolicies
    let metrics = PolicyMetrics()

    /// `objects` gives the live set of a resource.
    init(
        _ objects: (GroupVersionResource) -> any ObjectSet, kinds: any PolicyKinds, authorizer: any Authorizer
    ) {
        let selection = PolicySelection(kinds: kinds, namespaces: objects(.namespaces), authorizer: authorizer)
        mutating = MutatingPolicies(
            policies: LivePolicies(
                .mutating, policies: objects(.mutatingAdmissionPolicies),
                bindings: objects(.mutatingAdmissionPolicyBindings)), selection: selection, metrics: metrics)
        validating = ValidatingPolicies(
            policies: LivePolicies(
                .validating, policies: objects(.validatingAdmissionPolicies),
                bindings: objects(.validatingAdmissionPolicyBindings)), selection: selection, metrics: metrics)
    }
}
