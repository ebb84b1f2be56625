import APIMachinery
import PKI
import Support
import Wire

/// Asks each method whose credentials the request carries; the first that knows them decides.
///
/// Anonymous requests are refused, as in k3s.
struct RequestAuthenticator: Authenticator {
    let certificates: ClientCertificates
    let tokens: [any TokenAuthenticator]

    func authenticate(_ request: HTTPRequest) throws(Status) -> User {
        if let token = request.bearerToken {
            for method in tokens {
                if let user = method.authenticate(token) { return user }
            }
            throw .unauthorized
        }
        guard !request.peerCertificates.isEmpty, let user = certificates.authenticate(request.peerCertificates) else {
            throw .unauthorized
        }
        return user
    }
}

/// Knows the bearer of a token. Called on the event loop: quick, and without suspension.
protocol TokenAuthenticator: Sendable {
    /// `nil` when the token is not this method's, or does not hold.
    func authenticate(_ token: String) -> User?
}

/// Client certificates: the common name is the user, the organisations are the groups (Kubernetes documentation,
/// "X509 client certificates").
struct ClientCertificates: Sendable {
    let verifier: CertificateVerifier
    let now: @Sendable () -> Timestamp

    func authenticate(_ chain: [[UInt8]]) -> User? {
        guard let peer = try? verifier.verify(chain: chain, at: now()), !peer.commonName.isEmpty else { return nil }
        return User(
            name: peer.commonName, uid: peer.uid ?? "", groups: peer.organizations + [User.authenticatedGroup],
            extra: ["authentication.kubernetes.io/credential-id": ["X509SHA256=" + Hex.encode(peer.fingerprint)]])
    }
}

extension HTTPRequest {
    /// The token of an `Authorization: Bearer` header (RFC 6750).
    fileprivate var bearerToken: String? {
        guard let header = headers["Authorization"] else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1].trimmingPrefix { $0 == " " })
    }
}
