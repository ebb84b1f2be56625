import Host
public import PKI

/// A certificate with its key, both as values and as the PEM that was written.
public struct Identity: Sendable {
    public let certificate: Certificate
    public let key: PrivateKey
    /// The leaf followed by the certificates of its authority.
    public let certificatePEM: [UInt8]
    public let keyPEM: [UInt8]
}

/// Everything secret that a server needs, in memory: nothing is read from disk twice.
public struct ServerCredentials: Sendable {
    /// Those of the request: etcd's are missing without etcd, the node's without an agent.
    public internal(set) var authorities: [Authority: CertificateAuthority] = [:]
    /// Likewise.
    public internal(set) var identities: [Leaf: Identity] = [:]
    /// The first signs, all verify. Never empty.
    public internal(set) var serviceAccountKeys: [PrivateKey] = []
    /// What `server/token` holds, without its line break: secure form, user `server`.
    public internal(set) var token = ""
    /// What agents join with: secure form, user `node` when agents have their own password.
    public internal(set) var agentToken = ""
    public internal(set) var passwords = PasswordFile()
    /// What this node proves its name with to the supervisor.
    public internal(set) var nodePassword = ""
    /// 96 hexadecimal digits, shared by the servers.
    public internal(set) var ipsecKey = ""
    /// The `EncryptionConfiguration` with which Secrets are stored, as its file has it; `nil` without encryption.
    public internal(set) var encryption: [UInt8]?
    /// The administrator's kubeconfig, which is yet to be written.
    var publication: [FileChange] = []
    /// The front listener's certificate, as it stands at this start.
    public internal(set) var serving: ServingCertificate
    /// The leaves that were made or made again at this start.
    public internal(set) var renewed: [Leaf] = []

    /// An authority that every server has; etcd's only when the request includes etcd.
    public subscript(authority: Authority) -> CertificateAuthority {
        guard let found = authorities[authority] else {
            preconditionFailure("the request did not include the authority \(authority)")
        }
        return found
    }

    /// A leaf that the request included.
    public subscript(leaf: Leaf) -> Identity {
        guard let found = identities[leaf] else {
            preconditionFailure("the request did not include the certificate \(leaf)")
        }
        return found
    }
}
