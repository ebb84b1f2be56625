import NIOCore
import Testing

@testable import Wire

@Suite struct HTTPServerBodyTests {
    /// Collects up to ten bytes and answers with them, or with the status of what went wrong.
    private static let collector: @Sendable (HTTPRequest, HTTPExchange) -> Void = { _, exchange in
        exchange.collectBody(limit: 10) { result in
            switch result {
            case .success(let bytes): exchange.respond(.ok, [:], bytes)
            case .failure(let error): exchange.respond(error.status, [:], Array("\(error)".utf8))
            }
        }
    }

    private static let close = "Host: x\r\nConnection: close\r\n"

    @Test(arguments: [
        ("Content-Length: 5\r\n\r\nhello", "200", "hello"), ("Content-Length: 0\r\n\r\n", "200", ""),
        ("Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "200", "hello"),
        ("Content-Length: 10\r\n\r\n0123456789", "200", "0123456789"),
        ("Content-Length: 11\r\n\r\n01234567890", "413", "tooLarge(limit: 10)"),
        ("Content-Length: 999999999999\r\n\r\n", "413", "tooLarge(limit: 10)"),
        ("Transfer-Encoding: chunked\r\n\r\nB\r\n01234567890\r\n0\r\n\r\n", "413", "tooLarge(limit: 10)"),
        ("Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n", "400", "malformed"),
        ("Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", "200", "hello"),
    ])
    func `a body is collected up to the limit`(rest: String, status: String, body: String) async throws {
        let text = try await withServer(Self.collector) { _, address in
            try await RawClient.exchange("POST / HTTP/1.1\r\n" + Self.close + rest, with: address)
        }
        let continues = rest.hasPrefix("Expect") ? "HTTP/1.1 100 Continue\r\n\r\n" : ""
        #expect(text.hasPrefix(continues + "HTTP/1.1 \(status) "))
        #expect(text.hasSuffix("\r\n\r\n" + body))
    }

    @Test func `a client that waits for permission to send a body that is too large is refused at once`()
        async throws
    {
        let text = try await withServer(Self.collector) { _, address in
            try await RawClient.exchange(
                "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n",
                with: address)
        }
        #expect(text.hasPrefix("HTTP/1.1 413 "))
        #expect(text.contains("Connection: close\r\n"))
    }

    @Test(arguments: ["Content-Length: 5\r\n\r\nhell", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"])
    func `a body that was cut short never reaches the handler as complete`(rest: String) async throws {
        let outcome = Latch<Result<[UInt8], HTTPBodyError>>()
        try await withServer { _, exchange in
            exchange.collectBody(limit: 10) { outcome.set($0) }
        } _: { _, address in
            try await RawClient.talk(to: address) { outbound, _ in
                try await outbound.write(ByteBuffer(string: "POST / HTTP/1.1\r\nHost: x\r\n" + rest))
            }
            #expect(await outcome.value == .failure(.cutShort))
        }
    }

    @Test func `a body that stalls ends with 408`() async throws {
        var limits = HTTPServerLimits()
        limits.stallTimeout = .milliseconds(10)
        let text = try await withServer(limits: limits, Self.collector) { _, address in
            try await RawClient.exchange(
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhell", with: address)
        }
        #expect(text.hasPrefix("HTTP/1.1 408 "))
    }

    @Test func `a client that never sends a body that nobody wants is let go`() async throws {
        var limits = HTTPServerLimits()
        limits.stallTimeout = .milliseconds(10)
        let text = try await withServer(limits: limits) { _, exchange in
            exchange.respond(.ok, [:], Array("early".utf8))
        } _: { _, address in
            try await RawClient.exchange(
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", with: address)
        }
        #expect(text.hasSuffix("early"))
    }

    @Test func `a body that nobody reads is dropped and the connection goes on`() async throws {
        let text = try await withServer { request, exchange in
            exchange.respond(.ok, [:], Array(request.path.utf8))
        } _: { _, address in
            try await RawClient.exchange(
                "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\n"
                    + Self.close + "\r\n",
                with: address)
        }
        #expect(text.contains("\r\n\r\n/aHTTP/1.1 200 OK"))
        #expect(text.hasSuffix("/b"))
    }

    @Test func `a body is streamed to a slow reader in batches of bounded size`() async throws {
        let total = 16 << 20
        let client = HTTPClient()
        let text = try await withServer { _, exchange in
            exchange.run {
                var (count, largest) = (0, 0)
                for try await chunk in exchange.bodyStream() {
                    count += chunk.count
                    largest = max(largest, chunk.count)
                    for _ in 0..<100 { await Task.yield() }
                }
                // The high-water mark, and one read from the socket that went beyond it.
                #expect(largest <= 256 << 10)
                exchange.respond(.ok, [:], Array("\(count)".utf8))
            }
        } _: { _, address in
            let response = try await client.send(
                HTTPClientRequest(
                    .put, HTTPOrigin(address, isSecure: false), "/",
                    body: .bytes([UInt8](repeating: 7, count: total))))
            return String(decoding: try await response.body.collect(limit: 100), as: UTF8.self)
        }
        #expect(text == "\(total)")
    }

    @Test func `a body whose last bytes make the reader pause still ends`() async throws {
        // Exactly the high-water mark, and a reader that comes late.
        let body = [UInt8](repeating: 7, count: 128 << 10)
        let client = HTTPClient()
        try await withServer { _, exchange in
            exchange.run {
                let stream = exchange.bodyStream()
                for _ in 0..<2000 { await Task.yield() }
                var count = 0
                for try await chunk in stream { count += chunk.count }
                exchange.respond(.ok, [:], Array("\(count)".utf8))
            }
        } _: { _, address in
            for _ in 0..<20 {
                let response = try await client.send(
                    HTTPClientRequest(
                        .put, HTTPOrigin(address, isSecure: false), "/", body: .bytes(body), timeout: .seconds(10)))
                let text = String(decoding: try await response.body.collect(limit: 100), as: UTF8.self)
                #expect(text == "\(body.count)")
            }
        }
    }
}
