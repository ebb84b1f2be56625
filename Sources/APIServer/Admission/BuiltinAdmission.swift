import API
import APIMachinery
import Client

extension AdmissionChain {
    /// The plug-ins of this version, in Kubernetes' order, behind the check of roles and bindings, which Kubernetes has
    /// in their storage. `objects` gives the live set of a resource.
    static func builtin(
        _ objects: (GroupVersionResource) -> any ObjectSet, _ access: AccessControl, _ webhooks: AdmissionWebhooks
    ) -> AdmissionChain {
        AdmissionChain(plugins: [
            EscalationCheck(rbac: access.rbac, authorizer: access.authorizer),
            NamespaceLifecycle(namespaces: objects(.namespaces)),
            ServiceAccountAdmission(accounts: objects(.serviceAccounts)),
            PriorityAdmission(classes: objects(.priorityClasses)),
            DefaultTolerationSeconds(),
            DefaultStorageClass(classes: objects(.storageClasses)),
            StorageProtection(),
            webhooks.mutating,
            webhooks.validating,
        ])
    }
}
