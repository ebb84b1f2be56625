import Support
import Testing

@testable import Wire

@Suite struct WebSocketHandshakeTests {
    /// RFC 6455, section 1.3.
    @Test func `the key of the RFC is accepted as it says`() {
        #expect(WebSocketHandshake.accept(key: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    /// RFC 3174, section 7.3, and lengths around the block size, computed with another implementation.
    @Test(arguments: [
        ("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
        ("", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("a", 55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"),
        ("a", 64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"),
    ])
    func `SHA-1 is SHA-1`(text: String, count: Int, hash: String) {
        #expect(Hex.encode(SHA1.hash(Array(String(repeating: text, count: count).utf8))) == hash)
    }

    @Test func `keys are sixteen bytes`() {
        #expect(WebSocketHandshake.isValid(key: WebSocketHandshake.makeKey()))
        #expect(!WebSocketHandshake.isValid(key: "c2hvcnQ="))
    }

    @Test(
        arguments: [
            (["v5.channel.k8s.io,v4.channel.k8s.io"], "v5.channel.k8s.io"),
            (["nope, \tv4.channel.k8s.io ", "v5.channel.k8s.io"], "v4.channel.k8s.io"),
            (["nope"], nil), ([], nil),
        ] as [([String], String?)])
    func `the client's first wish that is known is chosen`(offered: [String], chosen: String?) {
        let supported = [WebSocketSubprotocol.channelV4, WebSocketSubprotocol.channelV5]
        #expect(WebSocketHandshake.choose(offered: offered, supported: supported) == chosen)
    }
}
