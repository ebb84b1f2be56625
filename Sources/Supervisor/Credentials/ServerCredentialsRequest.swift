public import Host
public import Support

/// What a server's credentials depend on.
public struct ServerCredentialsRequest: Sendable {
    /// `--data-dir`, where `server/` and `agent/` are.
    public var dataDirectory: String
    /// `/etc/rancher`: holds `k3s/k3s.yaml` and `node/password`.
    public var configDirectory = "/etc/rancher"
    /// In lower case.
    public var nodeName: String
    /// `--node-ip` and `--node-external-ip`.
    public var nodeAddresses: [IPAddress]
    /// `--tls-san`: names or addresses.
    public var additionalNames: [String] = []
    /// The first address of each service CIDR: that of the Service `kubernetes`.
    public var serviceAddresses: [IPAddress]
    public var clusterDomain = "cluster.local"
    /// `--advertise-address`.
    public var advertiseAddress: IPAddress?
    /// `--token`, in any form; `nil` keeps the one on disk or makes one.
    public var token: String?
    /// `--agent-token`; `nil` means that agents join with the server's.
    public var agentToken: String?
    /// `--secrets-encryption`: how a fresh cluster encrypts Secrets at rest.
    public var secretsEncryption: SecretsEncryption?
    public var kubeconfig = KubeconfigOptions()
    /// Where the supervisor and the API are reached from this machine.
    public var serverURL = "https://127.0.0.1:6443"
    /// Where components on this machine reach the API.
    public var localURL = "https://127.0.0.1:6444"
    /// False with `--disable-agent`.
    public var includesAgent = true
    /// True with embedded etcd.
    public var includesEtcd = false
    /// `CATTLE_NEW_SIGNED_CERT_EXPIRATION_DAYS`.
    public var leafLifetime = Duration.seconds(365 * 86_400)
    /// The moment of this start.
    public var now: Timestamp

    /// A request with k3s' defaults for everything else.
    public init(
        dataDirectory: String, nodeName: String, nodeAddresses: [IPAddress], serviceAddresses: [IPAddress],
        now: Timestamp
    ) {
        self.dataDirectory = dataDirectory
        self.nodeName = nodeName
        self.nodeAddresses = nodeAddresses
        self.serviceAddresses = serviceAddresses
        self.now = now
    }
}

/// Where and how the administrator's kubeconfig is written.
public struct KubeconfigOptions: Sendable {
    /// `--write-kubeconfig`; `k3s.yaml` then becomes a symbolic link to it.
    public var path: String?
    /// `--write-kubeconfig-mode`.
    public var mode: FileMode = 0o600
    /// `--write-kubeconfig-group`, resolved to its number.
    public var group: UInt32?
    /// `--write-kubeconfig-name`: of the cluster, the user and the context inside.
    public var name = "default"

    /// k3s' defaults.
    public init() {}
}
