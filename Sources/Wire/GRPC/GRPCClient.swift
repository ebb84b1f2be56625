public import NIOCore
public import NIOPosix
import Synchronization

/// Calls the methods of one gRPC server over HTTP/2 without TLS, each message as its bytes.
///
/// All calls share one connection, which is made by the first call and again by the first call after it was
/// lost. Cancelling the task of a call resets its stream, so that the server stops working for nobody.
public final class GRPCClient: Sendable {
    /// Where the server listens.
    public enum Address: Hashable, Sendable, CustomStringConvertible {
        case unix(String)
        case tcp(host: String, port: Int)

        public var description: String {
            switch self {
            case .unix(let path): "unix://\(path)"
            case .tcp(let host, let port): "\(host):\(port)"
            }
        }
    }

    /// Every bound the client keeps.
    public struct Limits: Hashable, Sendable {
        /// The longest message that is received, in bytes. Longer ones end the call with `resourceExhausted`.
        public var messageSize = 16 << 20
        /// Calls at the same time. One more fails at once with `resourceExhausted`. The server may allow
        /// fewer: calls above its number wait for their turn.
        public var calls = 1024
        public var connectTimeout = Duration.seconds(10)

        public init() {}
    }

    private let connection: GRPCConnection
    private let limits: Limits
    private let authority: String
    private let calls = Mutex(0)

    /// Does not connect yet.
    public init(
        _ address: Address, limits: Limits = Limits(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        self.limits = limits
        // A socket's path is no authority; gRPC's own clients send this name for it.
        authority = if case .tcp(let host, let port) = address { "\(host):\(port)" } else { "localhost" }
        connection = GRPCConnection(to: address, group: group, connectTimeout: limits.connectTimeout)
    }

    deinit { connection.close() }

    /// Ends the connection and every call on it with `unavailable`; so ends every later call.
    public func close() { connection.close() }

    /// The answer to a unary call.
    public struct Reply: Hashable, Sendable {
        public var message: [UInt8]
        public var metadata: GRPCMetadata
        public var trailers: GRPCMetadata
    }

    /// Sends one message to `method` (`/package.Service/Method`) and waits for the one that answers it.
    ///
    /// `timeout` counts from now, connecting included; the server is told of it.
    public func unary(
        _ method: String, _ message: [UInt8], metadata: GRPCMetadata = [:], timeout: Duration? = nil
    ) async throws(GRPCStatus) -> Reply {
        do {
            return try await serverStream(method, message, metadata: metadata, timeout: timeout) { messages in
                guard let message = try await messages.next() else {
                    throw GRPCStatus(
                        .internal, "the server answered without a message", trailers: messages.trailers)
                }
                guard try await messages.next() == nil else {
                    throw GRPCStatus(.internal, "the server answered with more than one message")
                }
                return Reply(message: message, metadata: messages.metadata, trailers: messages.trailers)
            }
        } catch {
            throw GRPCStatus(error)
        }
    }

    /// Sends one message and hands the stream of answers to `body`. The call is cancelled when `body`
    /// returns before the stream ended. Throws ``GRPCStatus``, and what `body` throws.
    public func serverStream<Result: Sendable>(
        _ method: String, _ message: [UInt8], metadata: GRPCMetadata = [:], timeout: Duration? = nil,
        body: (inout GRPCMessages) async throws -> Result
    ) async throws -> Result {
        try await call(method, metadata: metadata, timeout: timeout) { writer, messages in
            do {
                try await writer.write(message, isLast: true)
            } catch where !Task.isCancelled {
                // A server may refuse before it read the message; its reason is in the answer, or the
                // answer is that the connection was lost.
            }
            return try await body(&messages)
        }
    }

    /// Opens a call in which both sides may send at any time. `body` writes, ends its side with `finish`,
    /// and reads; when it returns early the call is cancelled. Throws ``GRPCStatus``, and what `body`
    /// throws.
    public func call<Result: Sendable>(
        _ method: String, metadata: GRPCMetadata = [:], timeout: Duration? = nil,
        body: (GRPCRequestWriter, inout GRPCMessages) async throws -> Result
    ) async throws -> Result {
        let start = ContinuousClock.now
        try enter()
        defer { calls.withLock { $0 -= 1 } }

        let stream: GRPCStream
        do {
            stream = try await connection.openStream(within: timeout)
        } catch {
            throw GRPCStatus(error)
        }
        let remaining = timeout.map { $0 - (ContinuousClock.now - start) }
        let deadline = remaining.map { scheduleDeadline($0, stream) }
        defer { deadline?.cancel() }

        let (authority, limit) = (authority, limits.messageSize)
        let request = GRPCRequest(method: method, metadata: metadata, timeout: remaining)
        return try await stream.executeThenClose { inbound, outbound in
            var messages = GRPCMessages(inbound, limit: limit)
            let writer = GRPCRequestWriter(outbound)
            do {
                try await writer.begin(request, authority: authority)
            } catch where !Task.isCancelled {
                // Why the stream is closed already is what reading says: the time may be over.
            }
            return try await body(writer, &messages)
        }
    }

    /// Connects, if there is no connection, calls `connected`, and returns when that connection is lost: for
    /// whoever wants to know whether the server lives without asking it anything. Throws ``GRPCStatus`` when
    /// there is none.
    public func stay(connected: @Sendable () -> Void) async throws {
        do { try await connection.stay(connected: connected) } catch { throw GRPCStatus(error) }
    }

    private func enter() throws(GRPCStatus) {
        let isAllowed = calls.withLock { count in
            guard count < limits.calls else { return false }
            count += 1
            return true
        }
        guard isAllowed else {
            throw GRPCStatus(.resourceExhausted, "\(limits.calls) calls are under way, which is the limit")
        }
    }

    /// Ends the stream when the time is over: the reader gets the status, a waiting writer wakes up, and
    /// the server a reset.
    private func scheduleDeadline(_ remaining: Duration, _ stream: GRPCStream) -> Scheduled<Void> {
        let channel = stream.channel
        return channel.eventLoop.scheduleTask(in: TimeAmount(max(remaining, .zero))) {
            channel.pipeline.fireErrorCaught(GRPCStatus(.deadlineExceeded, "the time for the call is over"))
            channel.close(promise: nil)
        }
    }
}
