import NIOCore
import NIOHPACK
import NIOHTTP2
import Support
import Synchronization
import Testing

@testable import Wire

@Suite struct HTTP2ServerTests {
    private static func withClient(
        limits: HTTPServerLimits = HTTPServerLimits(),
        _ handler: @escaping @Sendable (HTTPRequest, HTTPExchange) -> Void,
        _ body: @Sendable (HTTPServer, HTTP2Client) async throws -> Void
    ) async throws {
        let identity = try TLSIdentity(
            certificatePEM: TestCertificates.server, keyPEM: TestCertificates.serverKey)
        try await withServer(certificates: identity, limits: limits, handler) { server, address in
            let client = try await HTTP2Client.connect(to: address)
            try await body(server, client)
            try? await client.channel.close()
        }
    }

    @Test func `a request is answered with its fields and body`() async throws {
        try await Self.withClient { request, exchange in
            #expect(request.version == .http2)
            #expect(request.headers["Host"] == "localhost")
            #expect(request.headers["X-Test"] == "1")
            exchange.collectBody(limit: 100) { body in
                exchange.respond(
                    .created, ["X-Path": request.target, "Connection": "close"], (try? body.get()) ?? [])
            }
        } _: { _, client in
            let response = try await client.send("POST", "/a?b", [("x-test", "1")], body: Array("hello".utf8))
            #expect(response.headers.first(name: ":status") == "201")
            #expect(response.headers.first(name: "x-path") == "/a?b")
            #expect(response.headers.first(name: "content-length") == "5")
            #expect(response.headers.first(name: "connection") == nil)
            #expect(response.body == Array("hello".utf8))
        }
    }

    @Test func `many streams share a connection and do not wait for each other`() async throws {
        let waiting = Atomic<Int>(0)
        let everyoneIsHere = Latch<Bool>()
        try await Self.withClient { request, exchange in
            if waiting.add(1, ordering: .relaxed).newValue == 100 { everyoneIsHere.set(true) }
            exchange.run {
                _ = await everyoneIsHere.value
                exchange.respond(.ok, [:], Array(request.path.utf8))
            }
        } _: { _, client in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<100 {
                    group.addTask {
                        try await client.send("GET", "/\(index)").body == Array("/\(index)".utf8)
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test(arguments: [(11, "413"), (10, "200")])
    func `a body above the limit is refused`(count: Int, status: String) async throws {
        try await Self.withClient { _, exchange in
            exchange.collectBody(limit: 10) { result in
                switch result {
                case .success(let body): exchange.respond(.ok, [:], body)
                case .failure(let error): exchange.respond(error.status)
                }
            }
        } _: { _, client in
            let response = try await client.send("PUT", "/", body: [UInt8](repeating: 1, count: count))
            #expect(response.headers.first(name: ":status") == status)
        }
    }

    @Test func `a body that was cut short never reaches the handler as complete`() async throws {
        let outcome = Latch<Result<[UInt8], HTTPBodyError>>()
        try await Self.withClient { _, exchange in
            exchange.collectBody(limit: 10) { outcome.set($0) }
        } _: { _, client in
            try await client.talk("PUT", "/") { _, outbound in
                try await outbound.write(
                    .data(.init(data: .byteBuffer(ByteBuffer(string: "hel")), endStream: false)))
                try await outbound.write(.rstStream(.cancel))
            }
            #expect(await outcome.value == .failure(.cutShort))
        }
    }

    @Test func `a body that stalls ends with 408`() async throws {
        var limits = HTTPServerLimits()
        limits.stallTimeout = .milliseconds(10)
        try await Self.withClient(limits: limits) { _, exchange in
            exchange.collectBody(limit: 10) { result in
                if case .failure(let error) = result { exchange.respond(error.status) }
            }
        } _: { _, client in
            let response = try await client.talk("PUT", "/") { inbound, _ in
                try await HTTP2Client.read(inbound)
            }
            #expect(response.headers.first(name: ":status") == "408")
        }
    }

    @Test func `a declared length that is wrong is no complete body`() async throws {
        let outcome = Latch<Result<[UInt8], HTTPBodyError>>()
        try await Self.withClient { _, exchange in
            exchange.collectBody(limit: 10) { outcome.set($0) }
        } _: { _, client in
            _ = try? await client.send("PUT", "/", [("content-length", "5")], body: Array("hel".utf8))
            #expect(await outcome.value == .failure(.cutShort))
        }
    }

    @Test func `a long response comes whole through flow control`() async throws {
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        try await Self.withClient { _, exchange in
            exchange.respond(.ok, [:], body)
        } _: { _, client in
            let response = try await client.send("GET", "/")
            #expect(response.body == body)
        }
    }

    @Test func `a client that cancels its stream ends the exchange, and the connection goes on`() async throws
    {
        let ended = Latch<HTTPExchangeEnd>()
        let begun = Latch<Bool>()
        try await Self.withClient { request, exchange in
            guard request.path == "/watch" else { return exchange.respond(.ok) }
            exchange.whenEnded { ended.set($0) }
            exchange.startResponse(.ok).write([1])
            begun.set(true)
        } _: { _, client in
            try await client.talk("GET", "/watch", endsStream: true) { _, outbound in
                _ = await begun.value
                try await outbound.write(.rstStream(.cancel))
            }
            #expect(await ended.value == .broken(.ok))
            #expect(try await client.send("GET", "/").headers.first(name: ":status") == "200")
        }
    }

    @Test func `a graceful stop ends watches and lets requests finish`() async throws {
        let begun = Latch<Bool>()
        let mayAnswer = Latch<Bool>()
        try await Self.withClient { request, exchange in
            if request.path == "/watch" {
                exchange.startResponse(.ok).write(Array("event".utf8))
                begun.set(true)
            } else {
                exchange.run {
                    _ = await mayAnswer.value
                    exchange.respond(.ok, [:], Array("done".utf8))
                }
            }
        } _: { server, client in
            async let request = client.send("GET", "/")
            async let watch = client.send("GET", "/watch")
            _ = await begun.value
            async let stopped: Void = server.stop(within: .seconds(60))
            let events = try await watch.body
            #expect(events == Array("event".utf8))
            mayAnswer.set(true)
            let answer = try await request.body
            #expect(answer == Array("done".utf8))
            await stopped
        }
    }

    @Test func `an upgrade is refused in words`() async throws {
        try await Self.withClient { _, exchange in
            exchange.run {
                do throws(Fault) {
                    _ = try await exchange.upgrade(["Upgrade": "x"])
                } catch {
                    exchange.respond(.badRequest, [:], Array("\(error.code)".utf8))
                }
            }
        } _: { _, client in
            let response = try await client.send("GET", "/")
            #expect(response.body == Array("unsupported".utf8))
        }
    }
}
