/// The certificate authorities of a cluster; the raw value is the file below `tls/`, without its ending.
public enum Authority: String, CaseIterable, Sendable {
    /// Signs what servers show. Tokens pin its hash.
    case server = "server-ca"
    /// Signs what clients show.
    case client = "client-ca"
    /// Signs what the API server shows to aggregated API servers.
    case requestHeader = "request-header-ca"
    /// Signs what etcd members and their clients show to each other.
    case etcdServer = "etcd/server-ca"
    case etcdPeer = "etcd/peer-ca"

    /// Only clusters with embedded etcd have it.
    public var isEtcd: Bool { self == .etcdServer || self == .etcdPeer }

    /// The name it gives itself, before `@` and the second it was made.
    var commonName: String {
        switch self {
        case .server: "k3s-server-ca"
        case .client: "k3s-client-ca"
        case .requestHeader: "k3s-request-header-ca"
        case .etcdServer: "etcd-server-ca"
        case .etcdPeer: "etcd-peer-ca"
        }
    }

    /// Whether the signing certificate is also kept without its chain.
    var hasSigningCopy: Bool { self == .server || self == .client }
}
