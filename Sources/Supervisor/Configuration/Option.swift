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
    /// What it does, for who asks for help: the part that it is about in parentheses, then a sentence without a full
    /// stop. Empty for one that no help lists.
    public var help: String
    /// What holds when nobody says anything, as help shows it; `nil` for nothing.
    public var standard: String?
    /// What help calls its value.
    public var placeholder = "value"

    public init(
        _ name: String, _ kind: Kind = .text, short: Character? = nil, environment: String? = nil, help: String = "",
        standard: String? = nil
    ) {
        self.name = name
        self.short = short
        self.kind = kind
        self.environment = environment
        self.help = help
        self.standard = standard
    }

    /// What `k3s server` understands in this version, in the order in which help tells of it.
    public static let server: [Option] =
        general + listener + networking + access + arguments + components + PartChoice.options + node

    private static let configuration: Option = {
        var option = Option(
            "config", short: "c", environment: "K3S_CONFIG_FILE", help: "(config) Read options from FILE, too",
            standard: "\"\(ServerConfiguration.defaultConfigFile)\"")
        option.placeholder = "FILE"
        return option
    }()

    private static let general: [Option] = [
        configuration,
        Option(
            "debug", .flag, environment: "K3S_DEBUG", help: "(logging) Write down what helps to find errors",
            standard: "false"),
        Option("v", .number, help: "(logging) How much to write down", standard: "0"),
        Option("log", short: "l", help: "(logging) Write to the end of this file instead of to the terminal"),
        Option(
            "data-dir", short: "d", environment: "K3S_DATA_DIR", help: "(data) Folder for all that is kept",
            standard: "\"\(ServerConfiguration.defaultDataDirectory)\""),
        Option("help", .flag, short: "h", help: "show help"),
    ]

    private static let listener: [Option] = [
        Option("bind-address", help: "(listener) Address to listen on", standard: "0.0.0.0"),
        Option("https-listen-port", .number, help: "(listener) Port to listen on", standard: "6443"),
        Option(
            "advertise-address", help: "(listener) Address at which members of the cluster reach the API",
            standard: "node-external-ip/node-ip"),
        Option(
            "tls-san", .list(isSplit: true),
            help: "(listener) Further host names and addresses that the server's certificate is good for"),
    ]

    private static let networking: [Option] = [
        Option(
            "cluster-cidr", .list(isSplit: true), help: "(networking) Addresses for pods", standard: "10.42.0.0/16"),
        Option(
            "service-cidr", .list(isSplit: true), help: "(networking) Addresses for services",
            standard: "10.43.0.0/16"),
        Option(
            "service-node-port-range", help: "(networking) Ports of nodes for services", standard: "\"30000-32767\""),
        Option(
            "cluster-dns", .list(isSplit: true),
            help: "(networking) Address of the cluster's DNS, one of the services'", standard: "10.43.0.10"),
        Option("cluster-domain", help: "(networking) Domain of the cluster", standard: "\"cluster.local\""),
    ]

    private static let access: [Option] = [
        Option(
            "write-kubeconfig", short: "o", environment: "K3S_KUBECONFIG_OUTPUT",
            help: "(client) Write the administrator's kubeconfig to this file"),
        Option(
            "write-kubeconfig-mode", environment: "K3S_KUBECONFIG_MODE",
            help: "(client) Who may read that file, as octal mode", standard: "600"),
        Option(
            "write-kubeconfig-name", environment: "K3S_KUBECONFIG_NAME",
            help: "(client) Name of cluster, user and context in that file", standard: "default"),
        Option(
            "token", short: "t", environment: "K3S_TOKEN",
            help: "(cluster) Secret with which servers and agents join"),
        Option("token-file", environment: "K3S_TOKEN_FILE", help: "(cluster) File that holds that secret"),
        Option(
            "agent-token", environment: "K3S_AGENT_TOKEN",
            help: "(cluster) Secret with which agents join, but no servers"),
    ]

    private static let arguments: [Option] = [
        Option("kube-apiserver-arg", .list(isSplit: false), help: "(flags) Flag for the API server, as NAME=VALUE"),
        Option("kube-scheduler-arg", .list(isSplit: false), help: "(flags) Flag for the scheduler, as NAME=VALUE"),
        Option(
            "kube-controller-manager-arg", .list(isSplit: false),
            help: "(flags) Flag for the controllers, as NAME=VALUE"),
        Option(
            "kube-cloud-controller-manager-arg", .list(isSplit: false),
            help: "(flags) Flag for the controllers of the cloud, as NAME=VALUE"),
    ]

    private static let components: [Option] = [
        Option(
            "default-local-storage-path", help: "(storage) Folder for volumes of the class local-path",
            standard: "${data-dir}/storage"),
        Option(
            "disable", .list(isSplit: true),
            help: "(components) Parts to do without (coredns, local-storage, metrics-server)"),
        Option("disable-agent", .flag, help: "(agent/node) Run no node beside the server", standard: "false"),
        Option("secrets-encryption", .flag, help: "(data) Keep Secrets encrypted", standard: "false"),
        Option(
            "secrets-encryption-provider", help: "(data) How to encrypt them (aescbc, secretbox)", standard: "aescbc"),
    ]

    /// What describes a node, of a server or an agent.
    static let node: [Option] = [
        Option("node-name", environment: "K3S_NODE_NAME", help: "(agent/node) Name of the node", standard: "host name"),
        Option(
            "node-ip", .list(isSplit: true), short: "i", help: "(agent/networking) Addresses that the node tells of"),
        Option(
            "node-external-ip", .list(isSplit: true),
            help: "(agent/networking) Addresses at which others reach the node from outside"),
        Option(
            "node-label", .list(isSplit: true),
            help: "(agent/node) Labels with which the node registers, as KEY=VALUE"),
        Option(
            "node-taint", .list(isSplit: true),
            help: "(agent/node) Taints with which the node registers, as KEY=VALUE:EFFECT"),
        Option(
            "private-registry", help: "(agent/runtime) File that says where images come from",
            standard: "\"\(NodeConfiguration.defaultRegistriesFile)\""),
        Option(
            "disable-default-registry-endpoint", .flag,
            help: "(agent/containerd) Ask only mirrors that are named for a registry", standard: "false"),
        Option("pause-image", help: "(agent/runtime) Image of the container that holds a pod together"),
        Option(
            "snapshotter", help: "(agent/runtime) How containerd keeps the files of images", standard: "\"overlayfs\""),
        Option(
            "resolv-conf", environment: "K3S_RESOLV_CONF",
            help: "(agent/networking) File that names the node's DNS servers"),
        Option("with-node-id", .flag, help: "(agent/node) Put an id of the node behind its name", standard: "false"),
        Option(
            "rootless", .flag,
            help: "(experimental) Run as a user who is not root, in namespaces of his own", standard: "false"),
        Option(
            "protect-kernel-defaults", .flag,
            help: "(agent/node) End the start where the kernel is set otherwise than pods need it", standard: "false"),
        Option(
            "system-default-registry", environment: "K3S_SYSTEM_DEFAULT_REGISTRY",
            help: "(agent/runtime) Registry from which the system's own images come"),
        Option(
            "airgap-extra-registry", .list(isSplit: true),
            help: "(agent/runtime) Further registry under whose name imported images can be had"),
        Option(
            "selinux", .flag, environment: "K3S_SELINUX", help: "(agent/node) Have containerd use SELinux",
            standard: "false"),
        Option(
            "prefer-bundled-bin", .flag, help: "(agent/runtime) Prefer programs of k3s' own to those of the host",
            standard: "false"),
        Option("kubelet-arg", .list(isSplit: false), help: "(agent/flags) Flag for the kubelet, as NAME=VALUE"),
        Option(
            "kube-proxy-arg", .list(isSplit: false), help: "(agent/flags) Flag for the service proxy, as NAME=VALUE"),
    ] + RuntimeConfiguration.options + CredentialProviderPaths.options + KnownOptions.options
}
