import APIMachinery
import PKI
import Support
import Testing
import Wire

@testable import APIServer

/// Who a request comes from, by what it carries besides a token.
@Suite struct FrontProxyTests {
    private static let now = Timestamp(seconds: 1_800_000_000)

    /// An authority, and certificates by common name.
    private struct World {
        let proxies: CertificateAuthority
        let clients: CertificateAuthority

        init() throws {
            (proxies, clients) = (try Self.authority("proxies"), try Self.authority("clients"))
        }

        private static func authority(_ name: String) throws -> CertificateAuthority {
            try CertificateAuthority(
                selfSigned: CertificateTemplate(
                    subject: DistinguishedName(commonName: name), keyUsage: [.certificateSigning], isAuthority: true,
                    notBefore: now + .seconds(-60), notAfter: now + .seconds(3600)), key: .generateP256())
        }

        func certificate(_ name: String, by authority: CertificateAuthority) throws -> [UInt8] {
            try authority.issue(
                CertificateTemplate(
                    subject: DistinguishedName(commonName: name, organizations: ["team"]), extendedKeyUsages: [.clientAuth],
                    notBefore: now + .seconds(-60), notAfter: now + .seconds(3600)), for: PrivateKey.generateP256().publicKey
            ).der
        }

        func authenticator(_ anonymous: AnonymousAccess = AnonymousAccess()) throws -> RequestAuthenticator {
            try RequestAuthenticator(
                frontProxy: FrontProxy(
                    FrontProxyOptions(authorities: [proxies.certificate], allowedNames: ["front"]), now: { now }),
                certificates: ClientCertificates(
                    verifier: CertificateVerifier(authorities: [clients.certificate], usage: .clientAuth), now: { now }),
                tokens: TokenChain(methods: [StaticTokens(csv: "one,jane,7")]), audiences: [], anonymous: anonymous)
        }
    }

    private static func request(
        at path: String = "/api", certificate: [UInt8]? = nil, _ headers: HTTPHeaders = [:]
    ) throws -> HTTPRequest {
        let address = HTTPAddress.tcp(host: "127.0.0.1", port: 1)
        return try #require(
            HTTPRequest(
                method: .get, target: path, version: .http1_1, headers: headers,
                connection: HTTPConnectionInfo(
                    remoteAddress: address, localAddress: address, peerCertificates: certificate.map { [$0] } ?? [])))
    }

    private static let asJane: HTTPHeaders = [
        "X-Remote-User": "jane", "X-Remote-Group": "devs", "X-Remote-Extra-Scopes": "a", "X-Remote-Extra-acme.com%2Fp": "b",
        "X-Remote-Uid": "7",
    ]

    @Test func `a proxy of the right authority and name is believed`() throws {
        let world = try World()
        let user = try world.authenticator().authenticate(
            Self.request(certificate: world.certificate("front", by: world.proxies), Self.asJane))
        #expect(
            user
                == User(
                    name: "jane", uid: "7", groups: ["devs", "system:authenticated"],
                    extra: ["scopes": ["a"], "acme.com/p": ["b"]]))
    }

    @Test func `others are not: they are who they are, or nobody`() throws {
        let world = try World()
        let authenticator = try world.authenticator(AnonymousAccess(isEnabled: true))
        #expect(throws: Status.self) {
            try authenticator.authenticate(
                Self.request(certificate: world.certificate("other", by: world.proxies), Self.asJane))
        }
        let client = try authenticator.authenticate(
            Self.request(certificate: world.certificate("front", by: world.clients), Self.asJane))
        #expect(client?.name == "front" && client?.groups == ["team", "system:authenticated"])
        #expect(try authenticator.authenticate(Self.request(Self.asJane))?.name == "system:anonymous")
    }

    @Test func `a token counts where no certificate does, also from a browser's WebSocket`() throws {
        let world = try World()
        let authenticator = try world.authenticator()
        let encoded = Base64.encodeURLSafe("one".utf8)
        for headers: HTTPHeaders in [
            ["Authorization": "Bearer one"],
            Self.webSocket("v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.\(encoded)"),
        ] {
            #expect(try authenticator.authenticate(Self.request(headers))?.name == "jane")
            let stranger = try Self.request(certificate: world.certificate("x", by: world.proxies), headers)
            #expect(try authenticator.authenticate(stranger)?.name == "jane")
        }
        #expect(throws: Status.self) { try authenticator.authenticate(Self.request(["Authorization": "Bearer two"])) }
        #expect(throws: Status.self) { try authenticator.authenticate(Self.request()) }
    }

    private static func webSocket(_ protocols: String) -> HTTPHeaders {
        ["Connection": "keep-alive, Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Protocol": protocols]
    }

    @Test func `a WebSocket brings one token, and another subprotocol to agree upon`() throws {
        let world = try World()
        let token = "base64url.bearer.authorization.k8s.io." + Base64.encodeURLSafe("one".utf8)
        let authenticator = try world.authenticator(AnonymousAccess(isEnabled: true))
        for protocols in [
            token, "\(token), \(token), v5.channel.k8s.io", "v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.?",
        ] {
            #expect(throws: Status.self, "\(protocols)") {
                try authenticator.authenticate(Self.request(Self.webSocket(protocols)))
            }
        }
        // What is no WebSocket brings none.
        let plain = try authenticator.authenticate(Self.request(["Sec-WebSocket-Protocol": "v5.channel.k8s.io, \(token)"]))
        #expect(plain?.name == "system:anonymous")
    }

    @Test(arguments: [(AnonymousAccess(), "/livez", false), (AnonymousAccess(isEnabled: true), "/api", true)] + [
        (AnonymousAccess(isEnabled: true, paths: ["/livez"]), "/livez", true),
        (AnonymousAccess(isEnabled: true, paths: ["/livez"]), "/api", false),
    ])
    func `who shows nothing is anonymous where that is allowed`(_ access: AnonymousAccess, _ path: String, _ isLetIn: Bool) throws {
        let user = try? World().authenticator(access).authenticate(Self.request(at: path))
        #expect((user == User(name: "system:anonymous", groups: ["system:unauthenticated"])) == isLetIn)
    }
}
