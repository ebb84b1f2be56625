public import APIMachinery

/// One condition on the objects that a quota counts: a scope, or a requirement on one (`ScopedResourceSelectorRequirement`).
public struct QuotaScope: Hashable, Sendable, CustomStringConvertible {
    public let name: String
    public let `operator`: String
    public let values: [String]

    /// A scope by its name alone: it must hold.
    public init(_ name: String) { (self.name, self.operator, values) = (name, "Exists", []) }

    /// Reads a requirement of a scope selector.
    public init(requirement: Value) {
        name = requirement["scopeName"]?.string ?? ""
        self.operator = requirement["operator"]?.string ?? "Exists"
        values = (requirement["values"]?.array ?? []).compactMap(\.string)
    }

    /// As Go prints it.
    public var description: String { "{\(name) \(self.operator) [\(values.joined(separator: " "))]}" }

    /// Whether an object of a resource is meant. Only pods and claims are told apart by scopes.
    public func matches(_ object: Value, _ resource: GroupVersionResource) -> Bool {
        switch (resource, name) {
        case (.pods, "Terminating"): object.at("spec", "activeDeadlineSeconds") != nil
        case (.pods, "NotTerminating"): object.at("spec", "activeDeadlineSeconds") == nil
        case (.pods, "BestEffort"): Self.isBestEffort(object)
        case (.pods, "NotBestEffort"): !Self.isBestEffort(object)
        case (.pods, "CrossNamespacePodAffinity"): Self.looksBeyondNamespace(object)
        case (.pods, "PriorityClass"):
            matches([object.at("spec", "priorityClassName")?.string ?? ""].filter { !$0.isEmpty })
        case (.persistentVolumeClaims, "VolumeAttributesClass"): matches(Self.attributesClasses(object))
        default: false
        }
    }

    private func matches(_ present: [String]) -> Bool {
        switch self.operator {
        case "Exists": !present.isEmpty
        case "DoesNotExist": present.isEmpty
        case "In": present.contains(where: values.contains)
        case "NotIn": present.isEmpty || present.contains { !values.contains($0) }
        default: false
        }
    }

    private static func isBestEffort(_ pod: Value) -> Bool {
        if let known = pod.at("status", "qosClass")?.string { return known == "BestEffort" }
        return PodQuality.of(spec: pod["spec"] ?? .emptyObject) == "BestEffort"
    }

    private static func looksBeyondNamespace(_ pod: Value) -> Bool {
        ["podAffinity", "podAntiAffinity"].contains { kind in
            let affinity = pod.at("spec", "affinity", kind)
            let preferred = affinity?["preferredDuringSchedulingIgnoredDuringExecution"]?.array ?? []
            let terms =
                (affinity?["requiredDuringSchedulingIgnoredDuringExecution"]?.array ?? [])
                + preferred.compactMap { $0["podAffinityTerm"] }
            return terms.contains { $0["namespaces"]?.array?.isEmpty == false || $0["namespaceSelector"] != nil }
        }
    }

    /// The classes that a claim has, asks for, and is on the way to.
    private static func attributesClasses(_ claim: Value) -> [String] {
        [
            claim.at("spec", "volumeAttributesClassName"), claim.at("status", "currentVolumeAttributesClassName"),
            claim.at("status", "modifyVolumeStatus", "targetVolumeAttributesClassName"),
        ].compactMap { $0?.string }.filter { !$0.isEmpty }
    }
}
