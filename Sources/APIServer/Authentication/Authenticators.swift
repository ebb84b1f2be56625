import APIMachinery
import PKI
import Support
import Wire

/// Decides who sends a request.
protocol Authenticator: Sendable {
    /// What can be said at once; `nil` when somebody else must be asked first. Called on the event loop for each request:
    /// quick, and without suspension. Throws 401 when the credentials are missing or do not hold.
    func authenticate(_ request: HTTPRequest) throws(Status) -> User?

    /// Decides, whatever it takes.
    func askWho(_ request: HTTPRequest) async throws(Status) -> User
}

/// Asks each method whose credentials the request carries, in Kubernetes' order: the front proxy, certificates, tokens.
/// The first that knows them decides. Who shows nothing at all is anonymous, where that is allowed.
struct RequestAuthenticator: Authenticator {
    let frontProxy: FrontProxy?
    let certificates: ClientCertificates
    let tokens: TokenChain
    /// Whom tokens must be meant for.
    let audiences: [String]
    let anonymous: AnonymousAccess
    /// What a configuration says besides; also of anonymous access, where it does.
    var configured: ConfiguredAuthentication?

    func authenticate(_ request: HTTPRequest) throws(Status) -> User? {
        if let user = byCertificate(request) { return user }
        guard let token = try request.bearerToken else { return try withoutToken(request) }
        switch tokens.look(token, for: audiences) {
        case .holder(let holder): return holder.user
        case .refused: throw .unauthorized
        case .pending: return nil
        }
    }

    func askWho(_ request: HTTPRequest) async throws(Status) -> User {
        if let user = byCertificate(request) { return user }
        guard let token = try request.bearerToken else { return try withoutToken(request) }
        guard case .holder(let holder) = await tokens.ask(token, for: audiences) else { throw .unauthorized }
        return holder.user
    }

    private func byCertificate(_ request: HTTPRequest) -> User? {
        guard !request.peerCertificates.isEmpty else { return nil }
        return frontProxy?.authenticate(request)?.authenticated
            ?? certificates.authenticate(request.peerCertificates)?.authenticated
    }

    /// A certificate that does not hold makes nobody anonymous.
    private func withoutToken(_ request: HTTPRequest) throws(Status) -> User {
        let anonymous = configured?.anonymous ?? anonymous
        guard request.peerCertificates.isEmpty, anonymous.isAllowed(at: request.path) else { throw .unauthorized }
        return User(name: User.anonymous, groups: [User.unauthenticatedGroup])
    }
}

/// Whether requests without credentials are let in, as the user `system:anonymous`.
public struct AnonymousAccess: Hashable, Sendable {
    public var isEnabled: Bool
    /// Only there, if any are named (KEP-4633).
    public var paths: [String]

    /// Off by default, as in k3s.
    public init(isEnabled: Bool = false, paths: [String] = []) {
        self.isEnabled = isEnabled
        self.paths = paths
    }

    func isAllowed(at path: String) -> Bool { isEnabled && (paths.isEmpty || paths.contains(path)) }
}

/// Client certificates: the common name is the user, the organisations are the groups (Kubernetes documentation,
/// "X509 client certificates").
struct ClientCertificates: Sendable {
    let verifier: CertificateVerifier
    let now: @Sendable () -> Timestamp
    var lives: CertificateLives?

    func authenticate(_ chain: [[UInt8]]) -> User? {
        let moment = now()
        guard let peer = try? verifier.verify(chain: chain, at: moment), !peer.commonName.isEmpty else { return nil }
        lives?.note(peer.notAfter - moment)
        return User(
            name: peer.commonName, uid: peer.uid ?? "", groups: peer.organizations,
            extra: ["authentication.kubernetes.io/credential-id": ["X509SHA256=" + Hex.encode(peer.fingerprint)]])
    }
}

extension HTTPRequest {
    /// The token of an `Authorization: Bearer` header (RFC 6750), or of a browser's WebSocket.
    fileprivate var bearerToken: String? {
        get throws(Status) {
            guard let header = headers["Authorization"] else { return try WebSocketToken.token(of: self) }
            let words = header.trimmingPrefix { $0 == " " }.split(separator: " ", omittingEmptySubsequences: false)
            // With a second space between them there is no token, as in Kubernetes.
            guard words.count > 1, words[0].lowercased() == "bearer", !words[1].isEmpty else { return nil }
            return String(words[1])
        }
    }
}
