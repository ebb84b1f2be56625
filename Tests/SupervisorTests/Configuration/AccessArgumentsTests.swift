import Support
import Testing

@testable import Supervisor

@Suite struct AccessArgumentsTests {
    private static func read(_ arguments: String...) throws(Fault) -> AccessArguments {
        try APIServerArguments(arguments).access
    }

    @Test func `flags of issuers, webhooks and authorizers are read`() throws {
        let access = try Self.read(
            "oidc-issuer-url=https://id.acme.io", "oidc-client-id=k", "oidc-required-claim=a=b",
            "oidc-signing-algs=RS256,ES256", "authentication-token-webhook-config-file=/t",
            "authentication-token-webhook-cache-ttl=1m", "authorization-mode=Node,Webhook,RBAC",
            "authorization-webhook-config-file=/a", "authorization-webhook-version=v1",
            "authorization-webhook-cache-unauthorized-ttl=0s")
        #expect(access.issuer?.url == "https://id.acme.io" && access.issuer?.clientID == "k")
        #expect(access.issuer?.requiredClaims == ["a=b"])
        #expect(access.issuer?.signingAlgorithms == ["RS256", "ES256"])
        #expect(access.tokenWebhook == AccessArguments.WebhookArguments(file: "/t"))
        #expect(access.tokenLifetime == .seconds(60))
        #expect(access.authorizationModes == ["Node", "Webhook", "RBAC"])
        #expect(access.authorizationWebhook == AccessArguments.WebhookArguments(file: "/a", version: "v1"))
        #expect(access.otherLifetime == .zero && access.allowedLifetime == nil)
    }

    @Test func `nothing said is nothing wanted`() throws {
        let access = try Self.read()
        #expect(access.issuer == nil && access.tokenWebhook == nil && access.authorizationModes.isEmpty)
    }

    @Test(arguments: [
        ["oidc-client-id=k"], ["oidc-issuer-url=https://a", "oidc-client-id=k", "authentication-config=/c"],
        ["authorization-config=/c", "authorization-mode=RBAC"], ["authentication-token-webhook-version=v3"],
        ["authorization-webhook-cache-authorized-ttl=soon"],
    ])
    func `flags that contradict each other are refused`(arguments: [String]) {
        let fault = #expect(throws: Fault.self) { try APIServerArguments(arguments) }
        #expect(fault?.summary.hasPrefix("--kube-apiserver-arg: ") == true)
    }
}
