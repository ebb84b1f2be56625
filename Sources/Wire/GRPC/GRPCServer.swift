import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
public import Support

/// What a method of a server does with the one message of a request.
public enum GRPCMethod: Sendable {
    /// Answers with one message.
    case unary(@Sendable (_ message: [UInt8]) async throws -> [UInt8])
    /// Answers with as many as it writes; the call ends when it returns. It is cancelled when the caller is
    /// gone.
    case stream(@Sendable (_ message: [UInt8], _ answer: GRPCAnswerWriter) async throws -> Void)
}

/// Where a method writes its messages.
public struct GRPCAnswerWriter: Sendable {
    let write: @Sendable ([UInt8]) async throws -> Void

    /// Returns when there is room for another. Fails when the caller is gone.
    public func write(_ message: [UInt8]) async throws(GRPCStatus) {
        do { try await write(message) } catch { throw GRPCStatus(error) }
    }
}

/// Serves gRPC on a Unix socket, without TLS: for programs of the same machine that call this one.
///
/// A method that throws a ``GRPCStatus`` ends its call so; any other error is told as `unknown`. At rest
/// there is a socket and no timer.
public final class GRPCServer: Sendable {
    typealias Frame = HTTP2Frame.FramePayload
    private typealias Stream = NIOAsyncChannel<Frame, Frame>
    private typealias Connection = (any Channel, NIOHTTP2Handler.AsyncStreamMultiplexer<Stream>)

    /// Every bound the server keeps.
    public struct Limits: Hashable, Sendable {
        /// The longest message of a request, in bytes: what gRPC's own servers take. Longer ones end the call
        /// with `resourceExhausted`.
        public var messageSize = 4 << 20
        /// Connections at the same time; one more is closed at once.
        public var connections = 64

        public init() {}
    }

    private let methods: [String: GRPCMethod]
    private let limits: Limits

    /// `methods` by their paths: `/package.Service/Method`.
    public init(_ methods: [String: GRPCMethod], limits: Limits = Limits()) {
        self.methods = methods
        self.limits = limits
    }

    /// Serves at `path` until cancelled; a socket that is left there by another process is replaced. `ready`
    /// is called when connections are taken. Calls that are under way end with it.
    public func run(at path: String, ready: @Sendable () -> Void = {}) async throws(Fault) {
        let unserved = UnusedChannels<Frame, Frame>()
        let server: NIOAsyncChannel<Connection, Never>
        do { server = try await bind(path, unserved) } catch { throw Fault(error, binding: path) }
        ready()
        do {
            try await server.executeThenClose { connections in
                await withDiscardingTaskGroup { group in
                    let open = Counter(limit: limits.connections)
                    // Ends by an error when the task is cancelled.
                    do {
                        for try await connection in connections {
                            guard open.enter() else {
                                connection.0.close(promise: nil)
                                continue
                            }
                            group.addTask {
                                await self.serve(connection, unserved)
                                open.leave()
                            }
                        }
                    } catch {}
                    group.cancelAll()
                }
            }
        } catch {
            // Closing it is all that is left to do.
        }
        await unserved.end()
    }

    private func bind(
        _ path: String, _ unserved: UnusedChannels<Frame, Frame>
    ) async throws -> NIOAsyncChannel<Connection, Never> {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
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
    }

    private func serve(_ connection: Connection, _ unserved: UnusedChannels<Frame, Frame>) async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                // A connection that breaks ends its calls.
                do {
                    for try await stream in connection.1.inbound {
                        unserved.take(stream)
                        group.addTask { try? await self.serve(stream) }
                    }
                } catch {}
            }
        } onCancel: {
            connection.0.close(promise: nil)
        }
    }

    private func serve(_ stream: Stream) async throws {
        let channel = stream.channel
        try await stream.executeThenClose { inbound, outbound in
            let answer = GRPCAnswer(outbound)
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    var frames = inbound.makeAsyncIterator()
                    await self.answer(&frames, answer)
                    return false
                }
                // What was written may wait for the caller's window: the stream is left when it is through,
                // or when the caller is gone.
                group.addTask {
                    try? await channel.closeFuture.get()
                    return true
                }
                for await isClosed in group where isClosed { group.cancelAll() }
            }
        }
    }

    private func answer(
        _ frames: inout NIOAsyncChannelInboundStream<Frame>.AsyncIterator, _ answer: GRPCAnswer
    ) async {
        var request = GRPCRequestReader(messageLimit: limits.messageSize)
        do {
            while !request.isComplete, let frame = try await frames.next() {
                switch frame {
                case .headers(let headers): try request.headers(headers.headers, isEnd: headers.endStream)
                case .data(let data):
                    guard case .byteBuffer(let buffer) = data.data else { continue }
                    try request.data(buffer.readableBytesView, isEnd: data.endStream)
                default: continue
                }
            }
            let message = try request.message()
            guard let method = methods[request.path] else {
                throw GRPCStatus(.unimplemented, "unknown method \(request.path)")
            }
            switch method {
            case .unary(let body): try await answer.send(try await body(message))
            case .stream(let body): try await body(message, GRPCAnswerWriter { try await answer.send($0) })
            }
            try await answer.end(GRPCStatus(.ok, ""))
        } catch {
            // Nobody is left to be told when this fails, too.
            try? await answer.end(error as? GRPCStatus ?? GRPCStatus(.unknown, "\(error)"))
        }
    }
}
