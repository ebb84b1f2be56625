import APIMachinery
import PKI
import Support

/// Whom to ask about tokens that nobody here knows: `--authentication-token-webhook-*`.
public struct TokenWebhookOptions: Sendable {
    public var kubeconfig: WebhookKubeconfig
    /// How long an answer is believed.
    public var cacheLifetime = Duration.seconds(120)
    /// Of the review that is sent.
    public var version = ReviewVersion.v1beta1

    public init(kubeconfig: WebhookKubeconfig) { self.kubeconfig = kubeconfig }
}

/// The versions in which reviews are sent to webhooks; as in Kubernetes, the older one unless told otherwise.
public enum ReviewVersion: String, Hashable, Sendable, CaseIterable { case v1, v1beta1 }

/// Tokens that a server outside knows the bearers of (Kubernetes documentation, "Webhook Token Authentication").
final class WebhookTokens: TokenAuthenticator {
    private struct Question: Hashable {
        /// The token's digest: the token itself is not kept.
        var token: [UInt8]
        var audiences: [String]
    }

    private let webhook: ReviewWebhook
    private let version: ReviewVersion
    private let lifetime: Duration
    /// What a token is for whose webhook says nothing of it.
    private let ownAudiences: [String]
    private let now: @Sendable () -> Timestamp
    private let answers = ExpiringCache<Question, TokenVerdict>(limit: 4096)

    init(
        _ options: TokenWebhookOptions, audiences: [String], now: @escaping @Sendable () -> Timestamp
    ) throws(Fault) {
        webhook = try ReviewWebhook(options.kubeconfig, timeout: .seconds(10))
        version = options.version
        lifetime = options.cacheLifetime
        ownAudiences = audiences
        self.now = now
    }

    func look(_ token: String, for audiences: [String]) -> TokenVerdict {
        answers.value(for: question(token, audiences), at: now()) ?? .pending
    }

    func ask(_ token: String, for audiences: [String]) async -> TokenVerdict {
        let question = question(token, audiences)
        if let known = answers.value(for: question, at: now()) { return known }
        let review: Value = [
            "apiVersion": .string("authentication.k8s.io/" + version.rawValue), "kind": "TokenReview",
            "spec": ["token": .string(token), "audiences": Value(audiences)],
        ]
        do throws(WebhookFailure) {
            let status = try await webhook.status(of: review)
            let verdict = Self.verdict(status, asked: audiences, own: ownAudiences)
            answers.put(verdict, for: question, until: now() + lifetime)
            return verdict
        } catch {
            // Not remembered: the next one may find the webhook back.
            return .refused(why: error.description)
        }
    }

    private func question(_ token: String, _ audiences: [String]) -> Question {
        Question(token: Digest.sha256(token.utf8), audiences: audiences)
    }

    /// What a `TokenReviewStatus` says. `own` are the audiences of a webhook that names none. Pure.
    static func verdict(_ status: Value, asked: [String], own: [String]) -> TokenVerdict {
        let named = (status["audiences"]?.array ?? []).compactMap(\.string)
        let common = (named.isEmpty ? own : named).filter(asked.contains)
        guard asked.isEmpty || !common.isEmpty else { return .unknown }
        guard status["authenticated"] == true else {
            let error = status["error"]?.string ?? ""
            return .refused(why: error.isEmpty ? nil : error)
        }
        let info = status["user"] ?? .emptyObject
        var extra: [String: [String]] = [:]
        for (key, values) in info["extra"]?.fields ?? Fields() { extra[key] = (values.array ?? []).compactMap(\.string) }
        let user = User(
            name: info["username"]?.string ?? "", uid: info["uid"]?.string ?? "",
            groups: (info["groups"]?.array ?? []).compactMap(\.string), extra: extra)
        guard !user.name.isEmpty else { return .refused(why: "the webhook named no user") }
        return .holder(TokenHolder(user: user, audiences: common))
    }
}
