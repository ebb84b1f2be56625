import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import Support
import Testing

@testable import Wire

#if canImport(Glibc)
    import Glibc
#endif

/// A server that speaks just enough HTTP/2 to answer gRPC calls in the way that a test asks for.
struct GRPCTestServer {
    typealias Frame = HTTP2Frame.FramePayload
    private typealias Stream = NIOAsyncChannel<Frame, Frame>
    private typealias Connection = (any Channel, NIOHTTP2Handler.AsyncStreamMultiplexer<Stream>)

    /// One call, from the server's side.
    struct Exchange {
        let headers: HPACKHeaders
        /// The whole of the request, its messages cut apart.
        let messages: [[UInt8]]
        let connection: any Channel
        fileprivate let outbound: NIOAsyncChannelOutboundWriter<Frame>
        fileprivate var inbound: NIOAsyncChannelInboundStream<Frame>.AsyncIterator

        var path: String { headers.first(name: ":path") ?? "" }

        func send(_ headers: HPACKHeaders, isEnd: Bool = false) async throws {
            try await outbound.write(.headers(Frame.Headers(headers: headers, endStream: isEnd)))
        }

        func begin() async throws {
            try await send([":status": "200", "content-type": "application/grpc+proto"])
        }

        func send(raw bytes: [UInt8], isEnd: Bool = false) async throws {
            try await outbound.write(
                .data(Frame.Data(data: .byteBuffer(ByteBuffer(bytes: bytes)), endStream: isEnd)))
        }

        func send(message: [UInt8]) async throws {
            try await send(raw: GRPCMessageReader.prefix(message) + message)
        }

        func end(_ status: Int, _ message: String = "") async throws {
            try await send(["grpc-status": "\(status)", "grpc-message": message], isEnd: true)
        }

        func reset(_ code: HTTP2ErrorCode) async throws { try await outbound.write(.rstStream(code)) }

        mutating func untilRequestEnds() async throws {
            while let frame = try await inbound.next() {
                if case .data(let data) = frame, data.endStream { return }
            }
        }

        /// Waits until the client ends the stream, and says how.
        mutating func untilReset() async -> HTTP2ErrorCode? {
            do {
                while let frame = try await inbound.next() {
                    if case .rstStream(let code) = frame { return code }
                }
                return nil
            } catch {
                return (error as? NIOHTTP2Errors.StreamClosed)?.errorCode
            }
        }
    }

    /// Serves on a socket of its own while `body` runs with the socket's path.
    static func run(
        answering answer: @escaping @Sendable (inout Exchange) async throws -> Void,
        body: (String) async throws -> Void
    ) async throws {
        try await withSocketPath { path in
            try await run(at: path, answering: answer) { try await body(path) }
        }
    }

    /// Serves on the socket `path` while `body` runs, then closes every connection.
    static func run(
        at path: String, answering answer: @escaping @Sendable (inout Exchange) async throws -> Void,
        body: () async throws -> Void
    ) async throws {
        let unserved = UnusedChannels<Frame, Frame>()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true) { channel in
                channel.eventLoop.makeCompletedFuture { () -> Connection in
                    let streams = try channel.pipeline.syncOperations.configureAsyncHTTP2Pipeline(
                        mode: .server
                    ) {
                        stream in
                        stream.eventLoop.makeCompletedFuture { try unserved.wrap(stream) }
                    }
                    return (channel, streams)
                }
            }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await server.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { group in
                        for try await connection in connections {
                            group.addTask { await serve(connection, unserved, answer) }
                        }
                    }
                }
            }
            try await body()
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
        await unserved.end()
    }

    private static func serve(
        _ connection: Connection, _ unserved: UnusedChannels<Frame, Frame>,
        _ answer: @escaping @Sendable (inout Exchange) async throws -> Void
    ) async {
        await withTaskCancellationHandler {
            try? await withThrowingDiscardingTaskGroup { group in
                for try await stream in connection.1.inbound {
                    unserved.take(stream)
                    group.addTask { try? await serve(stream, connection.0, answer) }
                }
            }
        } onCancel: {
            connection.0.close(promise: nil)
        }
    }

    private static func serve(
        _ stream: Stream, _ connection: any Channel,
        _ answer: @escaping @Sendable (inout Exchange) async throws -> Void
    ) async throws {
        try await stream.executeThenClose { inbound, outbound in
            var frames = inbound.makeAsyncIterator()
            var headers = HPACKHeaders()
            var reader = GRPCMessageReader(limit: 64 << 20)
            var messages: [[UInt8]] = []
            var isEnd = false
            while !isEnd, let frame = try await frames.next() {
                switch frame {
                case .headers(let received): (headers, isEnd) = (received.headers, received.endStream)
                case .data(let data):
                    guard case .byteBuffer(let buffer) = data.data else { continue }
                    messages += try reader.receive(buffer.readableBytesView)
                    isEnd = data.endStream
                default: continue
                }
                if headers.contains(name: "x-answer-early") { break }
            }
            var exchange = Exchange(
                headers: headers, messages: messages, connection: connection, outbound: outbound,
                inbound: frames)
            try await answer(&exchange)
            // Leaving this scope resets the stream; what was written may still wait for the client's window.
            try await stream.channel.closeFuture.get()
        }
    }
}
