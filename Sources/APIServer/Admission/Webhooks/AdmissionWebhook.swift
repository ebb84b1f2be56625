import API
import APIMachinery
import Support

/// One webhook of a `MutatingWebhookConfiguration` or a `ValidatingWebhookConfiguration`, read once. Pure.
struct AdmissionWebhook: Sendable {
    enum Kind: Sendable {
        case mutating, validating

        /// The label `type` of the metrics.
        var metricType: String { self == .mutating ? "admit" : "validating" }

        /// The word in the keys of audit annotations.
        var word: String { self == .mutating ? "mutating" : "validating" }
    }

    let kind: Kind
    /// The name of the configuration that it is part of.
    let configuration: String
    let name: String
    /// Tells webhooks of the same name apart.
    let id: String
    /// `nil` when a selector cannot be read: then nothing can be said about any request.
    let match: AdmissionMatch?
    let conditions: MatchConditions
    let target: WebhookTarget?
    let timeout: Duration
    /// Whether a request goes on when the webhook cannot be called.
    let failsOpen: Bool
    /// Whether it may be asked again when others changed the object after it.
    let isReinvocable: Bool
    /// Whether a dry run may call it.
    let allowsDryRun: Bool
    /// In which form it is asked: the first of its own that this server speaks.
    let version: AdmissionReview.Version?

    /// What a webhook has without a `timeoutSeconds`, in seconds.
    private static let defaultTimeout: Int64 = 10

    init(_ webhook: Value, _ kind: Kind, of configuration: String, number: Int) {
        self.kind = kind
        self.configuration = configuration
        let name = webhook["name"]?.string ?? ""
        self.name = name
        id = "\(configuration)/\(name)/\(number)"
        match = try? AdmissionMatch(webhook: webhook)
        target = WebhookTarget(webhook["clientConfig"] ?? .emptyObject)
        timeout = .seconds(webhook["timeoutSeconds"]?.integer ?? Self.defaultTimeout)
        failsOpen = webhook["failurePolicy"]?.string == "Ignore"
        conditions = MatchConditions(webhook["matchConditions"], failsOpen: failsOpen, in: AdmissionEnvironment())
        isReinvocable = webhook["reinvocationPolicy"]?.string == "IfNeeded"
        allowsDryRun = ["None", "NoneOnDryRun"].contains(webhook["sideEffects"]?.string ?? "")
        version = (webhook["admissionReviewVersions"]?.array ?? []).lazy.compactMap(\.string)
            .compactMap(AdmissionReview.Version.init(rawValue:)).first
    }

    /// The webhooks of all configurations, in the order in which they are asked: by the configurations' names, and as they
    /// stand in them.
    static func all(in configurations: [Value], _ kind: Kind) -> [AdmissionWebhook] {
        configurations
            .map { (name: $0.at("metadata", "name")?.string ?? "", webhooks: $0["webhooks"]?.array ?? []) }
            .sorted { $0.name < $1.name }
            .flatMap { configuration in
                var seen: [String: Int] = [:]
                return configuration.webhooks.map { webhook in
                    let name = webhook["name"]?.string ?? ""
                    defer { seen[name, default: 0] += 1 }
                    return AdmissionWebhook(webhook, kind, of: configuration.name, number: seen[name] ?? 0)
                }
            }
    }
}
