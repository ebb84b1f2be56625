import API
import APIMachinery
import Client
import Logging
import PKI
import Support
import Synchronization
import Wire

/// Lets in who may come in: a client certificate of the cluster, or a token that the API server knows, and the API
/// server's word that this user may do it. Answers are remembered for as long as Kubernetes' kubelet does.
final class NodeGate: Sendable {
    /// How long answers are remembered, and how many.
    private enum Limits {
        static let token = Duration.seconds(120)
        static let allowed = Duration.seconds(300)
        static let denied = Duration.seconds(30)
        static let entries = 1024
    }

    private struct Question: Hashable, Sendable {
        var user: NodeUser
        var access: NodeAccess
    }

    private let nodeName: String
    private let client: any Client
    private let certificates: CertificateVerifier
    private let log: Logger
    private let now: @Sendable () -> Timestamp
    /// By the hash of the token, so that no token is kept.
    private let tokens = Mutex(ExpiringCache<[UInt8], NodeUser>(limit: Limits.entries))
    private let answers = Mutex(ExpiringCache<Question, Bool>(limit: Limits.entries))

    init(
        nodeName: String, client: any Client, certificates: CertificateVerifier, log: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.nodeName = nodeName
        self.client = client
        self.certificates = certificates
        self.log = log
        self.now = now
    }

    /// Returns when the request may go on; else throws 401, 403, or 500 when the API server gives no answer.
    func admit(_ request: HTTPRequest) async throws(NodeFailure) {
        guard let user = await authenticate(request) else { throw NodeFailure(.unauthorized, "Unauthorized") }
        let access = NodeAccess(method: request.method.rawValue, path: request.path)
        guard try await isAllowed(user, access) else {
            throw NodeFailure(
                .forbidden, "Forbidden (user=\(user.name), verb=\(access.verb), resource=nodes, "
                    + "subresource(s)=[\(access.subresources.joined(separator: " "))])")
        }
    }

    // MARK: Who

    private func authenticate(_ request: HTTPRequest) async -> NodeUser? {
        if !request.peerCertificates.isEmpty,
            let peer = try? certificates.verify(chain: request.peerCertificates, at: now())
        {
            return NodeUser(peer)
        }
        guard let token = request.bearerToken else { return nil }
        let key = Digest.sha256(token.utf8)
        if let known = tokens.withLock({ $0.value(of: key, at: now()) }) { return known }
        let question: Value = [
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": ["token": .string(token)],
        ]
        do throws(Status) {
            let answer = try await client.create(Target(.tokenReviews), question, WriteOptions())
            guard let user = NodeUser(review: answer.value) else { return nil }
            let time = now()
            tokens.withLock { $0.set(key, user, until: time + Limits.token, at: time) }
            return user
        } catch {
            log.warning("a token could not be reviewed", metadata: ["error": "\(error)"])
            return nil
        }
    }

    // MARK: What

    private func isAllowed(_ user: NodeUser, _ access: NodeAccess) async throws(NodeFailure) -> Bool {
        let question = Question(user: user, access: access)
        if let known = answers.withLock({ $0.value(of: question, at: now()) }) { return known }
        var isAllowed = false
        for subresource in access.subresources where !isAllowed {
            let review = access.review(user, node: nodeName, subresource: subresource)
            do throws(Status) {
                let answer = try await client.create(Target(.subjectAccessReviews), review, WriteOptions())
                isAllowed = answer.value.at("status", "allowed")?.bool == true
            } catch {
                log.warning("access could not be reviewed", metadata: ["user": "\(user.name)", "error": "\(error)"])
                throw NodeFailure(
                    .internalServerError, "Authorization error (user=\(user.name), verb=\(access.verb), "
                        + "resource=nodes, subresource(s)=[\(access.subresources.joined(separator: " "))])")
            }
        }
        remember(question, isAllowed, at: now())
        return isAllowed
    }

    private func remember(_ question: Question, _ isAllowed: Bool, at time: Timestamp) {
        let end = time + (isAllowed ? Limits.allowed : Limits.denied)
        answers.withLock { $0.set(question, isAllowed, until: end, at: time) }
    }
}

extension HTTPRequest {
    /// The token of an `Authorization: Bearer` header (RFC 6750).
    fileprivate var bearerToken: String? {
        guard let header = headers["Authorization"] else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let token = parts[1].drop { $0 == " " }
        return token.isEmpty ? nil : String(token)
    }
}
