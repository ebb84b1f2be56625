import API
import APIMachinery
import Client

/// Everything that a server has for its admission webhooks, once.
struct AdmissionWebhooks: Sendable {
    let mutating: MutatingWebhooks
    let validating: ValidatingWebhooks
    let metrics = WebhookMetrics()

    /// `objects` gives the live set of a resource.
    init(
        _ objects: (GroupVersionResource) -> any ObjectSet, caller: any WebhookCaller, versions: any ResourceVersions,
        authorizer: any Authorizer
    ) {
        let inquiry = WebhookInquiry(
            caller: caller, versions: versions, namespaces: objects(.namespaces), authorizer: authorizer,
            metrics: metrics)
        mutating = MutatingWebhooks(
            webhooks: LiveWebhooks(.mutating, objects(.mutatingWebhookConfigurations)), inquiry: inquiry)
        validating = ValidatingWebhooks(
            webhooks: LiveWebhooks(.validating, objects(.validatingWebhookConfigurations)), inquiry: inquiry)
    }
}
