import API
import APIMachinery
import APIServer
import Client
import PKI
import Support
import Testing
import Wire

@testable import APIServer

/// Tokens that lie in Secrets, over HTTP.
@Suite(.timeLimit(.minutes(2))) struct SecretTokensTests {
    private static let path = "/api/v1/namespaces/default"
    private static let name = ObjectName(namespace: "default", name: "s")

    /// An account that may read namespaces, and its token in a Secret, as the controller of such tokens makes it.
    private static func prepare(
        _ api: TestAPI, _ key: PrivateKey, _ change: (inout Value) -> Void = { _ in }
    ) async throws -> String {
        _ = try await api.token(
            "robot", rules: [["apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]]])
        let client = api.server.client()
        let account = try await client.get(ServiceAccount.self, ObjectName(namespace: "default", name: "robot"))
        var claims = AccountTokenSecret.Claims(account, secret: name.name).value
        change(&claims)
        let token = try JSONWebToken.sign(payload: claims.json, with: key)
        var secret = API.Secret(namespace: "default", name: name.name)
        secret.type = AccountTokenSecret.type
        secret.metadata.annotations = [AccountTokenSecret.account: "robot"]
        secret.data = ["token": Array(token.utf8)]
        try await client.create(secret)
        return token
    }

    private static func run(_ body: @escaping @Sendable (TestAPI, PrivateKey) async throws -> Void) async throws {
        let key = try PrivateKey.generateP256()
        try await TestAPI.run {
            $0.serviceAccountKeys = [key]
        } _: { api in
            try await body(api, key)
        }
    }

    private static func merge(_ patch: Value, _ api: TestAPI) async throws {
        _ = try await api.server.client().patch(Target(.secrets, name), .merge(patch), WriteOptions())
    }

    @Test func `such a token opens the door, and its use is noted once a day`() async throws {
        try await Self.run { api, key in
            let token = try await Self.prepare(api, key)
            #expect(try await api.ask(.get, Self.path, token: token).code == 200)
            let secrets = try await api.server.client().observe(API.Secret.self)
            let (changes, bell) = AsyncStream.makeStream(of: Void.self)
            let observation = secrets.observe { _ in bell.yield() }
            defer { observation.cancel() }
            for await _ in changes {
                guard let day = secrets.get(Self.name)?.labels[AccountTokenSecret.lastUsed]?.string else { continue }
                #expect(day == String(Timestamp.now.description.prefix(10)))
                break
            }
        }
    }

    struct Loss: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var happen: @Sendable (TestAPI) async throws -> Void
    }

    @Test(arguments: [
        Loss(testDescription: "the secret is deleted") { api in
            try await api.server.client().delete(API.Secret.self, name)
        },
        Loss(testDescription: "the secret is being deleted") { api in
            try await merge(["metadata": ["finalizers": ["example.com/held"]]], api)
            try await api.server.client().delete(API.Secret.self, name)
        },
        Loss(testDescription: "the secret holds another token") { api in
            try await merge(["data": ["token": "b3RoZXI="]], api)
        },
        Loss(testDescription: "the account is deleted") { api in
            try await api.server.client().delete(
                ServiceAccount.self, ObjectName(namespace: "default", name: "robot"))
        },
        Loss(testDescription: "the secret is marked") { api in
            try await merge(["metadata": ["labels": [AccountTokenSecret.invalidSince: "2026-11-20"]]], api)
        },
    ])
    func `it opens the door no more when`(loss: Loss) async throws {
        try await Self.run { api, key in
            let token = try await Self.prepare(api, key)
            #expect(try await api.ask(.get, Self.path, token: token).code == 200)
            try await loss.happen(api)
            #expect(try await api.ask(.get, Self.path, token: token).code == 401)
        }
    }

    @Test func `who made it counts, and what it says of itself`() async throws {
        try await Self.run { api, key in
            let other = try await Self.prepare(api, try PrivateKey.generateP256())
            #expect(try await api.ask(.get, Self.path, token: other).code == 401)
        }
        try await Self.run { api, key in
            let token = try await Self.prepare(api, key) { $0["sub"] = "system:serviceaccount:kube-system:robot" }
            #expect(try await api.ask(.get, Self.path, token: token).code == 401)
        }
    }
}
