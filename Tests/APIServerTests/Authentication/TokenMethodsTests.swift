import APIMachinery
import PKI
import Support
import Testing

@testable import APIServer

/// Tokens that others than service accounts bear. Pure.
@Suite struct TokenMethodsTests {
    private static func holder(_ verdict: TokenVerdict) -> User? {
        if case .holder(let holder) = verdict { holder.user } else { nil }
    }

    @Test func `a token file names users, their ids and groups`() throws {
        let tokens = try StaticTokens(
            csv: """
                one,jane,7
                two,"doe, john",8,"admins,devs"

                ,nobody,9
                """)
        #expect(Self.holder(tokens.look("one", for: [])) == User(name: "jane", uid: "7"))
        #expect(Self.holder(tokens.look("two", for: [])) == User(name: "doe, john", uid: "8", groups: ["admins", "devs"]))
        for token in ["", "three", "one ", "jane"] { #expect(tokens.look(token, for: []) == .unknown) }
        let fault = #expect(throws: Fault.self) { try StaticTokens(csv: "one,jane,7\ntwo,john") }
        #expect(fault?.summary.contains("line 2") == true && fault?.summary.contains("two,") == false)
    }

    private static let now = Timestamp(seconds: 1_800_000_000)

    private static func secret(_ change: [String: String?] = [:], type: String = "bootstrap.kubernetes.io/token") -> Value {
        var texts: [String: String] = [
            "token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true",
        ]
        for (key, text) in change { texts[key] = text }
        return [
            "type": .string(type),
            "data": .object(Fields(texts.map { ($0.key, .string(Base64.encode(Array($0.value.utf8)))) })),
        ]
    }

    @Test func `a bootstrap token is known by its Secret`() throws {
        let token = try #require(BootstrapToken("abcdef.0123456789abcdef"))
        func groups(_ secret: Value) -> [String]? { BootstrapTokens.groups(secret, token, Self.now) }
        #expect(groups(Self.secret()) == ["system:bootstrappers"])
        #expect(
            groups(Self.secret(["auth-extra-groups": "system:bootstrappers:k3s:agents"]))
                == ["system:bootstrappers", "system:bootstrappers:k3s:agents"])
        #expect(groups(Self.secret(["expiration": "2100-01-01T00:00:00Z"])) != nil)
    }

    @Test(arguments: [
        ["token-secret": "0123456789abcdeg"], ["token-id": "abcdeg"], ["usage-bootstrap-authentication": "false"],
        ["usage-bootstrap-authentication": nil], ["expiration": "2001-01-01T00:00:00Z"], ["expiration": "never"],
        ["auth-extra-groups": "system:masters"], ["auth-extra-groups": "system:bootstrappers:"],
        ["auth-extra-groups": "system:bootstrappers:a,system:bootstrappersb"],
    ] as [[String: String?]])
    func `a bootstrap token that is wrong, expired, meant for something else or grants too much is none`(
        change: [String: String?]
    ) throws {
        let token = try #require(BootstrapToken("abcdef.0123456789abcdef"))
        #expect(BootstrapTokens.groups(Self.secret(change), token, Self.now) == nil)
    }

    @Test func `a Secret of another type is no bootstrap token`() throws {
        let token = try #require(BootstrapToken("abcdef.0123456789abcdef"))
        #expect(BootstrapTokens.groups(Self.secret(type: "Opaque"), token, Self.now) == nil)
    }

    @Test func `the first method that knows a token decides, and what all refuse says why`() throws {
        let a = try StaticTokens(csv: "one,jane,7")
        let b = try StaticTokens(csv: "one,john,8\ntwo,john,8")
        let chain = TokenChain(methods: [a, b])
        #expect(Self.holder(chain.look("one", for: [])) == User(name: "jane", uid: "7", groups: ["system:authenticated"]))
        #expect(Self.holder(chain.look("two", for: []))?.name == "john")
        #expect(chain.look("three", for: []) == .unknown)
    }
}
