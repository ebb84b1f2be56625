import Host

/// The places of a server's credentials, as k3s lays them out.
public struct CredentialPaths: Sendable {
    public let server: String
    public let agent: String
    private let config: String

    /// The places below a data directory and `/etc/rancher`.
    public init(dataDirectory: String, configDirectory: String) {
        server = Path.join(dataDirectory, "server")
        agent = Path.join(dataDirectory, "agent")
        config = configDirectory
    }

    public var tls: String { Path.join(server, "tls") }
    public var cred: String { Path.join(server, "cred") }

    public var token: String { Path.join(server, "token") }
    /// The name of old, which most scripts use.
    public var nodeToken: String { Path.join(server, "node-token") }
    public var agentToken: String { Path.join(server, "agent-token") }
    public var passwords: String { Path.join(cred, "passwd") }
    public var ipsecKey: String { Path.join(cred, "ipsec.psk") }
    /// How Secrets are encrypted at rest (`EncryptionConfiguration`).
    public var encryption: String { Path.join(cred, "encryption-config.json") }
    /// The stage of the rotation of its keys, and its hash.
    public var encryptionState: String { Path.join(cred, "encryption-state.json") }

    /// Every key that verifies service account tokens; the first one signs.
    public var serviceKeys: String { Path.join(tls, "service.key") }
    /// The first of ``serviceKeys`` alone.
    public var currentServiceKey: String { Path.join(tls, "service.current.key") }
    public var serving: String { Path.join(tls, "dynamic-cert.json") }
    /// A mark: while it is there, the front listener's certificate is made afresh at the next start.
    public var servingMark: String { Path.join(tls, "dynamic-cert-regenerate") }

    public var kubeconfig: String { Path.join(config, "k3s/k3s.yaml") }
    public var nodeDirectory: String { Path.join(config, "node") }
    public var nodePassword: String { Path.join(nodeDirectory, "password") }

    /// The certificates of an authority, the signing one first.
    public func certificate(_ authority: Authority) -> String { Path.join(tls, authority.rawValue + ".crt") }
    public func key(_ authority: Authority) -> String { Path.join(tls, authority.rawValue + ".key") }
    /// The signing certificate alone, for the controller manager's flags.
    public func signingCertificate(_ authority: Authority) -> String {
        Path.join(tls, authority.rawValue + ".nochain.crt")
    }
    /// The copy that this node's agent reads.
    public func agentCopy(_ authority: Authority) -> String { Path.join(agent, authority.rawValue + ".crt") }

    /// The leaf and what leads from it to its root.
    public func certificate(_ leaf: Leaf) -> String { Path.join(directory(leaf), leaf.file + ".crt") }
    public func key(_ leaf: Leaf) -> String { Path.join(directory(leaf), leaf.file + ".key") }

    private func directory(_ leaf: Leaf) -> String { leaf.isOnAgent ? agent : tls }
}
