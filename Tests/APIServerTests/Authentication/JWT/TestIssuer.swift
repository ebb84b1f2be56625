import APIMachinery
import PKI
import Support
import Synchronization
import Wire

@testable import APIServer

/// An issuer of the test's own: says where its keys are, gives them, and signs tokens. Counts how often it is asked.
final class TestIssuer: Sendable {
    private struct State {
        var keys: [PrivateKey]
        var isDown = false
        var asked = 0
        var url = ""
    }

    private let state: Mutex<State>
    /// Which name the document bears, when it is not the right one.
    private let otherName: String?

    init(otherName: String? = nil) throws {
        self.otherName = otherName
        state = Mutex(State(keys: [try PrivateKey.generateP256()]))
    }

    /// How often its document was fetched.
    var asked: Int { state.withLock { $0.asked } }

    func goDown(_ isDown: Bool = true) { state.withLock { $0.isDown = isDown } }

    /// Signs with a new key from now on; the old one is published no more.
    func changeKey() throws {
        let key = try PrivateKey.generateP256()
        state.withLock { $0.keys = [key] }
    }

    /// Runs while `body` uses it.
    func run(_ body: @escaping @Sendable (TestWebhook) async throws -> Void) async throws {
        try await TestWebhook.run(answer: { request, _ in self.answer(request.path) }) { server in
            self.state.withLock { $0.url = server.url("") }
            try await body(server)
        }
    }

    private func answer(_ path: String) -> (code: Int, body: [UInt8]) {
        state.withLock { state in
            if path == "/.well-known/openid-configuration" { state.asked += 1 }
            guard !state.isDown else { return (503, []) }
            switch path {
            case "/.well-known/openid-configuration":
                let document: Value = [
                    "issuer": .string(otherName ?? state.url), "jwks_uri": .string(state.url + "/keys"),
                ]
                return (200, document.json)
            case "/keys": return (200, (["keys": .array(state.keys.map { Self.published($0.publicKey) })] as Value).json)
            default: return (404, [])
            }
        }
    }

    private static func published(_ key: PublicKey) -> Value {
        guard let published = key.jsonWebKey else { return [:] }
        switch published.parameters {
        case .rsa(let modulus, let exponent):
            return ["kty": "RSA", "kid": .string(published.id), "n": .string(modulus), "e": .string(exponent)]
        case .p256(let x, let y):
            return [
                "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": .string(published.id),
                "x": .string(x), "y": .string(y),
            ]
        }
    }

    /// A token with the usual claims and others.
    func token(at now: Timestamp = .now, _ claims: Value = [:]) throws -> String {
        let (key, url) = state.withLock { ($0.keys[0], $0.url) }
        var all: Value = [
            "iss": .string(url), "aud": "k", "sub": "jane", "exp": .integer(now.seconds + 600),
            "iat": .integer(now.seconds),
        ]
        for (name, value) in claims.fields ?? Fields() { all[name] = value.isNull ? nil : value }
        return try JSONWebToken.sign(payload: all.json, with: key)
    }
}
