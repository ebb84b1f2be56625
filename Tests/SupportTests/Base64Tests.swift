import Testing

@testable import Support

@Suite struct Base64Tests {
    /// RFC 4648, section 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `the vectors of the RFC hold`(plain: String, coded: String) {
        #expect(Base64.encode(plain.utf8) == coded)
        #expect(Base64.decode(coded) == Array(plain.utf8))
    }

    @Test func `the URL-safe form has no padding and no slash`() {
        #expect(Base64.encodeURLSafe([0xFB, 0xFF, 0xFE, 0xFF]) == "-__-_w")
        #expect(Base64.decode("-__-_w") == [0xFB, 0xFF, 0xFE, 0xFF])
    }

    @Test(arguments: ["Z", "Zg=g", "Zh==", "Z*==", "Zg==="])
    func `what no encoder writes is refused`(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func `hexadecimal is lower case`() {
        #expect(Hex.encode([0, 0xAB, 0xFF]) == "00abff")
    }
}
