import APIMachinery
public import Support

/// What a node was asked to be: the options that server and agent share, checked and completed by defaults.
public struct NodeConfiguration: Hashable, Sendable {
    public struct Taint: Hashable, Sendable {
        public var key: String
        public var value: String
        /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
        public var effect: String
    }

    static let defaultRegistriesFile = "/etc/rancher/k3s/registries.yaml"

    /// `nil` takes the machine's.
    public var name: String?
    public var addresses: [IPAddress]
    public var externalAddresses: [IPAddress]
    public var labels: [String: String]
    /// For the node's first registration only.
    public var taints: [Taint]
    public var registriesFile: String
    /// `nil` takes the built-in image.
    public var pauseImage: String?
    public var snapshotter: String
    public var isDefaultRegistryEndpointDisabled: Bool
    /// Whose name servers pods get that use the host's.
    public var resolvConf: String?
    public var runtime: RuntimeConfiguration
    /// Whether a number of the machine is appended to the name (``NodeIdentifier``).
    public var hasIdentifier: Bool
    /// What stands before the names of k3s' own images: a registry, with a path or without one.
    public var systemRegistry: String?
    /// Registries under whose names images of archives are there, too: the one above, and further ones.
    public var importRegistries: [String]
    /// Whether containers get labels of SELinux.
    public var usesSELinux: Bool
    /// Whether programs of k3s' own bundle go before those of the machine.
    public var prefersBundle: Bool
    /// What `--kube-proxy-arg` says.
    public var kubeProxy: KubeProxyArguments
    public var credentialProviders: CredentialProviderPaths
    public var kubelet: KubeletArguments

    /// The options of the kubelet itself that `--kubelet-arg` may set in this version.
    public struct KubeletArguments: Hashable, Sendable {
        public var rootDirectory = "/var/lib/kubelet"
        public var port = 10250
        public var cgroupRoot = "/"
        public var maxPods = 110
        /// Those that the kubelet understands by itself, by name without dashes.
        public var others: [String: String] = [:]
        /// Those that were given and change nothing, in order.
        public var idle: [String] = []

        static let names: Set = [
            "allowed-unsafe-sysctls", "cgroup-driver", "cgroups-per-qos", "cluster-dns", "cluster-domain", "config",
            "config-dir",
            "container-log-max-files", "container-log-max-size", "cpu-manager-policy",
            "cpu-manager-policy-options", "cpu-manager-reconcile-period", "enable-debugging-handlers",
            "enforce-node-allocatable", "eviction-hard", "eviction-max-pod-grace-period",
            "eviction-minimum-reclaim", "eviction-pressure-transition-period", "eviction-soft",
            "eviction-soft-grace-period", "feature-gates", "image-credential-provider-bin-dir",
            "image-credential-provider-config", "image-gc-high-threshold", "image-gc-low-threshold",
            "image-maximum-gc-age", "kube-reserved", "kube-reserved-cgroup", "memory-manager-policy",
            "minimum-image-ttl-duration", "pod-manifest-path", "pod-max-pids", "pods-per-core",
            "protect-kernel-defaults", "registry-burst", "registry-qps", "reserved-cpus", "reserved-memory",
            "resolv-conf", "seccomp-default", "serialize-image-pulls", "system-reserved",
            "system-reserved-cgroup", "topology-manager-policy", "topology-manager-policy-options",
            "topology-manager-scope",
        ]
    }

    init(_ values: OptionValues) throws(Fault) {
        name = try values.text("node-name").map { text throws(Fault) in try Self.nodeName(text, "--node-name \(text)") }
        addresses = try values.addresses("node-ip")
        externalAddresses = try values.addresses("node-external-ip")
        labels = [:]
        for text in values.list("node-label") {
            let parts = Self.pair(text)
            try Self.check(parts, "--node-label \(text) is not of the form key=value")
            labels[parts.key] = parts.value
        }
        taints = []
        for text in values.list("node-taint") { taints.append(try Self.taint(text)) }
        registriesFile = values.text("private-registry") ?? Self.defaultRegistriesFile
        pauseImage = values.text("pause-image")
        snapshotter = values.text("snapshotter") ?? "overlayfs"
        isDefaultRegistryEndpointDisabled = values.flag("disable-default-registry-endpoint")
        resolvConf = values.text("resolv-conf")
        try KnownOptions.check(values)
        runtime = try RuntimeConfiguration(values)
        hasIdentifier = values.flag("with-node-id")
        systemRegistry = try values.text("system-default-registry").flatMap { $0.isEmpty ? nil : $0 }
            .map { text throws(Fault) in try Self.registry(text, "system-default-registry") }
        importRegistries = try values.list("airgap-extra-registry").map { text throws(Fault) in
            try Self.registry(text, "airgap-extra-registry")
        }
        if let systemRegistry, !importRegistries.contains(systemRegistry) { importRegistries.append(systemRegistry) }
        usesSELinux = values.flag("selinux")
        prefersBundle = values.flag("prefer-bundled-bin")
        kubeProxy = try KubeProxyArguments(values.list("kube-proxy-arg"))
        credentialProviders = CredentialProviderPaths(values)
        kubelet = KubeletArguments()
        if values.flag("protect-kernel-defaults") { kubelet.others["protect-kernel-defaults"] = "true" }
        for text in values.list("kubelet-arg") { try kubelet.set(Self.pair(text)) }
    }

    private static func pair(_ text: String) -> (key: String, value: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return (parts[0], parts.count > 1 ? parts[1] : "")
    }

    /// A node's name as it is registered: in lower case, a name that DNS could have. `source` says where it is from.
    public static func nodeName(_ text: String, _ source: String) throws(Fault) -> String {
        let name = text.lowercased()
        if let problem = NameRule.dns1123Subdomain.problems(in: name).first {
            throw Fault(.invalid, "\(source) cannot name a node: \(problem)", remedy: "choose another with --node-name")
        }
        return name
    }

    private static func registry(_ text: String, _ option: String) throws(Fault) -> String {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard !text.contains("://"), !text.contains(where: \.isWhitespace), parts.allSatisfy({ !$0.isEmpty }) else {
            throw Fault(
                .invalid, "--\(option) \(text) is no registry, such as registry.example.com:5000")
        }
        return text
    }

    /// The rules of labels, which are those of taints too.
    private static func check(_ pair: (key: String, value: String), _ complaint: String) throws(Fault) {
        let problems = NameRule.qualifiedName.problems(in: pair.key) + NameRule.labelValue.problems(in: pair.value)
        if let problem = problems.first { throw Fault(.invalid, "\(complaint): \(problem)") }
    }

    /// `key=value:effect` or `key:effect`, as kubectl writes taints.
    private static func taint(_ text: String) throws(Fault) -> Taint {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"]
        let complaint = "--node-taint \(text) is not of the form key=value:effect"
        guard parts.count == 2, effects.contains(parts[1]) else {
            throw Fault(.invalid, complaint + " with the effect " + effects.joined(separator: ", "))
        }
        let pair = pair(parts[0])
        try check(pair, complaint)
        return Taint(key: pair.key, value: pair.value, effect: parts[1])
    }
}

extension NodeConfiguration.KubeletArguments {
    fileprivate mutating func set(_ argument: (key: String, value: String)) throws(Fault) {
        let name = argument.key.drop { $0 == "-" }
        switch name {
        case "root-dir": rootDirectory = argument.value
        case "cgroup-root": (cgroupRoot, others["cgroup-root"]) = (argument.value, argument.value)
        case "port": port = try number(argument, 1...65_535)
        // Said by people, it goes before what a file says.
        case "max-pods":
            maxPods = try number(argument, 1...100_000)
            others["max-pods"] = argument.value
        // It may be given once for each node of memory.
        case "reserved-memory" where others["reserved-memory"] != nil:
            others["reserved-memory", default: ""] += ";" + argument.value
        case let name where Self.names.contains(String(name)): others[String(name)] = argument.value
        case let name where Self.idleNames.contains(String(name)): idle.append(String(name))
        case let name where Self.settled[String(name)] != nil: try settle(String(name), argument.value)
        default: throw Fault(.unsupported, "--kubelet-arg \(name) is not part of this version yet")
        }
    }

    private func number(_ argument: (key: String, value: String), _ range: ClosedRange<Int>) throws(Fault) -> Int {
        guard let number = Int(argument.value), range.contains(number) else {
            throw Fault(.invalid, "--kubelet-arg \(argument.key)=\(argument.value) is not a number in \(range)")
        }
        return number
    }
}
