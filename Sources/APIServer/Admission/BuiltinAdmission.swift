import API
import APIMachinery
import Client
import Support

extension AdmissionChain {
    /// The plug-ins that run, in Kubernetes' order, behind the checks of roles and of policies, which Kubernetes has in
    /// their storage. `objects` gives the live set of a resource.
    static func builtin(
        _ objects: (GroupVersionResource) -> any ObjectSet, _ access: AccessControl, _ webhooks: AdmissionWebhooks,
        _ policies: AdmissionPolicies, _ options: AdmissionOptions, quotas: QuotaLedger,
        now: @escaping @Sendable () -> Timestamp, clock: any Clock<Duration>, randomness: Randomness
    ) throws(Fault) -> AdmissionChain {
        var podSecurity = PodSecurityConfiguration()
        if let configuration = options.configurations["PodSecurity"] {
            podSecurity = try PodSecurityConfiguration(configuration)
        }
        var limited = LimitedResources()
        if let configuration = options.configurations["ResourceQuota"] {
            limited = try LimitedResources(configuration)
        }
        let (pods, nodes, namespaces) = (objects(.pods), objects(.nodes), objects(.namespaces))
        let audiences = NodeTokenAudience(
            claims: objects(.persistentVolumeClaims), volumes: objects(.persistentVolumes),
            drivers: objects(.csiDrivers), authorizer: access.authorizer)
        let plugins: [any AdmissionPlugin] = [
            NamespaceLifecycle(namespaces: namespaces),
            NamespaceExists(namespaces: namespaces),
            LimitRanger(ranges: objects(.limitRanges)),
            ServiceAccountAdmission(
                accounts: objects(.serviceAccounts), clock: clock, randomness: randomness),
            NodeRestriction(pods: pods, nodes: nodes, audiences: audiences),
            TaintNodesByCondition(),
            AlwaysPullImages(),
            PodSecurity(namespaces: namespaces, pods: pods, configuration: podSecurity),
            PodNodeSelector(namespaces: namespaces, configuration: options.configurations["PodNodeSelector"]),
            PriorityAdmission(classes: objects(.priorityClasses)),
            DefaultTolerationSeconds(
                notReady: options.notReadySeconds, unreachable: options.unreachableSeconds),
            try EventRateLimit(options.configurations["EventRateLimit"], now: now),
            ExtendedResourceToleration(),
            DefaultStorageClass(classes: objects(.storageClasses)),
            StorageProtection(),
            OwnerReferencesPermissionEnforcement(authorizer: access.authorizer),
            PersistentVolumeClaimResize(classes: objects(.storageClasses)),
            RuntimeClassAdmission(classes: objects(.runtimeClasses)),
            SignerCheck(act: .approve, authorizer: access.authorizer),
            SignerCheck(act: .sign, authorizer: access.authorizer),
            SignerCheck(act: .attest, authorizer: access.authorizer),
            CertificateSubjectRestriction(),
            DefaultIngressClass(classes: objects(.ingressClasses)),
            DenyServiceExternalIPs(),
            PodTopologyLabels(nodes: nodes),
            policies.mutating,
            webhooks.mutating,
            policies.validating,
            webhooks.validating,
            ResourceQuotaAdmission(ledger: quotas, limited: limited, now: now),
        ]
        let checks: [any AdmissionPlugin] = [
            EscalationCheck(rbac: access.rbac, authorizer: access.authorizer),
            DeviceRights(namespaces: namespaces, authorizer: access.authorizer),
            ParameterCheck(
                validating: objects(.validatingAdmissionPolicies), mutating: objects(.mutatingAdmissionPolicies),
                kinds: policies.validating.selection.kinds, authorizer: access.authorizer),
        ]
        return AdmissionChain(plugins: checks + plugins.filter { options.runs($0.name) })
    }
}
