import NIOCore
import NIOHPACK
import NIOHTTP2
import Support
import Synchronization
import Testing

@testable import Wire

/// Clients that take their time, on purpose or not: none holds a connection, a body or an answer for ever.
@Suite(.timeLimit(.minutes(1))) struct SlowClientTests {
    private static func impatient(_ change: (inout HTTPServerLimits) -> Void) -> HTTPServerLimits {
        var limits = HTTPServerLimits()
        change(&limits)
        return limits
    }

    private static func identity() throws -> TLSIdentity {
        try TLSIdentity(certificatePEM: TestCertificates.server, keyPEM: TestCertificates.serverKey)
    }

    /// Sends the text byte by byte, with pauses, until the server has had enough.
    private static func drip(_ text: String, to address: HTTPAddress) async throws -> String {
        try await RawClient.talk(to: address) { outbound, transcript in
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for byte in text.utf8 {
                        try await outbound.write(ByteBuffer(bytes: [byte]))
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
                try? await transcript.readToEnd()
                group.cancelAll()
            }
            return transcript.text
        }
    }

    @Test func `a head that is dripped is not waited for, however steadily it comes`() async throws {
        let limits = Self.impatient { $0.headerTimeout = .milliseconds(100) }
        try await withServer(limits: limits) { _, exchange in
            exchange.respond(.ok)
        } _: { _, address in
            let head = "GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 10_000)
            let answer = try await Self.drip(head, to: address)
            #expect(answer == "")
        }
    }

    @Test func `a handshake that is not begun is not waited for`() async throws {
        let limits = Self.impatient { $0.headerTimeout = .milliseconds(10) }
        try await withServer(certificates: try Self.identity(), limits: limits) { _, exchange in
            exchange.respond(.ok)
        } _: { _, address in
            try await RawClient.talk(to: address) { _, transcript in try await transcript.readToEnd() }
        }
    }

    @Test func `a connection of HTTP 2 that asks for nothing is closed`() async throws {
        let limits = Self.impatient { $0.headerTimeout = .milliseconds(10) }
        try await withServer(certificates: try Self.identity(), limits: limits) { _, exchange in
            exchange.respond(.ok)
        } _: { _, address in
            let client = try await HTTP2Client.connect(to: address)
            try await client.channel.closeFuture.get()
        }
    }

    /// Answers `/end` with more than any socket takes, `/endless` with as much and no end.
    private static func generous(
        _ request: HTTPRequest, _ exchange: HTTPExchange, _ ends: Ends
    ) {
        exchange.whenEnded { ends.tell(request.path, $0) }
        guard request.path != "/" else { return exchange.respond(.ok) }
        let bytes = [UInt8](repeating: 120, count: 32 << 20)
        guard request.path == "/endless" else { return exchange.respond(.ok, [:], bytes) }
        exchange.startResponse(.ok, limit: bytes.count).write(bytes)
    }

    /// How exchanges ended, by their paths.
    private final class Ends: Sendable {
        let all = Mutex<[String: HTTPExchangeEnd]>([:])
        let broken = Latch<String>()

        func tell(_ path: String, _ end: HTTPExchangeEnd) {
            all.withLock { $0[path] = end }
            if case .broken = end { broken.set(path) }
        }
    }

    private static let impatientWithReaders = impatient { $0.stallTimeout = .milliseconds(100) }

    @Test func `who does not read an answer that has an end is given up, and nobody else`() async throws {
        let ends = Ends()
        try await withServer(limits: Self.impatientWithReaders) {
            Self.generous($0, $1, ends)
        } _: { _, address in
            func request(_ path: String) -> ByteBuffer { ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n") }
            try await RawClient.talk(to: address) { endless, _ in
                try await endless.write(request("/endless"))
                try await RawClient.talk(to: address) { outbound, _ in
                    try await outbound.write(request("/end"))
                    #expect(await ends.broken.value == "/end")
                }
                #expect(ends.all.withLock { $0["/endless"] } == nil)
                let text = try await RawClient.exchange(
                    "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with: address)
                #expect(text.hasPrefix("HTTP/1.1 200 "))
            }
        }
    }

    @Test func `a stream that is not read is reset, and the others of its connection go on`() async throws {
        let ends = Ends()
        try await withServer(certificates: try Self.identity(), limits: Self.impatientWithReaders) {
            Self.generous($0, $1, ends)
        } _: { _, address in
            let client = try await HTTP2Client.connect(to: address)
            try await client.talk("GET", "/end", endsStream: true) { _, _ in
                let before = try await client.send("GET", "/")
                #expect(before.headers.first(name: ":status") == "200")
                #expect(await ends.broken.value == "/end")
                let after = try await client.send("GET", "/")
                #expect(after.headers.first(name: ":status") == "200")
            }
            try await client.channel.close()
        }
    }

    @Test func `a client that grants no window cannot keep answers waiting`() async throws {
        try await withServer(certificates: try Self.identity(), limits: Self.impatientWithReaders) { _, exchange in
            exchange.respond(.ok, [:], Array("hello".utf8))
        } _: { _, address in
            let client = try await HTTP2Client.connect(to: address, window: 0)
            let response = try await client.send("GET", "/")
            #expect(response.headers.first(name: ":status") == "200")
            #expect(response.wasReset && response.body.isEmpty)
            try await client.channel.close()
        }
    }
}
