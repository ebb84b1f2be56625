import APIMachinery

/// The rules of one kind that its table does not say.
struct BuiltinRules: Sendable {
    /// What must be true of an object at any time.
    var validate: @Sendable (inout FieldChecks, Value) -> Void = { _, _ in }
    /// What must be true of a new object besides.
    var create: (@Sendable (inout FieldChecks, Value) -> Void)?
    /// What must be true of a new version (first) of an object (second) besides; of its status too, if that changes.
    var update: (@Sendable (inout FieldChecks, Value, Value) -> Void)?

    static func of(_ resource: GroupVersionResource) -> BuiltinRules? {
        resource.group.isEmpty ? core[resource.resource] : named[resource.groupResource]
    }

    /// What those are held to besides who write a kind by another name than the one that it is stored under.
    static func stricter(_ asked: GroupVersionResource) -> BuiltinRules? {
        asked.groupResource == "events.events.k8s.io" ? newEvents : nil
    }

    private static let newEvents = BuiltinRules(
        create: { $0.newEventCreate($1) }, update: { $0.newEventUpdate($1, $2) })

    private static let core: [String: BuiltinRules] = [
        "pods": BuiltinRules(
            validate: { $0.pod($1) }, create: { $0.podCreate($1) },
            update: { checks, new, old in
                checks.podUpdate(new, old)
                if new["status"] != old["status"] { checks.podStatusUpdate(new, old) }
            }),
        "podtemplates": BuiltinRules(validate: { $0.podTemplate($1["template"], "template") }),
        "replicationcontrollers": BuiltinRules(
            validate: { $0.replicationController($1) },
            update: { $0.replicaStatus($1, $2, ["readyReplicas", "availableReplicas", "fullyLabeledReplicas"]) }),
        "services": BuiltinRules(validate: { $0.service($1) }, update: { $0.serviceUpdate($1, $2) }),
        "endpoints": BuiltinRules(validate: { $0.endpoints($1) }),
        "configmaps": BuiltinRules(validate: { $0.configMap($1) }, update: { $0.configMapUpdate($1, $2) }),
        "secrets": BuiltinRules(validate: { $0.secret($1) }, update: { $0.secretUpdate($1, $2) }),
        "persistentvolumeclaims": BuiltinRules(
            validate: { $0.volumeClaim($1["spec"] ?? .emptyObject, "spec") },
            update: { $0.volumeClaimUpdate($1, $2) }),
        "persistentvolumes": BuiltinRules(
            validate: { $0.volume($1) }, update: { $0.volumeUpdate($1, $2) }),
        "nodes": BuiltinRules(validate: { $0.node($1) }, update: { $0.nodeUpdate($1, $2) }),
        "namespaces": BuiltinRules(validate: { $0.namespace($1) }, update: { $0.namespaceUpdate($1, $2) }),
        "limitranges": BuiltinRules(validate: { $0.limitRange($1) }),
        "events": BuiltinRules(validate: { $0.event($1) }),
        "resourcequotas": BuiltinRules(
            validate: { $0.resourceQuota($1) }, update: { $0.resourceQuotaUpdate($1, $2) }),
    ]

    private static let named = [workloads, network, storage, cluster, devices, extensions].reduce(into: [:]) {
        $0.merge($1) { $1 }
    }

    private static let workloads: [String: BuiltinRules] = [
        "deployments.apps": BuiltinRules(
            validate: { $0.deployment($1) },
            update: { checks, new, old in
                checks.selectorUpdate(new, old)
                let parts = ["updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"]
                checks.replicaStatus(new, old, parts)
            }),
        "replicasets.apps": BuiltinRules(
            validate: { $0.replicaSet($1) },
            update: { checks, new, old in
                checks.selectorUpdate(new, old)
                let parts = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"]
                checks.replicaStatus(new, old, parts)
            }),
        "daemonsets.apps": BuiltinRules(
            validate: { $0.daemonSet($1) },
            update: { checks, new, old in
                checks.selectorUpdate(new, old)
                checks.daemonStatus(new, old)
            }),
        "statefulsets.apps": BuiltinRules(
            validate: { $0.statefulSet($1) },
            create: { $0.statefulSetCreate($1) },
            update: { checks, new, old in
                checks.statefulSetUpdate(new, old)
                let parts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"]
                checks.replicaStatus(new, old, parts)
            }),
        "controllerrevisions.apps": BuiltinRules(
            validate: { $0.controllerRevision($1) }, update: { $0.immutable($1["data"], $2["data"], "data") }),
        "jobs.batch": BuiltinRules(validate: { $0.job($1) }, update: { $0.jobUpdate($1, $2) }),
        "cronjobs.batch": BuiltinRules(validate: { $0.cronJob($1) }, create: { $0.cronJobCreate($1) }),
        "horizontalpodautoscalers.autoscaling": BuiltinRules(
            validate: { $0.autoscaler($1) }, update: { $0.autoscalerStatusUpdate($1, $2) }),
        "poddisruptionbudgets.policy": BuiltinRules(
            validate: { $0.disruptionBudget($1) }, update: { $0.disruptionBudgetUpdate($1, $2) }),
    ]

    private static let network: [String: BuiltinRules] = [
        "endpointslices.discovery.k8s.io": BuiltinRules(
            validate: { $0.endpointSlice($1) },
            update: { $0.immutable($1["addressType"], $2["addressType"], "addressType") }),
        "ingresses.networking.k8s.io": BuiltinRules(
            validate: { $0.ingress($1) }, create: { $0.ingressCreate($1) }, update: { $0.ingressUpdate($1, $2) }),
        "ingressclasses.networking.k8s.io": BuiltinRules(
            validate: { $0.ingressClass($1) }, update: { $0.ingressClassUpdate($1, $2) }),
        "networkpolicies.networking.k8s.io": BuiltinRules(validate: { $0.networkPolicy($1) }),
        "ipaddresses.networking.k8s.io": BuiltinRules(
            validate: { $0.addressObject($1) }, update: { $0.addressObjectUpdate($1, $2) }),
        "servicecidrs.networking.k8s.io": BuiltinRules(
            validate: { $0.serviceRange($1) }, update: { $0.serviceRangeUpdate($1, $2) }),
    ]

    private static let storage: [String: BuiltinRules] = [
        "storageclasses.storage.k8s.io": BuiltinRules(
            validate: { $0.storageClass($1) }, update: { $0.storageClassUpdate($1, $2) }),
        "volumeattributesclasses.storage.k8s.io": BuiltinRules(
            validate: { $0.attributesClass($1) }, update: { $0.attributesClassUpdate($1, $2) }),
        "csidrivers.storage.k8s.io": BuiltinRules(
            validate: { $0.driver($1) }, update: { $0.driverUpdate($1, $2) }),
        "csinodes.storage.k8s.io": BuiltinRules(
            validate: { $0.driversOfNode($1) }, update: { $0.driversOfNodeUpdate($1, $2) }),
        "csistoragecapacities.storage.k8s.io": BuiltinRules(
            validate: { $0.storageCapacity($1) }, update: { $0.storageCapacityUpdate($1, $2) }),
        "volumeattachments.storage.k8s.io": BuiltinRules(
            validate: { $0.attachment($1) }, update: { $0.attachmentUpdate($1, $2) }),
    ]

    private static let cluster: [String: BuiltinRules] = [
        "roles.rbac.authorization.k8s.io": BuiltinRules(validate: { $0.role($1) }),
        "clusterroles.rbac.authorization.k8s.io": BuiltinRules(validate: { $0.clusterRole($1) }),
        "rolebindings.rbac.authorization.k8s.io": BuiltinRules(
            validate: { $0.roleBinding($1) }, update: { $0.bindingUpdate($1, $2) }),
        "clusterrolebindings.rbac.authorization.k8s.io": BuiltinRules(
            validate: { $0.clusterRoleBinding($1) }, update: { $0.bindingUpdate($1, $2) }),
        "certificatesigningrequests.certificates.k8s.io": BuiltinRules(
            validate: { $0.certificateRequest($1) }, update: { $0.certificateRequestUpdate($1, $2) }),
        "leases.coordination.k8s.io": BuiltinRules(validate: { $0.lease($1) }),
        "priorityclasses.scheduling.k8s.io": BuiltinRules(
            validate: { $0.priorityClass($1) }, update: { $0.priorityClassUpdate($1, $2) }),
        "runtimeclasses.node.k8s.io": BuiltinRules(
            validate: { $0.runtimeClass($1) }, update: { $0.runtimeClassUpdate($1, $2) }),
        "flowschemas.flowcontrol.apiserver.k8s.io": BuiltinRules(validate: { $0.flowSchema($1) }),
        "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": BuiltinRules(
            validate: { $0.priorityLevel($1) }),
        "storageversionmigrations.storagemigration.k8s.io": BuiltinRules(
            validate: { $0.migration($1) }, update: { $0.migrationUpdate($1, $2) }),
    ]

    private static let devices: [String: BuiltinRules] = [
        "deviceclasses.resource.k8s.io": BuiltinRules(validate: { $0.deviceClass($1) }),
        "resourceclaims.resource.k8s.io": BuiltinRules(
            validate: { $0.deviceClaim($1) }, update: { $0.deviceClaimUpdate($1, $2) }),
        "resourceclaimtemplates.resource.k8s.io": BuiltinRules(
            validate: { $0.deviceClaimTemplate($1) }, update: { $0.deviceClaimTemplateUpdate($1, $2) }),
        "resourceslices.resource.k8s.io": BuiltinRules(
            validate: { $0.resourceSlice($1) }, update: { $0.resourceSliceUpdate($1, $2) }),
    ]

    /// What lets others take part in the API.
    private static let extensions: [String: BuiltinRules] = [
        "mutatingwebhookconfigurations.admissionregistration.k8s.io": BuiltinRules(
            validate: { $0.webhookConfiguration($1) }),
        "validatingwebhookconfigurations.admissionregistration.k8s.io": BuiltinRules(
            validate: { $0.webhookConfiguration($1) }),
        "validatingadmissionpolicies.admissionregistration.k8s.io": BuiltinRules(
            validate: { $0.validatingPolicy($1) }),
        "validatingadmissionpolicybindings.admissionregistration.k8s.io": BuiltinRules(
            validate: { $0.validatingBinding($1) }),
        "mutatingadmissionpolicies.admissionregistration.k8s.io": BuiltinRules(
            validate: { $0.mutatingPolicy($1) }),
        "mutatingadmissionpolicybindings.admissionregistration.k8s.io": BuiltinRules(
            validate: { $0.mutatingBinding($1) }),
        "apiservices.apiregistration.k8s.io": BuiltinRules(validate: { $0.apiService($1) }),
    ]
}
