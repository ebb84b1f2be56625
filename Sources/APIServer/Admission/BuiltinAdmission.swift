import API
import APIMachinery
import Client

extension AdmissionChain {
    /// The plug-ins of this version, in Kubernetes' order. `objects` gives the live set of a resource.
    static func builtin(_ objects: @Sendable (GroupVersionResource) -> any ObjectSet) -> AdmissionChain {
        AdmissionChain(plugins: [
            NamespaceLifecycle(namespaces: objects(.namespaces)),
            ServiceAccountAdmission(accounts: objects(.serviceAccounts)),
            PriorityAdmission(classes: objects(.priorityClasses)),
            DefaultTolerationSeconds(),
            DefaultStorageClass(classes: objects(.storageClasses)),
            StorageProtection(),
        ])
    }
}
