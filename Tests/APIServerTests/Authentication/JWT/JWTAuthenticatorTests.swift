import APIMachinery
import PKI
import Support
import Synchronization
import Testing

@testable import APIServer

/// Tokens of an issuer that listens.
@Suite(.timeLimit(.minutes(5))) struct JWTAuthenticatorTests {
    /// A clock that stands until it is told.
    private final class Hands: Sendable {
        private let time = Mutex(Timestamp.now)
        var now: Timestamp { time.withLock { $0 } }
        func pass(_ duration: Duration) { time.withLock { $0 = $0 + duration } }
    }

    private static func authenticator(
        _ server: TestWebhook, _ hands: Hands, algorithms: [TokenAlgorithm] = TokenAlgorithm.allCases
    ) -> JWTAuthenticator {
        let issuer = JWTIssuer(
            url: server.url(""), discoveryURL: JWTIssuer.discoveryURL(of: server.url("")), audiences: ["k"],
            authorities: server.authority, algorithms: Set(algorithms),
            claims: ClaimRules(username: .claim("sub", prefix: "")))
        return JWTAuthenticator(issuer, now: { hands.now })
    }

    private static func name(_ verdict: TokenVerdict) -> String? {
        if case .holder(let holder) = verdict { holder.user.name } else { nil }
    }

    private static func why(_ verdict: TokenVerdict) -> String {
        if case .refused(let why) = verdict { why ?? "" } else { "\(verdict)" }
    }

    @Test func `keys are fetched once, when a token needs them`() async throws {
        let issuer = try TestIssuer()
        try await issuer.run { server in
            let hands = Hands()
            let authenticator = Self.authenticator(server, hands)
            #expect(issuer.asked == 0)
            let token = try issuer.token(at: hands.now)
            #expect(authenticator.look(token, for: ["a"]) == .pending)
            try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<8 { group.addTask { Self.name(await authenticator.ask(token, for: ["a"])) } }
                for try await name in group { #expect(name == "jane") }
            }
            #expect(issuer.asked == 1)
            #expect(Self.name(authenticator.look(try issuer.token(at: hands.now, ["sub": "john"]), for: ["a"])) == "john")
            #expect(issuer.asked == 1)
        }
    }

    @Test func `a new key is fetched when a token names it, and not too often`() async throws {
        let issuer = try TestIssuer()
        try await issuer.run { server in
            let hands = Hands()
            let authenticator = Self.authenticator(server, hands)
            let old = try issuer.token(at: hands.now)
            #expect(Self.name(await authenticator.ask(old, for: ["a"])) == "jane")
            try issuer.changeKey()
            let new = try issuer.token(at: hands.now, ["sub": "john"])
            // Asked only just now.
            #expect(Self.why(authenticator.look(new, for: ["a"])) == "oidc: verify token: failed to verify signature")
            #expect(issuer.asked == 1)
            hands.pass(IssuerKeys.pause)
            #expect(authenticator.look(new, for: ["a"]) == .pending)
            #expect(Self.name(await authenticator.ask(new, for: ["a"])) == "john")
            #expect(issuer.asked == 2)
            // The key is published no more, and the memory of the token has passed.
            #expect(Self.why(authenticator.look(old, for: ["a"])) == "oidc: verify token: failed to verify signature")
        }
    }

    @Test func `an issuer that is down refuses its tokens until it is back`() async throws {
        let issuer = try TestIssuer()
        try await issuer.run { server in
            let hands = Hands()
            let authenticator = Self.authenticator(server, hands)
            issuer.goDown()
            let token = try issuer.token(at: hands.now)
            #expect(Self.why(await authenticator.ask(token, for: ["a"])).hasPrefix("oidc: authenticator not initialized"))
            issuer.goDown(false)
            #expect(Self.why(await authenticator.ask(token, for: ["a"])).hasPrefix("oidc: authenticator not initialized"))
            hands.pass(IssuerKeys.pause)
            #expect(Self.name(await authenticator.ask(token, for: ["a"])) == "jane")
        }
    }

    @Test func `a document that names another issuer is not believed`() async throws {
        let issuer = try TestIssuer(otherName: "https://else.acme.io")
        try await issuer.run { server in
            let hands = Hands()
            let verdict = await Self.authenticator(server, hands).ask(try issuer.token(at: hands.now), for: ["a"])
            #expect(Self.why(verdict).contains("issuer did not match"))
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var claims: Value
        /// How the refusal begins; `nil` when there is none.
        var why: String?
        var testDescription: String { "\(claims)" }
    }

    private static let second = Int64(1_800_000_000)

    static let cases: [Case] = [
        Case(claims: [:]), Case(claims: ["aud": ["x", "k"]]), Case(claims: ["nbf": .integer(second + 30)]),
        Case(claims: ["exp": .double(Double(second) + 10.5)]),
        Case(claims: ["aud": "x"], why: "oidc: verify token: oidc: expected audience"),
        Case(claims: ["aud": .null], why: "oidc: verify token: oidc: expected audience"),
        Case(claims: ["exp": .integer(second)], why: "oidc: verify token: oidc: token is expired"),
        Case(claims: ["exp": .null], why: "oidc: verify token: oidc: token is expired"),
        Case(claims: ["nbf": .integer(second + 120)], why: "oidc: verify token: oidc: current time"),
        Case(claims: ["iss": "https://else.acme.io"], why: ""),
        Case(claims: ["sub": 7], why: "oidc: parse username claims"),
    ]

    @Test func `a token counts in its time, for its audience, by its issuer`() async throws {
        let issuer = try TestIssuer()
        try await issuer.run { server in
            let hands = Hands()
            hands.pass(Timestamp(seconds: Self.second) - hands.now)
            let authenticator = Self.authenticator(server, hands)
            for one in Self.cases {
                let verdict = await authenticator.ask(try issuer.token(at: hands.now, one.claims), for: ["a"])
                if let why = one.why {
                    #expect(Self.why(verdict).hasPrefix(why), "\(one.claims)")
                } else {
                    #expect(Self.name(verdict) == "jane", "\(one.claims)")
                }
            }
        }
    }

    @Test func `the signature must hold, by an algorithm that is allowed`() async throws {
        let issuer = try TestIssuer()
        try await issuer.run { server in
            let hands = Hands()
            let token = try issuer.token(at: hands.now)
            let authenticator = Self.authenticator(server, hands)
            let parts = token.split(separator: ".").map(String.init)
            let claims = Base64.encodeURLSafe(Array(String(decoding: try #require(Base64.decode(parts[1])), as: UTF8.self)
                .replacing("jane", with: "root").utf8))
            #expect(Self.name(await authenticator.ask(token, for: ["a"])) == "jane")
            let forged = [parts[0], claims, parts[2]].joined(separator: ".")
            #expect(Self.why(await authenticator.ask(forged, for: ["a"])) == "oidc: verify token: failed to verify signature")
            let none = [Base64.encodeURLSafe(Array(#"{"alg":"none"}"#.utf8)), parts[1], ""].joined(separator: ".")
            #expect(Self.name(await authenticator.ask(none, for: ["a"])) == nil)
            let strict = Self.authenticator(server, hands, algorithms: [.rs256])
            #expect(Self.why(await strict.ask(token, for: ["a"])).contains("unsupported algorithm, expected [RS256]"))
        }
    }

    @Test func `a token is remembered for a moment, and not beyond its time`() async throws {
        let issuer = try TestIssuer()
        try await issuer.run { server in
            let hands = Hands()
            let authenticator = Self.authenticator(server, hands)
            let token = try issuer.token(at: hands.now, ["exp": .integer(hands.now.seconds + 5)])
            #expect(Self.name(await authenticator.ask(token, for: ["a"])) == "jane")
            hands.pass(.seconds(6))
            #expect(Self.why(authenticator.look(token, for: ["a"])).contains("token is expired"))
        }
    }
}
