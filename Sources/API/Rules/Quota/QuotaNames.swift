public import APIMachinery

/// Names of resources, as quotas and pods use them (Kubernetes documentation, "Resource Quotas").
public enum QuotaNames {
    /// Whose objects use up what a quota limits.
    public enum Source: Hashable, Sendable {
        /// Objects that use more than their number, by what is in them: one of ``measured``.
        case measured(GroupVersionResource)
        /// The number of a resource's objects.
        case count(resource: String, group: String)
    }

    /// Whether objects of a measured resource use up what a name stands for. Devices are asked for by pods and by claims.
    public static func isUsed(_ name: String, by resource: GroupVersionResource) -> Bool {
        if resource == .resourceClaims, name.hasPrefix("requests.") {
            return name.hasPrefix(classPrefix) || isExtended(String(name.dropFirst("requests.".count)))
        }
        return source(of: name) == .measured(resource)
    }

    /// The extended resources that classes of devices stand for, by the class.
    public static func extended(by classes: [Value]) -> [String: String] {
        classes.reduce(into: [:]) { names, value in
            guard let name = value.at("metadata", "name")?.string else { return }
            names[name] = value.at("spec", "extendedResourceName")?.string
        }
    }

    /// Resources whose objects differ in what they use.
    public static let measured: [GroupVersionResource] = [
        .pods, .services, .persistentVolumeClaims, .resourceClaims,
    ]
    /// Resources that may be counted without `count/`, from before that was there.
    static let plainCounts: Set<String> = ["configmaps", "secrets", "replicationcontrollers", "resourcequotas"]

    static let storageClassSuffix = ".storageclass.storage.k8s.io/"
    static let deviceClassSuffix = ".deviceclass.resource.k8s.io/devices"
    /// Before the name of a class: its devices, whether claims or pods ask for them (KEP-5004).
    static let classPrefix = "requests." + ComputeResource.classPrefix
    private static let compute: Set<String> = ["cpu", "memory", "ephemeral-storage"]

    /// What a name stands for; `nil` for one that nothing uses up.
    public static func source(of name: String) -> Source? {
        if name.hasPrefix("count/") { return counted(String(name.dropFirst("count/".count))) }
        if plainCounts.contains(name) { return .count(resource: name, group: "") }
        if ["services", "services.nodeports", "services.loadbalancers"].contains(name) { return .measured(.services) }
        if ["persistentvolumeclaims", "requests.storage"].contains(name) { return .measured(.persistentVolumeClaims) }
        if name.hasSuffix(storageClassSuffix + "requests.storage")
            || name.hasSuffix(storageClassSuffix + "persistentvolumeclaims")
        {
            return .measured(.persistentVolumeClaims)
        }
        if name.hasSuffix(deviceClassSuffix) { return .measured(.resourceClaims) }
        return isPods(name) ? .measured(.pods) : nil
    }

    private static func counted(_ text: String) -> Source {
        let parts = text.split(separator: ".", maxSplits: 1)
        let (resource, group) = (String(parts.first ?? ""), parts.count == 2 ? String(parts[1]) : "")
        let same = measured.first { $0.resource == resource && $0.group == group }
        return same.map(Source.measured) ?? .count(resource: resource, group: group)
    }

    private static func isPods(_ name: String) -> Bool {
        if name == "pods" || compute.contains(name) { return true }
        if name.hasPrefix("limits.") { return compute.contains(String(name.dropFirst("limits.".count))) }
        if name.hasPrefix("hugepages-") { return true }
        guard name.hasPrefix("requests.") else { return false }
        let asked = String(name.dropFirst("requests.".count))
        return compute.contains(asked) || asked.hasPrefix("hugepages-") || ComputeResource(asked).isNamedForClass
            || isExtended(asked)
    }

    /// The names under which an object of a resource is counted as one.
    public static func counts(of resource: GroupVersionResource) -> [String] {
        let name = "count/" + (resource.group.isEmpty ? resource.resource : "\(resource.resource).\(resource.group)")
        return resource.group.isEmpty && plainCounts.contains(resource.resource) ? [name, resource.resource] : [name]
    }

    /// Whether a name is that of a device or the like, which nodes have whole numbers of: one with a domain that is not
    /// Kubernetes' own.
    public static func isExtended(_ name: String) -> Bool {
        guard name.contains("/"), !name.hasPrefix("requests."), !name.hasPrefix("limits.") else { return false }
        return !(name.split(separator: "/").first ?? "").hasSuffix("kubernetes.io")
    }
}
