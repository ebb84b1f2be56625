public import APIMachinery

/// What is wrong with objects of the built-in kinds. Empty lists mean that an object is good.
public enum BuiltinValidation {
    /// What is wrong with a decoded, defaulted object by itself.
    public static func validate(_ object: Value, as definition: ResourceDefinition) -> [FieldError] {
        var checks = FieldChecks()
        checks.metadata(object["metadata"], of: definition)
        // The status is written by components that may be newer or older than this server.
        let table = definition.type?.validate(object, skipping: ["metadata", "status"]) ?? []
        for error in table { checks.add(error) }
        rules(definition.resource)?.validate(&checks, object)
        return checks.errors
    }

    /// What is wrong with changing `current` into `object`, beyond what is wrong with `object` itself.
    public static func validateUpdate(
        _ object: Value, over current: Value, as definition: ResourceDefinition
    ) -> [FieldError] {
        var checks = FieldChecks()
        rules(definition.resource)?.validateUpdate(&checks, object, current)
        return checks.errors
    }

    /// The hand-written rules of one kind.
    struct Rules: Sendable {
        var validate: @Sendable (inout FieldChecks, Value) -> Void = { _, _ in }
        var validateUpdate: @Sendable (inout FieldChecks, Value, Value) -> Void = { _, _, _ in }
    }

    private static func rules(_ resource: GroupVersionResource) -> Rules? { all[resource.groupResource] }

    private static let all: [String: Rules] = [
        "pods": Rules(
            validate: { $0.podSpec($1["spec"] ?? .emptyObject, "spec") },
            validateUpdate: { $0.podUpdate($1, $2) }),
        "podtemplates": Rules(validate: { $0.podTemplate($1["template"], "template") }),
        "replicationcontrollers": Rules(validate: { $0.replicationController($1) }),
        "deployments.apps": Rules(
            validate: { $0.deployment($1) },
            validateUpdate: {
                $0.immutable($1.at("spec", "selector"), $2.at("spec", "selector"), "spec.selector")
            }),
        "replicasets.apps": Rules(
            validate: { $0.replicas($1, kind: "ReplicaSet") },
            validateUpdate: {
                $0.immutable($1.at("spec", "selector"), $2.at("spec", "selector"), "spec.selector")
            }),
        "daemonsets.apps": Rules(
            validate: { $0.daemonSet($1) },
            validateUpdate: {
                $0.immutable($1.at("spec", "selector"), $2.at("spec", "selector"), "spec.selector")
            }),
        "statefulsets.apps": Rules(
            validate: { $0.replicas($1, kind: "StatefulSet") },
            validateUpdate: { $0.statefulSetUpdate($1, $2) }),
        "jobs.batch": Rules(validate: { $0.job($1) }, validateUpdate: { $0.jobUpdate($1, $2) }),
        "cronjobs.batch": Rules(validate: { $0.cronJob($1) }),
        "services": Rules(validate: { $0.service($1) }, validateUpdate: { $0.serviceUpdate($1, $2) }),
        "configmaps": Rules(validate: { $0.configMap($1) }, validateUpdate: { $0.configMapUpdate($1, $2) }),
        "secrets": Rules(validate: { $0.secret($1) }, validateUpdate: { $0.secretUpdate($1, $2) }),
        "persistentvolumeclaims": Rules(
            validate: { $0.volumeClaim($1["spec"] ?? .emptyObject, "spec") },
            validateUpdate: { $0.volumeClaimUpdate($1, $2) }),
        "persistentvolumes": Rules(
            validate: { $0.volume($1) }, validateUpdate: { $0.volumeUpdate($1, $2) }),
        "storageclasses.storage.k8s.io": Rules(
            validate: { $0.require($1["provisioner"], "provisioner") },
            validateUpdate: { $0.storageClassUpdate($1, $2) }),
        "nodes": Rules(validate: { $0.node($1) }),
        "limitranges": Rules(validate: { $0.limitRange($1) }),
        "roles.rbac.authorization.k8s.io": Rules(validate: { $0.rules($1, isNamespaced: true) }),
        "clusterroles.rbac.authorization.k8s.io": Rules(validate: { $0.rules($1, isNamespaced: false) }),
        "rolebindings.rbac.authorization.k8s.io": Rules(
            validate: { $0.binding($1, roleKinds: ["ClusterRole", "Role"]) },
            validateUpdate: { $0.bindingUpdate($1, $2) }),
        "clusterrolebindings.rbac.authorization.k8s.io": Rules(
            validate: { $0.binding($1, roleKinds: ["ClusterRole"]) },
            validateUpdate: { $0.bindingUpdate($1, $2) }),
        "ingresses.networking.k8s.io": Rules(validate: { $0.ingress($1) }),
        "priorityclasses.scheduling.k8s.io": Rules(
            validate: { $0.priorityClass($1) },
            validateUpdate: {
                $0.immutable($1["value"] ?? 0, $2["value"] ?? 0, "value")
                $0.immutable($1["preemptionPolicy"], $2["preemptionPolicy"], "preemptionPolicy")
            }),
        "mutatingwebhookconfigurations.admissionregistration.k8s.io": Rules(
            validate: { $0.webhookConfiguration($1) }),
        "validatingwebhookconfigurations.admissionregistration.k8s.io": Rules(
            validate: { $0.webhookConfiguration($1) }),
        "apiservices.apiregistration.k8s.io": Rules(validate: { $0.apiService($1) }),
    ]
}
