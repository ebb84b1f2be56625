public import Support

/// What `k3s server` was asked to be: the options, checked and completed by defaults.
public struct ServerConfiguration: Hashable, Sendable {
    public var dataDirectory: String
    public var bindAddress: String
    public var port: Int
    public var advertiseAddress: IPAddress?
    public var additionalNames: [String]
    public var node: NodeConfiguration
    public var token: String?
    public var tokenFile: String?
    public var agentToken: String?
    public var clusterCIDR: IPPrefix
    public var serviceCIDR: IPPrefix
    public var nodePorts: ClosedRange<Int>
    public var clusterDNS: IPAddress
    public var clusterDomain: String
    public var kubeconfigPath: String?
    public var kubeconfigMode: UInt32
    public var kubeconfigName: String
    public var runsAgent: Bool
    /// Parts that k3s would bring and that are not wanted: `coredns`, `local-storage`, ...
    public var disabled: Set<String>
    /// Where volumes of the class `local-path` are made.
    public var localStoragePath: String
    /// How Secrets are encrypted at rest; `nil` when nobody asked for it.
    public var secretsEncryption: SecretsEncryption?
    /// What `--kube-apiserver-arg` says.
    public var apiServer: APIServerArguments
    /// What `--kube-scheduler-arg` says.
    public var scheduler: SchedulerArguments
    /// What `--kube-controller-manager-arg` says.
    public var controllerManager: ControllerManagerArguments
    public var parts: PartChoice
    /// Sentences about what was said and changes nothing.
    public var warnings: [String]
    public var isVerbose: Bool
    /// Whether it runs as a user who is not root.
    public var isRootless: Bool
    public var logFile: String?

    public static let defaultDataDirectory = "/var/lib/rancher/k3s"
    public static let defaultConfigFile = "/etc/rancher/k3s/config.yaml"

    /// Fails with one sentence that names the option at fault.
    ///
    /// - Parameter home: Of the user who starts it, which counts when that is not root.
    public init(_ values: OptionValues, home: String? = nil) throws(Fault) {
        isRootless = values.flag("rootless")
        if isRootless {
            guard let home, home.hasPrefix("/") else {
                throw Fault(.notFound, "this user has no home", remedy: "set HOME, which --rootless needs")
            }
            dataDirectory = values.text("data-dir") ?? RootlessLayout.dataDirectory(home: home)
            kubeconfigPath = values.text("write-kubeconfig") ?? RootlessLayout.kubeconfig(home: home)
        } else {
            dataDirectory = values.text("data-dir") ?? Self.defaultDataDirectory
            kubeconfigPath = values.text("write-kubeconfig")
        }
        bindAddress = values.text("bind-address") ?? "0.0.0.0"
        port = values.number("https-listen-port") ?? 6443
        guard (1...65_535).contains(port) else { throw Fault(.invalid, "--https-listen-port \(port) is no port") }
        additionalNames = values.list("tls-san")
        node = try NodeConfiguration(values)
        token = values.text("token")
        tokenFile = values.text("token-file")
        agentToken = values.text("agent-token")
        clusterCIDR = try Self.prefix(values, "cluster-cidr", default: "10.42.0.0/16")
        serviceCIDR = try Self.prefix(values, "service-cidr", default: "10.43.0.0/16")
        apiServer = try APIServerArguments(values.list("kube-apiserver-arg"))
        let advertised = try values.addresses("advertise-address").last
        advertiseAddress = apiServer.listener.advertiseAddress ?? advertised
        nodePorts = try Self.ports(
            apiServer.serving.nodePorts ?? values.text("service-node-port-range") ?? "30000-32767")
        if let asked = try values.addresses("cluster-dns").first {
            clusterDNS = asked
        } else {
            guard let tenth = serviceCIDR.first.advanced(by: 10), serviceCIDR.contains(tenth) else {
                throw Fault(.invalid, "--service-cidr \(serviceCIDR) has no room for the cluster DNS")
            }
            clusterDNS = tenth
        }
        clusterDomain = values.text("cluster-domain") ?? "cluster.local"
        kubeconfigMode = try Self.mode(values.text("write-kubeconfig-mode") ?? "600")
        kubeconfigName = values.text("write-kubeconfig-name") ?? "default"
        disabled = Set(values.list("disable"))
        localStoragePath = values.text("default-local-storage-path") ?? dataDirectory + "/storage"
        runsAgent = !values.flag("disable-agent") && !node.runtime.isAbsent
        secretsEncryption = try SecretsEncryption(values)
        scheduler = try SchedulerArguments(values.list("kube-scheduler-arg"))
        controllerManager = try ControllerManagerArguments(values.list("kube-controller-manager-arg"))
        parts = PartChoice(values)
        warnings =
            KnownOptions.warnings(values)
            + Self.warnings("kube-apiserver-arg", apiServer.serving.idle)
            + Self.warnings("kube-controller-manager-arg", controllerManager.idle)
            + Self.warnings(
                "kube-cloud-controller-manager-arg",
                try CloudControllerArguments(values.list("kube-cloud-controller-manager-arg")).idle)
            + Self.warnings("kube-proxy-arg", node.kubeProxy.idle)
            + Self.warnings("kubelet-arg", node.kubelet.idle)
        isVerbose = values.flag("debug") || (values.number("v") ?? 0) > 0
        logFile = values.text("log")
    }

    /// Where the ports of this process itself are: a server without root has a network of its own, to which `bindAddress`,
    /// one of the host's, does not belong.
    public var ownBindAddress: String { isRootless && runsAgent ? "0.0.0.0" : bindAddress }

    /// `bindAddress` as a number.
    public func hostAddress() throws(Fault) -> IPAddress {
        guard let address = IPAddress(bindAddress) else {
            throw Fault(.invalid, "--bind-address \(bindAddress) is no IP address")
        }
        return address
    }

    private static func warnings(_ option: String, _ idle: [String]) -> [String] {
        idle.map { "--\(option): \($0) changes nothing in this version" }
    }

    /// One range. Two families come with dual stack, which is a later part.
    private static func prefix(
        _ values: OptionValues, _ option: String, default fallback: String
    ) throws(Fault) -> IPPrefix {
        let texts = values.list(option)
        guard texts.count <= 1 else {
            throw Fault(.unsupported, "--\(option) takes one range in this version; dual stack is not built yet")
        }
        guard let prefix = IPPrefix(texts.first ?? fallback) else {
            throw Fault(.invalid, "--\(option) \(texts.first ?? "") is no CIDR, such as \(fallback)")
        }
        return prefix.network
    }

    private static func ports(_ text: String) throws(Fault) -> ClosedRange<Int> {
        let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard bounds.count == 2, bounds[0] > 0, bounds[0] <= bounds[1], bounds[1] < 65_536 else {
            throw Fault(.invalid, "--service-node-port-range \(text) is no range of ports, such as 30000-32767")
        }
        return bounds[0]...bounds[1]
    }

    private static func mode(_ text: String) throws(Fault) -> UInt32 {
        guard let mode = UInt32(text, radix: 8), mode <= 0o777 else {
            throw Fault(.invalid, "--write-kubeconfig-mode \(text) is no octal file mode, such as 600")
        }
        return mode
    }
}
