import APIMachinery

/// The name of something of which pods get amounts: `cpu`, `hugepages-2Mi`, `example.com/gpu`.
public struct ComputeResource {
    public let text: String

    public init(_ text: String) { self.text = text }

    public var isHugePage: Bool { text.hasPrefix("hugepages-") }

    /// Known to Kubernetes itself, not to an extension of the cluster.
    var isNative: Bool { !text.contains("/") || text.contains("kubernetes.io/") }

    /// What a container may ask for.
    var isForContainers: Bool { isHugePage || ["cpu", "memory", "ephemeral-storage"].contains(text) }

    /// What may be given to a pod as a whole (KEP-2837).
    var isForPods: Bool { isHugePage || text == "cpu" || text == "memory" }

    /// A device or the like, counted in whole pieces.
    public var isExtended: Bool {
        !isNative && !text.hasPrefix("requests.") && NameRule.qualifiedName.accepts("requests." + text)
    }

    /// Whether it is named for a class of devices, which stands for it without saying so (KEP-5004).
    public var isNamedForClass: Bool { text.hasPrefix(Self.classPrefix) }
    public static let classPrefix = "deviceclass.resource.kubernetes.io/"

    /// What a class of devices may stand for.
    public var isOfDevices: Bool { isExtended || isNamedForClass }

    /// Whether the sum of limits may be more than there is.
    var allowsOvercommit: Bool { isNative && !isHugePage }

    private static let counted: Set<String> = [
        "configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets",
        "services", "services.loadbalancers", "services.nodeports",
    ]

    /// Whether half of one makes no sense.
    var isInteger: Bool { Self.counted.contains(text) || isExtended }

    private static let forQuotas: Set<String> = counted.union([
        "cpu", "ephemeral-storage", "limits.cpu", "limits.ephemeral-storage", "limits.memory", "memory",
        "requests.cpu", "requests.ephemeral-storage", "requests.memory", "requests.storage",
    ])

    /// What a quota may bound beside what has a domain.
    var isForQuotas: Bool { Self.forQuotas.contains(text) || isHugePage || text.hasPrefix("requests.hugepages-") }

    /// What pods use while they run, of that which a quota may bound.
    var isComputed: Bool {
        let words = text.split(separator: ".")
        return ["cpu", "memory"].contains(words.last ?? "") && words.dropLast().allSatisfy { ["limits", "requests"].contains($0) }
    }

    /// A name without a domain that means something.
    var isStandard: Bool { isForQuotas || text == "storage" }
}
