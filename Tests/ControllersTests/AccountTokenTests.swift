import API
import APIMachinery
import APIServer
import Client
import ClientTestSupport
import Datastore
import PKI
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct AccountTokenTests {
    private static func account(_ uid: String = "u1") -> ServiceAccount {
        var account = ServiceAccount(namespace: "default", name: "robot")
        account.metadata.uid = uid
        return account
    }

    private static func secret(
        _ annotations: [String: String] = [AccountTokenSecret.account: "robot"], _ data: [String: String] = [:],
        type: String = AccountTokenSecret.type
    ) -> API.Secret {
        var secret = API.Secret(namespace: "default", name: "s")
        secret.metadata.annotations = annotations
        secret.data = data.mapValues { Array($0.utf8) }
        secret.type = type
        return secret
    }

    private static let bound = [AccountTokenSecret.account: "robot", AccountTokenSecret.accountUID: "u1"]
    private static let full = ["token": "t", "ca.crt": "CA", "namespace": "default"]

    private static func action(_ secret: API.Secret, _ account: ServiceAccount?) -> AccountTokenDecision.Action {
        AccountTokenDecision(secret: secret, account: account, authority: "CA").action
    }

    @Test func `a secret is completed, kept or removed by its account`() throws {
        guard case .complete(let made, needsToken: true) = Self.action(Self.secret(), Self.account()) else {
            Issue.record("a new secret is completed")
            return
        }
        #expect(made.metadata.annotations == Self.bound)
        #expect(made.data == ["ca.crt": Array("CA".utf8), "namespace": Array("default".utf8)])
        #expect(Self.action(Self.secret(Self.bound, Self.full), Self.account()) == .keep)
        // The authority was changed; the token stays.
        let stale = Self.secret(Self.bound, Self.full.merging(["ca.crt": "old"]) { $1 })
        #expect(
            Self.action(stale, Self.account())
                == .complete(Self.secret(Self.bound, Self.full), needsToken: false))
        #expect(Self.action(Self.secret(), nil) == .remove)
        #expect(Self.action(Self.secret(Self.bound, Self.full), Self.account("u2")) == .remove)
        #expect(Self.action(Self.secret(type: "Opaque"), nil) == .keep)
    }

    /// The real API, whose server believes what the controller has made.
    @Test func `a token in a secret is its account's for as long as both are there`() async throws {
        let key = try PrivateKey.generateP256()
        let server = try await APIServer.open(
            APIServerOptions(
                durable: MemoryDatastore(), volatile: MemoryDatastore(), clientAuthorities: [],
                serviceAccountKeys: [key], serviceCIDR: try #require(IPPrefix("10.43.0.0/16")),
                advertiseAddress: try #require(IPAddress("127.0.0.1")), advertisePort: 6443, version: [:]))
        await server.bootstrap()
        let admin = server.client()
        try await running(
            [AccountTokens(key: key, authority: "CA")], on: server.client(as: .controllerManager)
        ) {
            let name = ObjectName(namespace: "default", name: "s")
            let account = try await admin.create(ServiceAccount(namespace: "default", name: "robot"))
            try await admin.create(Self.secret())
            let secret = try await Self.wait(for: name, admin) { $0?.data["token"] != nil }
            let token = String(decoding: secret?.data["token"] ?? [], as: UTF8.self)
            #expect(secret?.data["namespace"] == Array("default".utf8))
            #expect(secret?.metadata.annotations[AccountTokenSecret.accountUID] == account.metadata.uid)
            let user = try await Self.review(token, admin)
            #expect(user?["username"] == "system:serviceaccount:default:robot")
            #expect(user?["uid"]?.string == account.metadata.uid)
            try await admin.delete(ServiceAccount.self, account.objectName)
            #expect(try await Self.review(token, admin) == nil)
            _ = try await Self.wait(for: name, admin) { $0 == nil }
            // Nobody gets a token for an account that is not there.
            try await admin.create(Self.secret())
            _ = try await Self.wait(for: name, admin) { $0 == nil }
        }
        await server.close()
    }

    private static func wait(
        for name: ObjectName, _ client: some Client, _ condition: (API.Secret?) -> Bool
    ) async throws -> API.Secret? {
        let secrets = try await client.observe(API.Secret.self)
        let (changes, bell) = AsyncStream.makeStream(of: Void.self)
        let observation = secrets.observe { _ in bell.yield() }
        defer { observation.cancel() }
        bell.yield()
        for await _ in changes {
            let secret = secrets.get(API.Secret.self, name)
            if condition(secret) { return secret }
        }
        return nil
    }

    /// Whose token it is; `nil` when it does not hold.
    private static func review(_ token: String, _ client: some Client) async throws -> Value? {
        let reviews = GroupVersionResource(group: "authentication.k8s.io", version: "v1", resource: "tokenreviews")
        let answer = try await client.create(
            Target(reviews),
            [
                "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
                "spec": ["token": .string(token)],
            ], WriteOptions())
        return answer.value.at("status", "user")
    }
}
