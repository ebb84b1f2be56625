/// One command-line option of k3s, as a row of a table: how it is spelled, what it takes, where else it may come from.
public struct Option: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// Given or not; `--flag=false` takes it back.
        case flag
        case text
        case number
        /// May be repeated. With `isSplit` a comma separates values as well.
        case list(isSplit: Bool)
    }

    /// Without dashes.
    public var name: String
    /// One letter, without the dash.
    public var short: Character?
    public var kind: Kind
    /// The environment variable that counts when the command line and the file say nothing.
    public var environment: String?

    public init(_ name: String, _ kind: Kind = .text, short: Character? = nil, environment: String? = nil) {
        self.name = name
        self.short = short
        self.kind = kind
        self.environment = environment
    }

    /// What `k3s server` understands in this version.
    public static let server: [Option] = [
        Option("config", short: "c", environment: "K3S_CONFIG_FILE"),
        Option("debug", .flag, environment: "K3S_DEBUG"),
        Option("v", .number),
        Option("log", short: "l"),
        Option("data-dir", short: "d", environment: "K3S_DATA_DIR"),
        Option("write-kubeconfig", short: "o", environment: "K3S_KUBECONFIG_OUTPUT"),
        Option("write-kubeconfig-mode", environment: "K3S_KUBECONFIG_MODE"),
        Option("write-kubeconfig-name", environment: "K3S_KUBECONFIG_NAME"),
        Option("bind-address"),
        Option("https-listen-port", .number),
        Option("advertise-address"),
        Option("tls-san", .list(isSplit: true)),
        Option("token", short: "t", environment: "K3S_TOKEN"),
        Option("token-file", environment: "K3S_TOKEN_FILE"),
        Option("agent-token", environment: "K3S_AGENT_TOKEN"),
        Option("cluster-cidr", .list(isSplit: true)),
        Option("service-cidr", .list(isSplit: true)),
        Option("service-node-port-range"),
        Option("cluster-dns", .list(isSplit: true)),
        Option("cluster-domain"),
        Option("disable", .list(isSplit: true)),
        Option("default-local-storage-path"),
        Option("disable-agent", .flag),
        Option("secrets-encryption", .flag),
        Option("secrets-encryption-provider"),
        Option("kube-apiserver-arg", .list(isSplit: false)),
        Option("kube-scheduler-arg", .list(isSplit: false)),
        Option("kube-controller-manager-arg", .list(isSplit: false)),
        Option("kube-cloud-controller-manager-arg", .list(isSplit: false)),
    ] + node + PartChoice.options

    /// What describes a node, of a server or an agent.
    static let node: [Option] = [
        Option("node-name", environment: "K3S_NODE_NAME"),
        Option("node-ip", .list(isSplit: true), short: "i"),
        Option("node-external-ip", .list(isSplit: true)),
        Option("node-label", .list(isSplit: true)),
        Option("node-taint", .list(isSplit: true)),
        Option("private-registry"),
        Option("disable-default-registry-endpoint", .flag),
        Option("pause-image"),
        Option("snapshotter"),
        Option("resolv-conf", environment: "K3S_RESOLV_CONF"),
        Option("protect-kernel-defaults", .flag),
        Option("with-node-id", .flag),
        Option("system-default-registry", environment: "K3S_SYSTEM_DEFAULT_REGISTRY"),
        Option("selinux", .flag, environment: "K3S_SELINUX"),
        Option("prefer-bundled-bin", .flag),
        Option("kube-proxy-arg", .list(isSplit: false)),
        Option("kubelet-arg", .list(isSplit: false)),
    ] + RuntimeConfiguration.options + CredentialProviderPaths.options + KnownOptions.options
}
