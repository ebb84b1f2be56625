import NIOCore
import Support
import Testing

@testable import Wire

@Suite struct HTTP1ParserTests {
    private func request(_ text: String) throws -> HTTP1RequestHead {
        try Array(text.utf8).withUnsafeBytes { try HTTP1HeadParser.request($0) }
    }

    @Test func `a head is taken apart`() throws {
        let head = try request(
            "PATCH /api/v1?a=b HTTP/1.1\r\nHost: x\r\nX-Empty:\r\ncontent-LENGTH: \t 42 \r\n"
                + "Connection: close, Upgrade\r\n\r\n"
        )
        #expect(head.method == .patch)
        #expect(head.target == "/api/v1?a=b")
        #expect(head.version == .http1_1)
        #expect(head.framing.contentLength == 42)
        #expect(head.framing.isUpgrade)
        #expect(!head.isKeepAlive)
        #expect(head.headers["Content-Length"] == "42")
        #expect(head.headers["x-empty"] == "")
        #expect(head.headers.map(\.name) == ["Host", "X-Empty", "content-LENGTH", "Connection"])
    }

    @Test(arguments: [
        ("GET / HTTP/1.0\r\n\r\n", false), ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: CLOSE\r\n\r\n", false),
    ])
    func `a connection stays as its version and fields say`(text: String, stays: Bool) throws {
        #expect(try request(text).isKeepAlive == stays)
    }

    @Test(arguments: [
        ("http://host:80/a?b", "/a?b"), ("https://host?b", "/?b"), ("http://host", "/"), ("*", "*"),
        ("/", "/"),
    ])
    func `a target is reduced to its path`(target: String, path: String) throws {
        #expect(try request("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n").target == path)
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400), ("GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400),
        ("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400), ("G\u{1}T / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /\u{7f} HTTP/1.1\r\nHost: x\r\n\r\n", 400), ("GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505), ("GET / HTTP/11\r\nHost: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n: x\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: x\r\nA: \u{0}\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            501
        ),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 417),
    ])
    func `what breaks the grammar is refused`(text: String, status: Int) throws {
        #expect { try request(text) } throws: { ($0 as? HTTP1Failure)?.status.code == status }
    }

    @Test func `the end of a head is found however it is cut`() throws {
        let bytes = Array("GET / HTTP/1.1\r\nHost: x\r\n\r\nrest".utf8)
        for step in 1...bytes.count {
            var scanner = HTTP1HeadScanner()
            var found: Int?
            var end = 0
            while found == nil, end < bytes.count {
                end = min(end + step, bytes.count)
                found = try bytes[..<end].withUnsafeBytes { try scanner.headLength(in: $0, limit: 1000) }
            }
            #expect(found == bytes.count - 4)
        }
    }

    @Test func `a head that is too long is refused before it ends`() {
        var scanner = HTTP1HeadScanner()
        let bytes = [UInt8](repeating: 65, count: 101)
        #expect(throws: HTTP1Failure.headTooLarge) {
            try bytes.withUnsafeBytes { try scanner.headLength(in: $0, limit: 100) }
        }
    }

    @Test func `a chunked body comes out whole, however it is cut`() throws {
        let wire = "5;ext=1\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nNEXT"
        for seed in UInt64(0)..<200 {
            var random = SeededRandom(seed: seed)
            var decoder = HTTP1BodyDecoder.chunked
            var buffer = ByteBuffer()
            var rest = Array(wire.utf8)[...]
            var body = ""
            decoding: while true {
                switch try decoder.next(&buffer) {
                case .bytes(let bytes): body += String(buffer: bytes)
                case .end: break decoding
                case .needsMore:
                    try #require(!rest.isEmpty)
                    let count = Int.random(in: 1...max(1, min(7, rest.count)), using: &random)
                    buffer.writeBytes(rest.prefix(count))
                    rest = rest.dropFirst(count)
                }
            }
            #expect(body == "hello 0123456789")
            #expect(String(buffer: buffer) + String(decoding: rest, as: UTF8.self) == "NEXT")
        }
    }

    @Test(arguments: [
        "x\r\n", "\r\n", "-1\r\n", "5 5\n", "1\r\nab\r\n", "1\r\na\n\r\n", "1000000000000000\r\n",
        "1\nA\r\n0\r\n\r\n", "0\r\nA: b\n\r\n", "1" + String(repeating: " ", count: 2000),
    ])
    func `a chunked body that breaks the grammar is refused`(wire: String) {
        var decoder = HTTP1BodyDecoder.chunked
        var buffer = ByteBuffer(string: wire)
        #expect(throws: HTTP1Failure.self) {
            while case .bytes = try decoder.next(&buffer) {}
        }
    }

    @Test func `no bytes whatever crash the parser`() {
        var random = SeededRandom(seed: 7)
        let alphabet = Array("GET / HTTP/1.1\r\n\r\nHost: x:;,\t0 \u{0}é".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            _ = try? bytes.withUnsafeBytes { try HTTP1HeadParser.request($0) }
            _ = try? bytes.withUnsafeBytes { try HTTP1HeadParser.response($0) }
        }
    }
}
