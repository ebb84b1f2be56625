import APIMachinery
import Testing

@testable import APIServer

/// What claims come to. Pure.
@Suite struct ClaimRulesTests {
    private static let claims: Value = [
        "sub": "7", "email": "jane@acme.io", "email_verified": true, "roles": ["dev", "ops"], "team": "red",
        "jti": "id1", "level": 3, "nothing": .null,
    ]

    /// A configuration in which only what a case says is not as usual.
    private static func rules(
        username: Value = ["claim": "sub", "prefix": "oidc:"], _ change: (inout Value) -> Void = { _ in }
    ) throws -> ClaimRules {
        var value: Value = ["claimMappings": ["username": username]]
        change(&value)
        return try ClaimRules(value)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var value: Value
        var user: User?
    }

    private static func user(_ name: String, uid: String = "", _ groups: [String] = [], _ extra: [String: [String]] = [:]) -> User {
        User(
            name: name, uid: uid, groups: groups,
            extra: extra.merging(["authentication.kubernetes.io/credential-id": ["JTI=id1"]]) { $1 })
    }

    private static func mapping(_ fields: Value) -> Value {
        var mappings: Value = ["username": ["claim": "sub", "prefix": ""]]
        for (key, value) in fields.fields ?? Fields() { mappings[key] = value }
        return ["claimMappings": mappings]
    }

    private static func checked(_ kind: String, _ rule: Value) -> Value {
        var value = mapping([:])
        value[kind] = [rule]
        return value
    }

    static let cases: [Case] = [
        Case(testDescription: "a claim", value: mapping([:]), user: user("7")),
        Case(
            testDescription: "a prefix", value: mapping(["username": ["claim": "team", "prefix": "a:"]]),
            user: user("a:red")),
        Case(testDescription: "no such claim", value: mapping(["username": ["claim": "x", "prefix": ""]])),
        Case(testDescription: "no text", value: mapping(["username": ["claim": "level", "prefix": ""]])),
        Case(
            testDescription: "an expression", value: mapping(["username": ["expression": "claims.sub + '@' + claims.team"]]),
            user: user("7@red")),
        Case(testDescription: "an expression that is empty", value: mapping(["username": ["expression": "''"]])),
        Case(testDescription: "an expression that is no text", value: mapping(["username": ["expression": "claims.level"]])),
        Case(testDescription: "an expression that fails", value: mapping(["username": ["expression": "claims.x"]])),
        Case(
            testDescription: "groups", value: mapping(["groups": ["claim": "roles", "prefix": "g:"]]),
            user: user("7", ["g:dev", "g:ops"])),
        Case(
            testDescription: "one group", value: mapping(["groups": ["claim": "team", "prefix": ""]]),
            user: user("7", ["red"])),
        Case(testDescription: "no groups", value: mapping(["groups": ["claim": "x", "prefix": ""]]), user: user("7")),
        Case(testDescription: "null groups", value: mapping(["groups": ["claim": "nothing", "prefix": ""]]), user: user("7")),
        Case(testDescription: "groups that are none", value: mapping(["groups": ["claim": "level", "prefix": ""]])),
        Case(
            testDescription: "groups by expression",
            value: mapping(["groups": ["expression": "claims.roles.filter(r, r != 'dev') + ['', 'x']"]]),
            user: user("7", ["ops", "x"])),
        Case(
            testDescription: "null is no group", value: mapping(["groups": ["expression": "claims.nothing"]]),
            user: user("7")),
        Case(testDescription: "a uid", value: mapping(["uid": ["claim": "team"]]), user: user("7", uid: "red")),
        Case(
            testDescription: "a uid by expression", value: mapping(["uid": ["expression": "string(claims.level)"]]),
            user: user("7", uid: "3")),
        Case(
            testDescription: "extra",
            value: mapping([
                "extra": [
                    ["key": "acme.io/team", "valueExpression": "claims.team"],
                    ["key": "acme.io/none", "valueExpression": "claims.?x.orValue('')"],
                ]
            ]), user: user("7", [], ["acme.io/team": ["red"]])),
        Case(
            testDescription: "a required claim",
            value: checked("claimValidationRules", ["claim": "team", "requiredValue": "red"]), user: user("7")),
        Case(
            testDescription: "a required claim of another value",
            value: checked("claimValidationRules", ["claim": "team", "requiredValue": "blue"])),
        Case(testDescription: "a required claim that is absent", value: checked("claimValidationRules", ["claim": "x"])),
        Case(
            testDescription: "a condition that holds",
            value: checked("claimValidationRules", ["expression": "claims.level > 2"]), user: user("7")),
        Case(
            testDescription: "a condition that does not hold",
            value: checked("claimValidationRules", ["expression": "claims.level > 3"])),
        Case(
            testDescription: "a condition on the user",
            value: checked("userValidationRules", ["expression": "!user.username.startsWith('system:')"]), user: user("7")),
        Case(
            testDescription: "a condition on the user that does not hold",
            value: checked("userValidationRules", ["expression": "has(user.groups)"])),
    ]

    @Test(arguments: cases) func `claims become a user, or nobody`(one: Case) throws {
        let rules = try ClaimRules(one.value)
        #expect((try? rules.user(of: Self.claims)) == one.user)
    }

    @Test func `an address that is not verified names nobody`() throws {
        let rules = try Self.rules(username: ["claim": "email", "prefix": ""])
        var claims = Self.claims
        #expect(try rules.user(of: claims).name == "jane@acme.io")
        claims["email_verified"] = false
        #expect(throws: ClaimRules.Refusal.self) { try rules.user(of: claims) }
        claims["email_verified"] = "true"
        #expect(throws: ClaimRules.Refusal.self) { try rules.user(of: claims) }
        claims["email_verified"] = nil
        #expect(try rules.user(of: claims).name == "jane@acme.io")
    }

    @Test func `a refusal says the message of its rule`() throws {
        let value = Self.checked("claimValidationRules", ["expression": "false", "message": "not today"])
        let refusal = #expect(throws: ClaimRules.Refusal.self) { try ClaimRules(value).user(of: Self.claims) }
        #expect(
            refusal?.description == "oidc: error evaluating claim validation expression: validation failed: not today")
    }
}
