import API
import APIMachinery
import APIServer
import Client
import PKI
import Support
import Testing
import Wire

/// Tokens that are asked for, over HTTP.
@Suite(.timeLimit(.minutes(5))) struct TokenRequestTests {
    private static func claims(_ token: String) throws -> Value {
        try Value(json: try #require(JSONWebToken(token)).payload)
    }

    private static func pod(_ name: String, account: String = "default", node: String) -> Value {
        [
            "metadata": ["name": .string(name)],
            "spec": [
                "serviceAccountName": .string(account), "nodeName": .string(node),
                "containers": [["name": "c", "image": "i"]],
            ],
        ]
    }

    /// A pod on a node, and a token for it.
    private static func podToken(_ client: LocalClient, seconds: Int64) async throws -> Value {
        try await client.create(ServiceAccount(namespace: "default", name: "default"))
        _ = try await client.create(Target(.nodes), ["metadata": ["name": "n1"]], WriteOptions())
        _ = try await client.create(Target(.pods, namespace: "default"), pod("p", node: "n1"), WriteOptions())
        return try await client.create(
            Target(.serviceAccounts, namespace: "default", name: "default", subresource: "token"),
            [
                "spec": [
                    "expirationSeconds": .integer(seconds),
                    "boundObjectRef": ["kind": "Pod", "apiVersion": "v1", "name": "p"],
                ]
            ], WriteOptions()
        ).value
    }

    @Test func `a pod's token says where the pod runs, and ends with it`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let token = try #require(try await Self.podToken(client, seconds: 600).at("status", "token")?.string)
            let facts = try #require(try Self.claims(token)["kubernetes.io"])
            let node = try await client.get(Target(.nodes, name: "n1"))
            #expect(facts["node"] == ["name": "n1", "uid": .string(node.uid)])
            #expect(facts.at("pod", "name") == "p")
            let whoami = try await Self.whoami(api, token)
            #expect(whoami.at("extra", "authentication.kubernetes.io/node-name") == ["n1"])
            #expect(whoami.at("extra", "authentication.kubernetes.io/pod-name") == ["p"])
            #expect(whoami.at("extra", "authentication.kubernetes.io/credential-id")?.array?.first?.string?.hasPrefix("JTI=") == true)
            _ = try await client.delete(
                Target(.pods, namespace: "default", name: "p"), DeletionOptions(gracePeriodSeconds: 0))
            #expect(try await api.ask(.get, "/version", token: token).code == 401)
        }
    }

    private static func whoami(_ api: TestAPI, _ token: String) async throws -> Value {
        let answer = try await api.ask(
            .post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", token: token,
            body: ["apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"])
        return try #require(try Value(json: answer.text).at("status", "userInfo"))
    }

    @Test func `what volumes of pods ask for lasts a year, and says that it should not`() async throws {
        try await TestAPI.run { api in
            let answer = try await Self.podToken(api.server.client(), seconds: 3607)
            let claims = try Self.claims(try #require(answer.at("status", "token")?.string))
            let issued = try #require(claims["iat"]?.integer)
            #expect(claims["exp"]?.integer == issued + 365 * 24 * 3600)
            #expect(claims.at("kubernetes.io", "warnafter")?.integer == issued + 3607)
            let told = try #require(answer.at("status", "expirationTimestamp")?.string.flatMap { Timestamp($0) })
            #expect(abs(told.seconds - issued - 3607) <= 1)
        }
    }

    @Test func `a token is reviewed for the audiences that are asked for`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            try await client.create(ServiceAccount(namespace: "default", name: "a"))
            let answer = try await client.create(
                Target(.serviceAccounts, namespace: "default", name: "a", subresource: "token"),
                ["spec": ["audiences": ["vault", "other"]]], WriteOptions())
            let token = try #require(answer.value.at("status", "token"))
            func review(_ audiences: Value) async throws -> Value {
                let resource = GroupVersionResource(group: "authentication.k8s.io", version: "v1", resource: "tokenreviews")
                return try #require(
                    try await client.create(
                        Target(resource), ["spec": ["token": token, "audiences": audiences]], WriteOptions()
                    ).value["status"])
            }
            #expect(try await review(["vault", "x"])["audiences"] == ["vault"])
            #expect(try await review(["vault"]).at("user", "username") == "system:serviceaccount:default:a")
            #expect(try await review([])["authenticated"] != true)
            #expect(try await review(["x"])["error"]?.string?.contains("audiences") == true)
        }
    }

    @Test(arguments: [
        (["metadata": ["namespace": "x"]], 400, "the namespace of the provided object does not match the namespace sent on the request"),
        (
            ["metadata": ["name": "x"]], 422,
            "TokenRequest.authentication.k8s.io \"a\" is invalid: metadata.name: Invalid value: \"x\": must match the "
                + "service account name if specified"
        ),
        (
            ["metadata": ["uid": "x"]], 409,
            "Operation cannot be fulfilled on TokenRequest.authentication.k8s.io \"a\": the UID in the token request (x) "
                + "does not match the UID of the service account (UID)"
        ),
        (
            ["spec": ["boundObjectRef": ["kind": "Pod", "apiVersion": "foo/v1", "name": "p"]]], 400,
            "cannot bind token to object of type foo/v1, Kind=Pod"
        ),
        (
            ["spec": ["boundObjectRef": ["kind": "Foo", "apiVersion": "v1", "name": "p"]]], 400,
            "cannot bind token to object of type /v1, Kind=Foo"
        ),
        (
            ["spec": ["boundObjectRef": ["kind": "Secret", "apiVersion": "v1", "name": "s", "uid": "x"]]], 409,
            "Operation cannot be fulfilled on Secret \"s\": the UID in the bound object reference (x) does not match the "
                + "UID in record. The object might have been deleted and then recreated"
        ),
        (
            ["spec": ["expirationSeconds": 1]], 422,
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 1: may not specify "
                + "a duration less than 10 minutes"
        ),
    ] as [(Value, Int, String)])
    func `a request is for the account that it names`(body: Value, code: Int, message: String) async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let account = try await client.create(
                Target(.serviceAccounts, namespace: "default"), ["metadata": ["name": "a"]], WriteOptions())
            _ = try await client.create(
                Target(.secrets, namespace: "default"), ["metadata": ["name": "s"]], WriteOptions())
            let token = try await api.token(
                "boss", rules: [["apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]]])
            let path = "/api/v1/namespaces/default/serviceaccounts/a/token"
            let answer = try await api.ask(.post, path, token: token, body: body)
            #expect(answer.code == code)
            let said = try Value(json: Array(answer.text.utf8))["message"]?.string ?? ""
            #expect(said.replacing(account.uid, with: "UID") == message)
            let good = try await api.ask(.post, path, token: token, body: ["metadata": ["uid": .string(account.uid)]])
            let metadata = try Value(json: Array(good.text.utf8))["metadata"]
            #expect(metadata?["uid"]?.string == account.uid)
            #expect(metadata?["creationTimestamp"]?.string?.hasSuffix("Z") == true)
        }
    }

    @Test func `limits of the server hold for what is asked`() async throws {
        try await TestAPI.run({ options in
            options.serviceAccounts.maximumLifetime = .seconds(700)
            options.serviceAccounts.issuers = ["https://issuer.example", "https://before.example"]
        }) { api in
            let client = api.server.client()
            try await client.create(ServiceAccount(namespace: "default", name: "a"))
            let target = Target(.serviceAccounts, namespace: "default", name: "a", subresource: "token")
            let answer = try await client.create(target, ["spec": ["expirationSeconds": 86400]], WriteOptions()).value
            #expect(answer.at("spec", "expirationSeconds") == 700)
            #expect(try Self.claims(try #require(answer.at("status", "token")?.string))["iss"] == "https://issuer.example")
            await #expect(throws: Status.self) {
                try await client.create(target, ["spec": ["expirationSeconds": 599]], WriteOptions())
            }
            let token = try await api.token(
                "boss", rules: [["apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]]])
            let path = "/api/v1/namespaces/default/serviceaccounts/a/token"
            let warned = try await api.send(.post, path, token: token, body: ["spec": ["expirationSeconds": 800]])
            #expect(
                warned.headers.values(of: "Warning")
                    == ["299 - \"requested expiration of 800 seconds shortened to 700 seconds\""])
        }
    }

    @Test func `others find out how to check tokens`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token(
                "a", rules: [["nonResourceURLs": ["/.well-known/*", "/openid/*"], "verbs": ["get"]]])
            let found = try await api.ask(.get, "/.well-known/openid-configuration", token: token)
            let configuration = try Value(json: found.text)
            #expect(configuration["issuer"] == "https://kubernetes.default.svc.cluster.local")
            #expect(configuration["jwks_uri"]?.string?.hasSuffix("/openid/v1/jwks") == true)
            #expect(configuration["id_token_signing_alg_values_supported"] == ["ES256"])
            let keys = try Value(json: try await api.ask(.get, "/openid/v1/jwks", token: token).text)["keys"]?.array
            let header = try Value(json: try #require(JSONWebToken(token)).header)
            #expect(keys?.count == 1 && keys?.first?["kid"] == header["kid"] && keys?.first?["crv"] == "P-256")
        }
    }
}
