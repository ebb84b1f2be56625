import Support
import Synchronization

/// What the present ``AuthenticationConfiguration`` comes to; a new one takes its place while requests go on.
final class ConfiguredAuthentication: TokenAuthenticator {
    private struct Present {
        var chain: TokenChain
        var anonymous: AnonymousAccess?
    }

    private let present: Mutex<Present>
    /// Those of this server.
    private let audiences: [String]
    private let now: @Sendable () -> Timestamp

    init(
        _ configuration: AuthenticationConfiguration?, audiences: [String], now: @escaping @Sendable () -> Timestamp
    ) {
        self.audiences = audiences
        self.now = now
        present = Mutex(Self.present(configuration, audiences, now))
    }

    /// Who is let in without credentials, when the configuration says so.
    var anonymous: AnonymousAccess? { present.withLock { $0.anonymous } }

    func replace(_ configuration: AuthenticationConfiguration) {
        let next = Self.present(configuration, audiences, now)
        present.withLock { $0 = next }
    }

    private static func present(
        _ configuration: AuthenticationConfiguration?, _ audiences: [String], _ now: @escaping @Sendable () -> Timestamp
    ) -> Present {
        let methods = (configuration?.issuers ?? []).map { issuer in
            AudienceAgnostic(method: JWTAuthenticator(issuer, now: now), audiences: audiences)
        }
        return Present(chain: TokenChain(methods: methods), anonymous: configuration?.anonymous)
    }

    func look(_ token: String, for audiences: [String]) -> TokenVerdict {
        present.withLock { $0.chain }.look(token, for: audiences)
    }

    func ask(_ token: String, for audiences: [String]) async -> TokenVerdict {
        await present.withLock { $0.chain }.ask(token, for: audiences)
    }
}
