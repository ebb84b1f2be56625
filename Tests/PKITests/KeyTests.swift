import Support
import Testing

@testable import PKI

@Suite struct KeyTests {
    static let rsa = Result { try PrivateKey.generateRSA2048() }
    static let ec = Result { try PrivateKey.generateP256() }

    @Test(arguments: [ec, rsa])
    func `a key reads back from its PEM text and signs the same`(made: Result<PrivateKey, any Error>) throws {
        let key = try made.get()
        let again = try PrivateKey(pem: try key.pem)
        #expect(again.publicKey == key.publicKey)
        #expect(try PublicKey(pem: key.publicKey.pem) == key.publicKey)

        let signature = try again.signature(of: "a message".utf8)
        #expect(key.publicKey.isSignature(signature, of: "a message".utf8))
        #expect(!key.publicKey.isSignature(signature, of: "another message".utf8))
        #expect(!key.publicKey.isSignature(signature.dropLast(), of: "a message".utf8))
        let stranger = try PrivateKey.generateP256()
        #expect(!stranger.publicKey.isSignature(signature, of: "a message".utf8))
    }

    @Test func `PEM labels are those of k3s`() throws {
        let ec = String(decoding: try Self.ec.get().pem, as: UTF8.self)
        #expect(
            ec.hasPrefix("-----BEGIN EC PRIVATE KEY-----\n") && ec.hasSuffix("-----END EC PRIVATE KEY-----\n")
        )
        #expect(
            String(decoding: try Self.rsa.get().pem, as: UTF8.self).hasPrefix(
                "-----BEGIN RSA PRIVATE KEY-----\n"))
    }

    @Test func `an RSA key has 2048 bits and the usual exponent`() throws {
        let key = try #require(try Self.rsa.get().publicKey.jsonWebKey)
        guard case .rsa(let modulus, let exponent) = key.parameters else {
            Issue.record("not an RSA key")
            return
        }
        let bytes = try #require(Base64.decode(modulus))
        #expect(bytes.count == 256 && bytes[0] >= 0x80)
        #expect(exponent == "AQAB")
    }

    /// People bring their own authorities. RFC 8410, 10.3, and a fresh key on P-384 in PKCS #8.
    @Test(arguments: [
        ("MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC", KeyKind.ed25519),
        (
            "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAEUHUV2lCH76PEk2bFo/T+xGpQQgrS8rRKr4N4qfRwVjOFs2dV"
                + "TwewTfYINPvdM3yhZANiAATt3MayWePmTgt6TOSnYtq8Cuz/0nSnFR39W9lW5xT8/uzU/m0hnyyl9Dmisp+ua9/fsrtNF2cV"
                + "/wYOA7juuU/ptmrAzvctmU1GDXWxf8Trs7xTwPRbr6xWXZj33tU2Bl8=", KeyKind.ecOther
        ),
    ])
    func `keys of other kinds can be read and sign`(base64: String, kind: KeyKind) throws {
        let text = "-----BEGIN PRIVATE KEY-----\n\(base64)\n-----END PRIVATE KEY-----\n"
        let key = try PrivateKey(pem: Array(text.utf8))
        #expect(key.kind == kind)
        #expect(key.publicKey.isSignature(try key.signature(of: "x".utf8), of: "x".utf8))
        #expect(try PrivateKey(pem: try key.pem).publicKey == key.publicKey)
    }

    @Test(arguments: [
        "", "no key here", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\nAAAA\n",
        "-----BEGIN EC PRIVATE KEY-----\n***\n-----END EC PRIVATE KEY-----\n",
    ])
    func `what is no key is refused with a reason`(text: String) {
        #expect(throws: Fault.self) { try PrivateKey(pem: Array(text.utf8)) }
    }

    @Test(arguments: [ec, rsa])
    func `a key that was just read serves many threads at once`(made: Result<PrivateKey, any Error>)
        async throws
    {
        let key = try PrivateKey(pem: try made.get().pem)
        let signed = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<64 {
                group.addTask {
                    let message = [UInt8(number)]
                    guard let signature = try? key.signature(of: message) else { return false }
                    return key.publicKey.isSignature(signature, of: message)
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(signed == 64)
    }

    @Test func `a private key does not print itself`() throws {
        #expect("\(try Self.ec.get())" == "private key (ecP256)")
    }
}
