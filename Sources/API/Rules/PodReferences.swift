import APIMachinery

/// The objects that a pod needs on its node, by the names in its spec.
///
/// What is listed here a node may read as soon as the pod is bound to it (Kubernetes documentation, "Using Node
/// Authorization").
public enum PodReferences {
    /// Whether `pod` refers to the object `name` of the kind `resource` (in the pod's namespace).
    public static func contain(_ resource: String, _ name: String, _ pod: Pod) -> Bool {
        let spec = pod.spec
        switch resource {
        case "serviceaccounts": return spec.serviceAccountName == name
        case "configmaps", "secrets": return containAny(resource, pod) { $0 == name }
        case "persistentvolumeclaims": return claims(of: pod).contains(name)
        case "resourceclaims": return resourceClaims(of: pod).contains(name)
        default: return false
        }
    }

    /// The names of the PersistentVolumeClaims that the pod uses.
    public static func claims(of pod: Pod) -> [String] {
        pod.spec.volumes.compactMap { volume in
            if let name = volume.value.at("persistentVolumeClaim", "claimName")?.string { return name }
            return volume.value["ephemeral"] == nil ? nil : "\(pod.metadata.name)-\(volume.name)"
        }
    }

    /// A kind of object of the cluster that the pod refers to; `nil` for a pod that needs none, as one that a node runs by
    /// itself must not.
    public static func kind(in pod: Pod) -> String? {
        if !pod.spec.serviceAccountName.isEmpty { return "a service account" }
        for kind in ["secrets", "configmaps"] where containAny(kind, pod) { return kind }
        let volumes = pod.spec.value["volumes"]?.array ?? []
        let projected = volumes.flatMap { $0.at("projected", "sources")?.array ?? [] }
        if projected.contains(where: { $0["clusterTrustBundle"] != nil }) { return "clustertrustbundles" }
        if volumes.contains(where: { $0["persistentVolumeClaim"] != nil || $0["ephemeral"] != nil }) {
            return "persistentvolumeclaims"
        }
        return pod.spec.value["resourceClaims"]?.array?.isEmpty == false ? "resourceclaims" : nil
    }

    /// The names of the ResourceClaims that the pod uses; those that are made for it are in its status.
    private static func resourceClaims(of pod: Pod) -> [String] {
        let named = pod.spec.value["resourceClaims"]?.array ?? []
        let made = pod.value.at("status", "resourceClaimStatuses")?.array ?? []
        var names = (named + made).compactMap { $0["resourceClaimName"]?.string }
        if let name = pod.value.at("status", "extendedResourceClaimStatus", "resourceClaimName")?.string {
            names.append(name)
        }
        return names
    }

    /// Whether `pod` refers to any of its namespace's `secrets` or `configmaps` of which `isMeant` holds.
    public static func containAny(_ resource: String, _ pod: Pod, where isMeant: (String) -> Bool = { _ in true }) -> Bool {
        let spec = pod.spec
        guard resource == "secrets" else {
            return contains("configMap", "name", spec, isMeant) || environment(spec, "configMap", isMeant)
        }
        return spec.imagePullSecrets.contains { isMeant($0.name) } || contains("secret", "secretName", spec, isMeant)
            || environment(spec, "secret", isMeant) || otherSecrets(spec).contains(where: isMeant)
    }

    /// Volumes of the kind, by themselves and as a source of a projected volume.
    private static func contains(
        _ kind: String, _ key: String, _ spec: PodSpec, _ isMeant: (String) -> Bool
    ) -> Bool {
        spec.volumes.contains { volume in
            volume.value.at(kind, key)?.string.map(isMeant) == true
                || (volume.value.at("projected", "sources")?.array ?? []).contains {
                    $0.at(kind, "name")?.string.map(isMeant) == true
                }
        }
    }

    private static func environment(_ spec: PodSpec, _ kind: String, _ isMeant: (String) -> Bool) -> Bool {
        let containers = ["containers", "initContainers", "ephemeralContainers"].flatMap { spec.value[$0]?.array ?? [] }
        return containers.contains { container in
            (container["env"]?.array ?? []).contains {
                $0.at("valueFrom", kind + "KeyRef", "name")?.string.map(isMeant) == true
            }
                || (container["envFrom"]?.array ?? []).contains {
                    $0.at(kind + "Ref", "name")?.string.map(isMeant) == true
                }
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
