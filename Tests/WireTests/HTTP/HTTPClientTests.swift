import NIOCore
import NIOPosix
import Support
import Synchronization
import Testing

@testable import Wire

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct HTTPClientTests {
    @Test func `a connection carries one request after another`() async throws {
        let ports = Mutex<Set<String>>([])
        let client = HTTPClient()
        try await withServer { request, exchange in
            _ = ports.withLock { $0.insert(request.remoteAddress.description) }
            exchange.collectBody(limit: 100) { exchange.respond(.ok, [:], (try? $0.get()) ?? []) }
        } _: { _, address in
            for word in ["a", "bc", ""] {
                let response = try await client.send(
                    HTTPClientRequest(
                        .post, HTTPOrigin(address, isSecure: false), "/?q", body: .bytes(Array(word.utf8))))
                #expect(try await response.body.collect(limit: 10) == Array(word.utf8))
            }
        }
        #expect(ports.withLock(\.count) == 1)
    }

    @Test func `a body that is dropped unread takes its connection with it`() async throws {
        let ports = Mutex<Set<String>>([])
        let ended = Latch<HTTPExchangeEnd>()
        let client = HTTPClient()
        try await withServer { request, exchange in
            _ = ports.withLock { $0.insert(request.remoteAddress.description) }
            exchange.startResponse(.ok).write([1, 2, 3])
            if ports.withLock(\.count) == 1 { exchange.whenEnded { ended.set($0) } }
        } _: { _, address in
            let request = HTTPClientRequest(.get, HTTPOrigin(address, isSecure: false), "/")
            _ = try await client.send(request)
            #expect(await ended.value == .broken(.ok))
            _ = try await client.send(request)
        }
        #expect(ports.withLock(\.count) == 2)
    }

    @Test func `a body in chunks is sent as it comes into being`() async throws {
        let words = AsyncThrowingStream<[UInt8], any Error> { continuation in
            for word in ["to ", "be ", "continued"] { continuation.yield(Array(word.utf8)) }
            continuation.finish()
        }
        try await withServer { request, exchange in
            #expect(request.headers["Transfer-Encoding"] == "chunked")
            exchange.collectBody(limit: 100) { exchange.respond(.ok, [:], (try? $0.get()) ?? []) }
        } _: { _, address in
            let response = try await HTTPClient().send(
                HTTPClientRequest(
                    .post, HTTPOrigin(address, isSecure: false), "/", body: .stream(words, length: nil)))
            #expect(try await response.body.collect(limit: 100) == Array("to be continued".utf8))
        }
    }

    @Test func `a body that fails half-way is not taken for a whole one`() async throws {
        struct Broken: Error {}
        let outcome = Latch<Result<[UInt8], HTTPBodyError>>()
        let (chunks, source) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        source.yield([1])
        try await withServer { _, exchange in
            exchange.collectBody(limit: 100) { outcome.set($0) }
            source.finish(throwing: Broken())
        } _: { _, address in
            await #expect(throws: (any Error).self) {
                _ = try await HTTPClient().send(
                    HTTPClientRequest(
                        .post, HTTPOrigin(address, isSecure: false), "/", body: .stream(chunks, length: nil)))
            }
            #expect(await outcome.value == .failure(.cutShort))
        }
    }

    @Test func `an answer that does not come in time is a fault, and a cancelled one is cancelled`()
        async throws
    {
        let arrived = Latch<Bool>()
        try await withServer { request, exchange in
            if request.path == "/cancel" { arrived.set(true) }
        } _: { _, address in
            let origin = HTTPOrigin(address, isSecure: false)
            let client = HTTPClient()
            await #expect {
                _ = try await client.send(HTTPClientRequest(.get, origin, "/", timeout: .milliseconds(10)))
            } throws: {
                ($0 as? Fault)?.code == .timedOut
            }
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        _ = try await client.send(HTTPClientRequest(.get, origin, "/cancel", timeout: nil))
                    }
                    _ = await arrived.value
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test func `a server that is not there, or speaks something else, is a fault that says so`() async throws
    {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Greeter())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let request = HTTPClientRequest(
            .post, HTTPOrigin(HTTPAddress(listener.localAddress), isSecure: false), "/")
        await #expect {
            _ = try await HTTPClient().send(request)
        } throws: {
            [.corrupt, .unavailable].contains(($0 as? Fault)?.code)
        }
        try await listener.close()
        await #expect {
            _ = try await HTTPClient().send(request)
        } throws: {
            ($0 as? Fault)?.code == .unavailable
        }
    }

    /// The peer may speak before the caller hears that the connection stands.
    @Test func `what a server says at once is not lost`() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Greeter())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    let stream = try await StreamDialer.dial(HTTPAddress(listener.localAddress))
                    let greeting = try await stream.read()
                    await stream.close()
                    return greeting
                }
            }
            for try await greeting in group { #expect(greeting?.starts(with: Array("SSH".utf8)) == true) }
        }
        try await listener.close()
    }

    @Test func `a Unix socket serves as well, and a stale one is replaced`() async throws {
        let path = "/tmp/wire-\(UInt64.random(in: 0 ... .max)).sock"
        for _ in 0..<2 {
            try await withServer(on: .unix(path: path)) { request, exchange in
                exchange.respond(.ok, [:], Array((request.headers["Host"] ?? "").utf8))
            } _: { _, address in
                #expect(address == .unix(path: path))
                let response = try await HTTPClient().send(
                    HTTPClientRequest(.get, HTTPOrigin(address, isSecure: false), "/"))
                #expect(try await response.body.collect(limit: 100) == Array("localhost".utf8))
            }
        }
        unlink(path)
    }
}

/// Says what an SSH server says.
private final class Greeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(NIOAny(ByteBuffer(string: "SSH-2.0-OpenSSH_9.2\r\n\r\n")), promise: nil)
    }
}
