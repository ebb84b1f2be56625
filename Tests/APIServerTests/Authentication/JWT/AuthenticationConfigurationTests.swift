import APIMachinery
import PKI
import Support
import Testing

@testable import APIServer

/// What the file may say. Pure.
@Suite struct AuthenticationConfigurationTests {
    private static let own = ["https://kubernetes.default.svc.cluster.local"]

    private static func text(_ jwt: [Value], _ change: (inout Value) -> Void = { _ in }) -> String {
        var document: Value = [
            "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": .array(jwt),
        ]
        change(&document)
        return String(decoding: document.json, as: UTF8.self)
    }

    private static func issuer(_ change: (inout Value) -> Void = { _ in }) -> Value {
        var value: Value = [
            "issuer": ["url": "https://id.acme.io", "audiences": ["k"]],
            "claimMappings": ["username": ["claim": "sub", "prefix": ""]],
        ]
        change(&value)
        return value
    }

    struct Case: Sendable, CustomTestStringConvertible {
        /// Of the part at fault.
        var path: String
        var text: String
        var testDescription: String { path }
    }

    private static func wrong(_ path: String, _ part: [String], _ value: Value?) -> Case {
        Case(path: path, text: text([issuer { $0[path: part] = value }]))
    }

    static let cases: [Case] = [
        Case(path: "it must be of kind", text: "kind: Pod"),
        Case(path: "it is not YAML", text: "{"),
        wrong("jwt[0].issuer.url", ["issuer", "url"], nil),
        wrong("jwt[0].issuer.url", ["issuer", "url"], "http://id.acme.io"),
        wrong("jwt[0].issuer.url", ["issuer", "url"], "https://id.acme.io?a=b"),
        wrong("jwt[0].issuer.url", ["issuer", "url"], "https://a@id.acme.io"),
        wrong("jwt[0].issuer.url", ["issuer", "url"], .string(own[0])),
        wrong("jwt[0].issuer.discoveryURL", ["issuer", "discoveryURL"], "https://id.acme.io/"),
        wrong("jwt[0].issuer.audiences", ["issuer", "audiences"], []),
        wrong("jwt[0].issuer.audiences", ["issuer", "audiences"], ["a", "a"]),
        wrong("jwt[0].issuer.audienceMatchPolicy", ["issuer", "audiences"], ["a", "b"]),
        wrong("jwt[0].issuer.audienceMatchPolicy", ["issuer", "audienceMatchPolicy"], "MatchAll"),
        wrong("jwt[0].issuer.certificateAuthority", ["issuer", "certificateAuthority"], "none"),
        wrong("jwt[0].claimMappings.username", ["claimMappings", "username"], [:]),
        wrong("jwt[0].claimMappings.username.prefix", ["claimMappings", "username"], ["claim": "sub"]),
        wrong(
            "jwt[0].claimMappings.username.prefix", ["claimMappings", "username"],
            ["expression": "claims.sub", "prefix": "a"]),
        wrong("jwt[0].claimMappings.username:", ["claimMappings", "username"], ["claim": "a", "expression": "claims.a"]),
        wrong("jwt[0].claimMappings.username.expression", ["claimMappings", "username"], ["expression": "claims."]),
        wrong("jwt[0].claimMappings.username.expression", ["claimMappings", "username"], ["expression": "user.username"]),
        wrong("jwt[0].claimMappings.username.expression", ["claimMappings", "username"], ["expression": "claims.email"]),
        wrong("jwt[0].claimMappings.username.expression", ["claimMappings", "username"], ["expression": "claims.?email.orValue('')"]),
        wrong("jwt[0].claimMappings.extra[0].key", ["claimMappings", "extra"], [["key": "a", "valueExpression": "'b'"]]),
        wrong(
            "jwt[0].claimMappings.extra[0].key", ["claimMappings", "extra"],
            [["key": "x.k8s.io/a", "valueExpression": "'b'"]]),
        wrong(
            "jwt[0].claimMappings.extra[1].key", ["claimMappings", "extra"],
            [["key": "a.io/a", "valueExpression": "'b'"], ["key": "a.io/a", "valueExpression": "'c'"]]),
        wrong("jwt[0].claimValidationRules[0]", ["claimValidationRules"], [[:]]),
        wrong("jwt[0].claimValidationRules[0].expression", ["claimValidationRules"], [["expression": "claims.a"]]),
        wrong("jwt[0].claimValidationRules[1].claim", ["claimValidationRules"], [["claim": "a"], ["claim": "a"]]),
        wrong("jwt[0].userValidationRules[0].expression", ["userValidationRules"], [["expression": "user.name == 'a'"]]),
        Case(path: "jwt[1].issuer.url: Duplicate", text: text([issuer(), issuer()])),
        Case(
            path: "anonymous.conditions",
            text: text([]) { $0["anonymous"] = ["enabled": false, "conditions": [["path": "/livez"]]] }),
    ]

    @Test(arguments: cases) func `a fault names the part that is wrong`(one: Case) {
        let fault = #expect(throws: Fault.self) {
            try AuthenticationConfiguration(text: one.text, own: Self.own)
        }
        #expect(fault?.summary.contains(one.path) == true, "\(fault?.summary ?? "")")
    }

    @Test func `a file in YAML is read`() throws {
        let configuration = try AuthenticationConfiguration(
            text: """
                apiVersion: apiserver.config.k8s.io/v1
                kind: AuthenticationConfiguration
                jwt:
                - issuer:
                    url: https://id.acme.io/
                    audiences: [a, b]
                    audienceMatchPolicy: MatchAny
                  claimValidationRules:
                  - expression: claims.email_verified == true
                  claimMappings:
                    username:
                      expression: claims.email
                anonymous:
                  enabled: true
                  conditions:
                  - path: /livez
                """, own: Self.own)
        #expect(configuration.issuers.map(\.discoveryURL) == ["https://id.acme.io/.well-known/openid-configuration"])
        #expect(configuration.anonymous == AnonymousAccess(isEnabled: true, paths: ["/livez"]))
    }

    @Test func `flags prefix names with the issuer, unless they say otherwise`() throws {
        func name(_ change: (inout OIDCOptions) -> Void = { _ in }) throws -> String {
            var options = OIDCOptions(issuerURL: "https://id.acme.io", clientID: "k")
            change(&options)
            let claims: Value = ["sub": "7", "email": "jane@acme.io"]
            return try AuthenticationConfiguration(options, own: Self.own).issuers[0].claims.user(of: claims).name
        }
        #expect(try name() == "https://id.acme.io#7")
        #expect(try name { $0.usernamePrefix = "-" } == "7")
        #expect(try name { $0.usernamePrefix = "a:" } == "a:7")
        #expect(try name { $0.usernameClaim = "email" } == "jane@acme.io")
        #expect(throws: Fault.self) { try name { $0.signingAlgorithms = ["HS256"] } }
        #expect(throws: Fault.self) { try name { $0.requiredClaims = ["a"] } }
        #expect(throws: ClaimRules.Refusal.self) { try name { $0.requiredClaims = ["sub=8"] } }
    }
}
