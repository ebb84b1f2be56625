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
    public var anonymous = AnonymousAccess()

    public init() {}

    func authenticator(
        _ server: APIServerOptions, accounts: ServiceAccountTokens, secrets: any ObjectSet
    ) throws(Fault) -> RequestAuthenticator {
        let verifier = try CertificateVerifier(authorities: server.clientAuthorities, usage: .clientAuth)
        var tokens: [any TokenAuthenticator] = []
        if let staticTokens { tokens.append(staticTokens) }
        tokens.append(accounts)
        if acceptsBootstrapTokens { tokens.append(BootstrapTokens(secrets: secrets, now: server.now)) }
        return RequestAuthenticator(
            frontProxy: try frontProxy.map { options throws(Fault) in try FrontProxy(options, now: server.now) },
            certificates: ClientCertificates(verifier: verifier, now: server.now), tokens: TokenChain(methods: tokens),
            audiences: accounts.audiences, anonymous: anonymous)
    }
}
