import API
import APIMachinery
import Client

/// The objects that a pod needs on its node, by the names in its spec.
///
/// What is listed here a node may read as soon as the pod is bound to it (Kubernetes documentation, "Using Node
/// Authorization").
enum PodReferences {
    /// Whether `pod` refers to the object `name` of the kind `resource` (in the pod's namespace).
    static func contain(_ resource: String, _ name: String, _ pod: Pod) -> Bool {
        let spec = pod.spec
        switch resource {
        case "serviceaccounts": return spec.serviceAccountName == name
        case "configmaps": return contains("configMap", "name", name, spec) || environment(spec, "configMap", name)
        case "secrets":
            return spec.imagePullSecrets.contains { $0.name == name } || contains("secret", "secretName", name, spec)
                || environment(spec, "secret", name) || otherSecrets(spec).contains(name)
        case "persistentvolumeclaims":
            return spec.volumes.contains {
                $0.value.at("persistentVolumeClaim", "claimName")?.string == name
                    || ($0.value["ephemeral"] != nil && "\(pod.metadata.name)-\($0.name)" == name)
            }
        case "resourceclaims":
            return (pod.value.at("status", "resourceClaimStatuses")?.array ?? []).contains {
                $0["resourceClaimName"]?.string == name
            } || (spec.value["resourceClaims"]?.array ?? []).contains { $0["resourceClaimName"]?.string == name }
        default: return false
        }
    }

    /// Volumes of the kind, by themselves and as a source of a projected volume.
    private static func contains(_ kind: String, _ key: String, _ name: String, _ spec: PodSpec) -> Bool {
        spec.volumes.contains { volume in
            volume.value.at(kind, key)?.string == name
                || (volume.value.at("projected", "sources")?.array ?? []).contains { $0.at(kind, "name")?.string == name }
        }
    }

    private static func environment(_ spec: PodSpec, _ kind: String, _ name: String) -> Bool {
        let containers = ["containers", "initContainers", "ephemeralContainers"].flatMap { spec.value[$0]?.array ?? [] }
        return containers.contains { container in
            (container["env"]?.array ?? []).contains { $0.at("valueFrom", kind + "KeyRef", "name")?.string == name }
                || (container["envFrom"]?.array ?? []).contains { $0.at(kind + "Ref", "name")?.string == name }
        }
    }

    /// Secrets with which volumes are mounted.
    private static func otherSecrets(_ spec: PodSpec) -> [String] {
        var names: [String] = []
        for volume in spec.volumes {
            for source in volume.value.fields ?? Fields() {
                let reference = source.value["secretRef"] ?? source.value["nodePublishSecretRef"]
                if let name = reference?["name"]?.string { names.append(name) }
                if source.key == "azureFile", let name = source.value["secretName"]?.string { names.append(name) }
            }
        }
        return names
    }
}
