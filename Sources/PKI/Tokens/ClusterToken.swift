public import Support

/// The secret with which nodes join a cluster, in the forms that k3s accepts.
///
/// `K10<sha256 of the authorities>::<user>:<password>` pins the cluster, `K10...::<id>.<secret>` carries a
/// bootstrap token, and a password alone pins nothing.
public struct ClusterToken: Hashable, Sendable {
    /// How the bearer proves who it is.
    public enum Credential: Hashable, Sendable {
        /// Basic authentication. The user is empty when the token names none: agents then are `node`, servers
        /// `server`.
        case password(user: String, password: String)
        /// A bearer token of kubeadm's kind; for agents only.
        case bootstrap(BootstrapToken)
    }

    /// Hexadecimal SHA-256 of the authorities (``ClusterToken/hash(ofAuthorities:)``); `nil` pins nothing.
    public var authoritiesHash: String?
    public var credential: Credential

    /// A token from its parts.
    public init(authoritiesHash: String?, credential: Credential) {
        self.authoritiesHash = authoritiesHash
        self.credential = credential
    }

    /// Reads any of the forms; white space around it does not count. A fault of code `invalid` when it is
    /// none.
    public init(_ text: String) throws(Fault) {
        let text = text.trimmed
        guard !text.isEmpty, !text.contains(where: \.isNewline) else {
            throw Self.unreadable("it is empty or has several lines")
        }
        guard text.hasPrefix(Self.prefix) else {
            let bootstrap = BootstrapToken(text)
            self.init(
                authoritiesHash: nil,
                credential: bootstrap.map(Credential.bootstrap) ?? .password(user: "", password: text))
            return
        }
        let rest = text.dropFirst(Self.prefix.count)
        let hash = rest.prefix(while: \.isHexDigit)
        guard hash.utf8.count == 64, rest[hash.endIndex...].hasPrefix("::") else {
            throw Self.unreadable("after \(Self.prefix) it needs 64 hexadecimal digits and two colons")
        }
        let secret = String(rest[hash.endIndex...].dropFirst(2))
        if let bootstrap = BootstrapToken(secret) {
            self.init(authoritiesHash: hash.lowercased(), credential: .bootstrap(bootstrap))
            return
        }
        // A password may hold colons, a user may not.
        guard let colon = secret.firstIndex(of: ":"), secret.index(after: colon) != secret.endIndex else {
            throw Self.unreadable("it has no password")
        }
        let password = String(secret[secret.index(after: colon)...])
        self.init(
            authoritiesHash: hash.lowercased(),
            credential: .password(user: String(secret[..<colon]), password: password))
    }

    /// The form that pins the cluster if there is a hash, else the short one.
    public var text: String {
        let pin = authoritiesHash.map { Self.prefix + $0 + "::" }
        return switch credential {
        case .bootstrap(let token): (pin ?? "") + token.text
        case .password(let user, let password): pin.map { $0 + user + ":" + password } ?? password
        }
    }

    /// A password as k3s generates them: 32 hexadecimal digits.
    public static func randomPassword() -> String { Secret.randomHex(bytes: 16) }

    /// The hash that tokens pin, over the body that `/cacerts` serves.
    ///
    /// One certificate is hashed as the text that it is. With several, the chain is climbed from the first to
    /// a root in the bundle, and the root's DER is hashed: so intermediates can be replaced. Without such a
    /// chain, the text again.
    public static func hash(ofAuthorities pem: [UInt8]) throws(Fault) -> String {
        let certificates = try Certificate.all(pem: pem)
        var rest = certificates.dropFirst()
        guard var top = certificates.first, !rest.isEmpty else { return Hex.encode(Digest.sha256(pem)) }
        while !top.isSelfIssued || top == certificates.first {
            guard let issuer = rest.firstIndex(where: { top.isSigned(by: $0) }) else {
                return Hex.encode(Digest.sha256(pem))
            }
            top = rest.remove(at: issuer)
        }
        return Hex.encode(top.fingerprint)
    }

    private static let prefix = "K10"

    private static func unreadable(_ why: String) -> Fault {
        Fault(
            .invalid, "the token cannot be read: \(why)",
            remedy: "copy the whole line from the file server/token of a server's data directory")
    }
}

extension String {
    /// Without the white space around it.
    fileprivate var trimmed: String {
        let start = drop(while: \.isWhitespace)
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...end])
    }
}
