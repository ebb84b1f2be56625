import Client
import PKI
import Support

/// How the API server knows its users, besides the certificates of its own authority and service account tokens.
public struct AuthenticationOptions: Sendable {
    /// Proxies that vouch for others.
    public var frontProxy: FrontProxyOptions?
    public var staticTokens: StaticTokens?
    /// Tokens with which nodes begin; on, as in k3s.
    public var acceptsBootstrapTokens = true
    /// Whose tokens are believed besides; ``APIServer/replace(authentication:)`` changes it.
    public var configuration: AuthenticationConfiguration?
    /// Whom to ask about tokens that nobody here knows.
    public var tokenWebhook: TokenWebhookOptions?
    /// Counts where the configuration says nothing of it.
    public var anonymous = AnonymousAccess()

    public init() {}

    /// The methods in Kubernetes' order.
    func authenticator(
        _ server: APIServerOptions, accounts: ServiceAccountTokens, uses: SecretTokenUses, secrets: any ObjectSet,
        lives: CertificateLives
    ) throws(Fault) -> RequestAuthenticator {
        let verifier = try CertificateVerifier(authorities: server.clientAuthorities, usage: .clientAuth)
        let audiences = accounts.audiences
        func own(_ method: any TokenAuthenticator) -> AudienceAgnostic {
            AudienceAgnostic(method: method, audiences: audiences)
        }
        let configured = ConfiguredAuthentication(configuration, audiences: audiences, now: server.now)
        var tokens: [any TokenAuthenticator] = []
        if let staticTokens { tokens.append(own(staticTokens)) }
        tokens.append(accounts)
        tokens.append(SecretTokens(accounts, uses: uses))
        if acceptsBootstrapTokens { tokens.append(own(BootstrapTokens(secrets: secrets, now: server.now))) }
        tokens.append(configured)
        if let tokenWebhook {
            tokens.append(try WebhookTokens(tokenWebhook, audiences: audiences, now: server.now))
        }
        return RequestAuthenticator(
            frontProxy: try frontProxy.map { options throws(Fault) in try FrontProxy(options, now: server.now) },
            certificates: ClientCertificates(verifier: verifier, now: server.now, lives: lives),
            tokens: TokenChain(methods: tokens), audiences: audiences, anonymous: anonymous, configured: configured)
    }
}
