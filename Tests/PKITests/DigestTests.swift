import PKI
import Support
import Testing

@Suite struct DigestTests {
    /// FIPS 180-2, appendix A and B.
    @Test func `the vectors of the standard hold`() {
        #expect(Hex.encode(Digest.sha1("abc".utf8)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(
            Hex.encode(Digest.sha256("abc".utf8))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            Hex.encode(Digest.sha256([]))
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    /// RFC 4231, test case 2; and the empty key, which libcrypto gives a meaning of its own.
    @Test func `HMAC holds its vectors`() {
        #expect(
            Hex.encode(Digest.hmacSHA256("what do ya want for nothing?".utf8, key: "Jefe".utf8))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(
            Hex.encode(Digest.hmacSHA256([], key: [UInt8]()))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test func `secrets compare by their bytes`() {
        #expect(Secret.isEqual("", ""))
        #expect(Secret.isEqual("secret", "secret"))
        #expect(!Secret.isEqual("secret", "secreT"))
        #expect(!Secret.isEqual("secret", "secret "))
        let hex = Secret.randomHex(bytes: 16)
        #expect(hex.count == 32 && hex.allSatisfy { $0.isHexDigit && !$0.isUppercase })
        #expect(hex != Secret.randomHex(bytes: 16))
    }
}
