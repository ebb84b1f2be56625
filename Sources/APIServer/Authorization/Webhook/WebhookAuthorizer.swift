import APIMachinery
import Support

/// How one webhook takes part in authorisation.
public struct AuthorizationWebhook: Sendable {
    public var kubeconfig: WebhookKubeconfig
    /// From a call to its answer, at most.
    public var timeout = Duration.seconds(30)
    /// How long a yes is believed; `nil` when it is not.
    public var allowedLifetime: Duration? = .seconds(300)
    /// How long anything else is believed.
    public var otherLifetime: Duration? = .seconds(30)
    /// Of the review that is sent.
    public var version = ReviewVersion.v1beta1
    /// Whether a webhook that does not answer refuses; otherwise others may allow.
    public var failureDenies = false
    var conditions = RequestConditions.none

    public init(kubeconfig: WebhookKubeconfig) { self.kubeconfig = kubeconfig }
}

/// Asks a server outside whether a request may go on (Kubernetes documentation, "Webhook Mode").
final class WebhookAuthorizer: Authorizer {
    private let options: AuthorizationWebhook
    private let webhook: ReviewWebhook
    private let now: @Sendable () -> Timestamp
    private let answers = ExpiringCache<AccessRequest, AccessDecision>(limit: 8192)

    /// What a requester chooses may be so long, in bytes, for an answer to be kept.
    private static let longestKept = 10_000

    init(_ options: AuthorizationWebhook, now: @escaping @Sendable () -> Timestamp) throws(Fault) {
        self.options = options
        self.now = now
        webhook = try ReviewWebhook(options.kubeconfig, timeout: options.timeout)
    }

    func decide(_ request: AccessRequest) -> AccessDecision {
        unasked(request) ?? answers.value(for: request, at: now()) ?? .pending
    }

    func ask(_ request: AccessRequest) async -> AccessDecision {
        if let decision = unasked(request) ?? answers.value(for: request, at: now()) { return decision }
        let review: Value = [
            "apiVersion": .string("authorization.k8s.io/" + options.version.rawValue), "kind": "SubjectAccessReview",
            "spec": request.reviewSpec(options.version),
        ]
        do throws(WebhookFailure) {
            let decision = Self.decision(try await webhook.status(of: review))
            keep(decision, request)
            return decision
        } catch {
            return .failed(why: error.description, isDenial: options.failureDenies)
        }
    }

    func listRules(for user: User, in namespace: String) -> AccessRules {
        AccessRules(isIncomplete: true, problems: ["webhook authorizer does not support user rule resolution"])
    }

    /// The decision when the webhook has no say.
    private func unasked(_ request: AccessRequest) -> AccessDecision? {
        switch options.conditions.match(request) {
        case .matches: nil
        case .differs: .noOpinion(reason: "")
        case .failed(let why): .failed(why: why, isDenial: options.failureDenies)
        }
    }

    private func keep(_ decision: AccessDecision, _ request: AccessRequest) {
        let isAllowed = if case .allow = decision { true } else { false }
        guard let lifetime = isAllowed ? options.allowedLifetime : options.otherLifetime,
            request.chosenLength < Self.longestKept
        else { return }
        answers.put(decision, for: request, until: now() + lifetime)
    }

    /// What a `SubjectAccessReviewStatus` says. Pure.
    static func decision(_ status: Value) -> AccessDecision {
        let reason = status["reason"]?.string ?? ""
        switch (status["allowed"] == true, status["denied"] == true) {
        case (true, true):
            return .failed(
                why: "webhook subject access review returned both allow and deny response", isDenial: true)
        case (false, true): return .deny(reason: reason)
        case (true, false): return .allow(reason: reason)
        case (false, false): return .noOpinion(reason: reason)
        }
    }
}

extension AccessRequest {
    /// The bytes of what the requester chooses freely.
    fileprivate var chosenLength: Int {
        let texts = [namespace, verb, group, version, resource, subresource, name, path]
        let selected = selectors.fields.map { $0.field.utf8.count + $0.value.utf8.count }
            + selectors.labels.map { $0.description.utf8.count }
        return texts.reduce(0) { $0 + $1.utf8.count } + selected.reduce(0, +)
    }
}
