import APIMachinery
import Support
import Testing
import Wire

@testable import APIServer

/// Tokens of other issuers at the front door.
@Suite(.timeLimit(.minutes(5))) struct JWTServerTests {
    private static func configuration(_ server: TestWebhook, prefix: String) throws -> AuthenticationConfiguration {
        let document: Value = [
            "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration",
            "jwt": [
                [
                    "issuer": [
                        "url": .string(server.url("")), "audiences": ["k"],
                        "certificateAuthority": .string(String(decoding: server.authority, as: UTF8.self)),
                    ],
                    "claimMappings": [
                        "username": ["claim": "sub", "prefix": .string(prefix)],
                        "groups": ["expression": "claims.?groups.orValue([])"],
                    ],
                ]
            ],
        ]
        return try AuthenticationConfiguration(text: String(decoding: document.json, as: UTF8.self), own: [])
    }

    private static let review = "/apis/authentication.k8s.io/v1/selfsubjectreviews"

    private static func body(_ kind: String, _ spec: Value = [:]) -> Value {
        ["apiVersion": "authentication.k8s.io/v1", "kind": .string(kind), "spec": spec]
    }

    @Test func `who has a token of the issuer is known, also by a new configuration`() async throws {
        let issuer = try TestIssuer()
        try await issuer.run { server in
            let first = try Self.configuration(server, prefix: "a:")
            try await TestAPI.run({ $0.authentication.configuration = first }) { api in
                func name() async throws -> Value? {
                    let token = try issuer.token(at: .now, ["groups": ["system:masters"]])
                    let answer = try await api.ask(
                        .post, Self.review, token: token,
                        body: ["apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"])
                    return try Value(json: Array(answer.text.utf8)).at("status", "userInfo", "username")
                }
                #expect(try await name() == "a:jane")
                api.server.replace(authentication: try Self.configuration(server, prefix: "b:"))
                #expect(try await name() == "b:jane")
            }
        }
    }

    @Test func `a review finds the token good for this server alone`() async throws {
        let issuer = try TestIssuer()
        try await issuer.run { server in
            let configuration = try Self.configuration(server, prefix: "")
            try await TestAPI.run({ $0.authentication.configuration = configuration }) { api in
                let token = try issuer.token(at: .now, ["groups": ["system:masters"]])
                func isGood(_ audiences: [String]) async throws -> Bool {
                    var spec: Value = ["token": .string(token)]
                    if !audiences.isEmpty { spec["audiences"] = Value(audiences) }
                    let answer = try await api.ask(
                        .post, "/apis/authentication.k8s.io/v1/tokenreviews", token: token,
                        body: Self.body("TokenReview", spec))
                    return try Value(json: Array(answer.text.utf8)).at("status", "authenticated") == true
                }
                #expect(try await isGood([]))
                #expect(try await isGood(["k3s", "else"]))
                #expect(try await !isGood(["else"]))
                #expect(try await !isGood(["k"]))
            }
        }
    }

    @Test func `the configuration says who needs no token`() async throws {
        let text = """
            apiVersion: apiserver.config.k8s.io/v1
            kind: AuthenticationConfiguration
            anonymous: {enabled: true, conditions: [{path: /livez}]}
            """
        let live = ConfiguredAuthentication(
            try AuthenticationConfiguration(text: text, own: []), audiences: ["a"], now: { .now })
        #expect(live.anonymous?.isAllowed(at: "/livez") == true)
        #expect(live.anonymous?.isAllowed(at: "/api") == false)
    }
}
