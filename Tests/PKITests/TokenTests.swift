import Support
import Testing

@testable import PKI

@Suite struct JSONWebTokenTests {
    private static let claims = Array(#"{"sub":"system:serviceaccount:default:default"}"#.utf8)

    @Test(arguments: [(KeyTests.rsa, "RS256", 256), (KeyTests.ec, "ES256", 64)])
    func `a token verifies with its key alone`(
        made: Result<PrivateKey, any Error>, algorithm: String, length: Int
    ) throws {
        let key = try made.get()
        let text = try JSONWebToken.sign(payload: Self.claims, with: key)
        let token = try #require(JSONWebToken(text))
        #expect(token.payload == Self.claims)
        let header = #"{"alg":"\#(algorithm)","kid":"\#(key.publicKey.keyID)"}"#
        #expect(String(decoding: token.header, as: UTF8.self) == header)
        #expect(token.isSigned(by: key.publicKey))
        #expect(!token.isSigned(by: try PrivateKey.generateP256().publicKey))
        let signature = try #require(text.split(separator: ".").last.flatMap { Base64.decode($0) })
        #expect(signature.count == length)
    }

    @Test func `no altered character verifies`() throws {
        let key = try KeyTests.ec.get()
        let text = Array(try JSONWebToken.sign(payload: Self.claims, with: key).utf8)
        for index in text.indices {
            var altered = text
            altered[index] = text[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            guard let token = JSONWebToken(String(decoding: altered, as: UTF8.self)) else { continue }
            #expect(!token.isSigned(by: key.publicKey))
        }
    }

    @Test(arguments: [
        "", ".", "a.b", "e30.e30", "e30.e30.e30.e30", "e30.e30.e30=", "e30.e3+.e30", "e30.e31.e30",
    ])
    func `what has not the compact form is refused`(text: String) {
        #expect(JSONWebToken(text) == nil)
    }

    /// RFC 7515, appendix A.3: a token and its key, from the outside.
    @Test func `the ES256 example of the RFC verifies`() throws {
        let x = try #require(Base64.decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"))
        let y = try #require(Base64.decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"))
        let algorithm = DER.sequence(ObjectIdentifier.ecPublicKey.encoded, ObjectIdentifier.p256.encoded)
        let key = try PublicKey(der: DER.sequence(algorithm, DER.bits([4] + x + y)))
        let token = try #require(
            JSONWebToken(
                "eyJhbGciOiJFUzI1NiJ9"
                    + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
                    + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
            ))
        #expect(token.isSigned(by: key))
        #expect(key.jsonWebKey?.parameters == .p256(x: Base64.encodeURLSafe(x), y: Base64.encodeURLSafe(y)))
    }
}

@Suite struct ClusterTokenTests {
    private static let hash = String(repeating: "0a", count: 32)

    @Test(
        arguments: [
            ("K10\(hash)::server:secret", hash, .password(user: "server", password: "secret")),
            ("K10\(hash)::node:a:b::c", hash, .password(user: "node", password: "a:b::c")),
            ("secret", nil, .password(user: "", password: "secret")),
            ("a:b", nil, .password(user: "", password: "a:b")),
        ] as [(String, String?, ClusterToken.Credential)])
    func `the forms of a token read and write`(
        text: String, hash: String?, credential: ClusterToken.Credential
    ) throws {
        let token = try ClusterToken(text + "\n")
        #expect(token.authoritiesHash == hash)
        #expect(token.credential == credential)
        #expect(token.text == text)
    }

    @Test(arguments: ["abcdef.0123456789abcdef", "K10\(hash)::abcdef.0123456789abcdef"])
    func `a bootstrap token is told from a password`(text: String) throws {
        let token = try ClusterToken(text)
        guard case .bootstrap(let bootstrap) = token.credential else {
            Issue.record("read as a password")
            return
        }
        #expect(bootstrap.id == "abcdef" && bootstrap.secret == "0123456789abcdef")
        #expect(token.text == text)
    }

    @Test(arguments: [
        "", " \n", "K10", "K10abc::server:x", "K10\(hash):server:x", "K10\(hash)::server", "K10\(hash)::s:",
        "a\nb",
    ])
    func `what is no token is refused`(text: String) {
        #expect(throws: Fault.self) { try ClusterToken(text) }
    }

    @Test func `random tokens have their form`() {
        let token = BootstrapToken.random()
        #expect(BootstrapToken(token.text) == token)
        #expect(ClusterToken.randomPassword().utf8.count == 32)
        for text in [
            "abcdef.0123456789abcdeF", "abcde.0123456789abcdef", "abcdef0123456789abcdef",
            "abcdef.0123456789abcdef.",
        ] {
            #expect(BootstrapToken(text) == nil)
        }
    }

    @Test func `one authority is hashed as text, a chain by its root`() throws {
        let root = try Samples.authority("root")
        let key = try PrivateKey.generateP256()
        let template = CertificateTemplate(
            subject: DistinguishedName(commonName: "between"), keyUsage: [.certificateSigning],
            isAuthority: true,
            notBefore: Samples.now, notAfter: Samples.now + Samples.day)
        let between = try root.issue(template, for: key.publicKey)

        #expect(try ClusterToken.hash(ofAuthorities: root.pem) == Hex.encode(Digest.sha256(root.pem)))
        let chain = [between, root.certificate].pem
        #expect(try ClusterToken.hash(ofAuthorities: chain) == Hex.encode(root.certificate.fingerprint))
        let roots = [root.certificate, try Samples.authority("other").certificate].pem
        #expect(try ClusterToken.hash(ofAuthorities: roots) == Hex.encode(Digest.sha256(roots)))
        let strangers = [between, try Samples.authority("other").certificate].pem
        #expect(try ClusterToken.hash(ofAuthorities: strangers) == Hex.encode(Digest.sha256(strangers)))
    }
}
