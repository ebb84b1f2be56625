import Support
import Testing

@testable import APIServer

/// Which kubeconfig files name a webhook. Pure.
@Suite struct WebhookKubeconfigTests {
    private static func text(
        cluster: String = "server: https://a.b", user: String = "token: t", context: String = "c"
    ) -> String {
        """
        current-context: \(context)
        contexts: [{name: c, context: {cluster: w, user: u}}]
        clusters: [{name: w, cluster: {\(cluster)}}]
        users: [{name: u, user: {\(user)}}]
        """
    }

    private static func read(_ text: String) throws -> WebhookKubeconfig {
        try WebhookKubeconfig(text: text) { name throws(Fault) in
            guard name != "gone" else { throw Fault(.notFound, "gone") }
            return Array("of \(name)\n".utf8)
        }
    }

    @Test func `server, trust and credentials come from the current context`() throws {
        let config = try Self.read(
            Self.text(
                cluster: "server: https://a.b/c, certificate-authority: ca, tls-server-name: hook.acme",
                user: "client-certificate: crt, client-key-data: YWJj, tokenFile: t"))
        #expect(config.url == "https://a.b/c")
        #expect(config.authorities == Array("of ca\n".utf8))
        #expect(config.serverName == "hook.acme" && config.isVerifying)
        #expect(config.certificatePEM == Array("of crt\n".utf8))
        #expect(config.keyPEM == Array("abc".utf8))
        #expect(config.authorization == "Bearer oft")
        #expect(!config.description.contains("oft"))
    }

    @Test(arguments: [
        ("token: t", "Bearer t"), ("username: a, password: b", "Basic YTpi"), ("client-key: k", nil),
    ] as [(String, String?)])
    func `a token, a file of it or a name with a password is sent`(user: String, header: String?) throws {
        #expect(try Self.read(Self.text(user: user)).authorization == header)
    }

    @Test(arguments: [
        ("a: [", "YAML"), (text(context: "''"), "current-context"), (text(context: "x"), "contexts has no entry"),
        (text(cluster: "server: http://a.b"), "https"), (text(cluster: "server: https://a, certificate-authority: gone"), "gone"),
        (text(cluster: "server: https://a, certificate-authority-data: '*'"), "Base64"),
        (text(user: "exec: {command: x}"), "exec is not built"),
    ])
    func `a fault says what is wrong`(text: String, why: String) {
        let fault = #expect(throws: Fault.self) { try Self.read(text) }
        #expect(fault?.summary.contains(why) == true)
    }
}
