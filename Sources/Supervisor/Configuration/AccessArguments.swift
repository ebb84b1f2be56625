import Support

/// The flags of `kube-apiserver` about users whom others know, and about who decides what users may do. Files are named, not
/// read; what was not said is `nil` or empty.
public struct AccessArguments: Hashable, Sendable {
    // MARK: Tokens of other issuers

    /// `--oidc-*`; `nil` when none of them was given.
    public var issuer: IssuerArguments?
    /// `--authentication-config`.
    public var authenticationConfigFile: String?

    // MARK: Webhooks

    /// `--authentication-token-webhook-*`.
    public var tokenWebhook: WebhookArguments?
    public var tokenLifetime: Duration?
    /// `--authorization-webhook-*`.
    public var authorizationWebhook: WebhookArguments?
    public var allowedLifetime: Duration?
    public var otherLifetime: Duration?

    // MARK: Who decides

    /// `--authorization-mode`.
    public var authorizationModes: [String]
    /// `--authorization-config`.
    public var authorizationConfigFile: String?

    /// A webhook that a kubeconfig file names.
    public struct WebhookArguments: Hashable, Sendable {
        public var file: String
        /// `v1` or `v1beta1`.
        public var version: String?
    }

    /// The flags `--oidc-*`.
    public struct IssuerArguments: Hashable, Sendable {
        public var url: String
        public var clientID: String
        public var usernameClaim: String?
        public var usernamePrefix: String?
        public var groupsClaim: String?
        public var groupsPrefix: String?
        public var requiredClaims: [String]
        public var authorityFile: String?
        public var signingAlgorithms: [String]
    }

    init(_ values: OptionValues) throws(Fault) {
        issuer = try Self.issuer(values)
        authenticationConfigFile = values.text("authentication-config")
        guard issuer == nil || authenticationConfigFile == nil else {
            throw Self.fault("authentication-config file and oidc-* flags are mutually exclusive")
        }
        tokenWebhook = try Self.webhook(values, "authentication-token-webhook")
        tokenLifetime = try APIServerArguments.duration(values, "authentication-token-webhook-cache-ttl")
        authorizationWebhook = try Self.webhook(values, "authorization-webhook")
        allowedLifetime = try APIServerArguments.duration(values, "authorization-webhook-cache-authorized-ttl")
        otherLifetime = try APIServerArguments.duration(values, "authorization-webhook-cache-unauthorized-ttl")
        authorizationModes = values.list("authorization-mode")
        authorizationConfigFile = values.text("authorization-config")
        guard authorizationConfigFile == nil || (authorizationModes.isEmpty && authorizationWebhook == nil) else {
            throw Self.fault("authorization-config cannot be given together with authorization-mode or authorization-webhook-*")
        }
    }

    private static func issuer(_ values: OptionValues) throws(Fault) -> IssuerArguments? {
        guard options.contains(where: { $0.name.hasPrefix("oidc-") && !values.list($0.name).isEmpty }) else { return nil }
        guard let url = values.text("oidc-issuer-url"), let client = values.text("oidc-client-id") else {
            throw fault("oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set")
        }
        return IssuerArguments(
            url: url, clientID: client, usernameClaim: values.text("oidc-username-claim"),
            usernamePrefix: values.text("oidc-username-prefix"), groupsClaim: values.text("oidc-groups-claim"),
            groupsPrefix: values.text("oidc-groups-prefix"), requiredClaims: values.list("oidc-required-claim"),
            authorityFile: values.text("oidc-ca-file"), signingAlgorithms: values.list("oidc-signing-algs"))
    }

    private static func webhook(_ values: OptionValues, _ prefix: String) throws(Fault) -> WebhookArguments? {
        let version = values.text(prefix + "-version")
        guard version == nil || ["v1", "v1beta1"].contains(version) else {
            throw fault("\(prefix)-version must be v1 or v1beta1, and not \(version ?? "")")
        }
        return values.text(prefix + "-config-file").map { WebhookArguments(file: $0, version: version) }
    }

    private static func fault(_ why: String) -> Fault { Fault(.invalid, "--kube-apiserver-arg: \(why)") }

    static let options: [Option] = [
        Option("oidc-issuer-url"),
        Option("oidc-client-id"),
        Option("oidc-username-claim"),
        Option("oidc-username-prefix"),
        Option("oidc-groups-claim"),
        Option("oidc-groups-prefix"),
        Option("oidc-required-claim", .list(isSplit: true)),
        Option("oidc-ca-file"),
        Option("oidc-signing-algs", .list(isSplit: true)),
        Option("authentication-config"),
        Option("authentication-token-webhook-config-file"),
        Option("authentication-token-webhook-cache-ttl"),
        Option("authentication-token-webhook-version"),
        Option("authorization-mode", .list(isSplit: true)),
        Option("authorization-config"),
        Option("authorization-webhook-config-file"),
        Option("authorization-webhook-cache-authorized-ttl"),
        Option("authorization-webhook-cache-unauthorized-ttl"),
        Option("authorization-webhook-version"),
    ]
}
