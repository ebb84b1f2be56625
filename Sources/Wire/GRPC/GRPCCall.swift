import NIOCore
import NIOHTTP2

/// The messages that the server sends in one call, as they come.
///
/// Reading slowly makes the server wait: what was not read is bounded by HTTP/2's flow-control window.
public struct GRPCMessages {
    private var frames: NIOAsyncChannelInboundStream<HTTP2Frame.FramePayload>.AsyncIterator
    private var reader: GRPCResponseReader
    private var events: ArraySlice<GRPCResponseReader.Event> = []
    private var end: GRPCStatus?

    /// What the server said before its first message; empty until then.
    public private(set) var metadata = GRPCMetadata()

    /// What the server said at the end; empty until ``next()`` returned `nil`.
    public var trailers: GRPCMetadata { end?.trailers ?? GRPCMetadata() }

    init(_ inbound: NIOAsyncChannelInboundStream<HTTP2Frame.FramePayload>, limit: Int) {
        frames = inbound.makeAsyncIterator()
        reader = GRPCResponseReader(messageLimit: limit)
    }

    /// Waits for the next message. `nil` when the server ended the call well; any other end is thrown, now
    /// and at every later call.
    public mutating func next() async throws(GRPCStatus) -> [UInt8]? {
        while true {
            switch events.popFirst() {
            case .metadata(let metadata): self.metadata = metadata
            case .message(let message): return message
            case .end(let status): end = status
            case nil:
                if let end {
                    guard end.code == .ok else { throw end }
                    return nil
                }
                events = await receive()[...]
            }
        }
    }

    private mutating func receive() async -> [GRPCResponseReader.Event] {
        do {
            switch try await frames.next() {
            case .headers(let headers): return reader.headers(headers.headers, isEnd: headers.endStream)
            case .data(let data):
                guard case .byteBuffer(let buffer) = data.data else { return [] }
                return reader.data(buffer.readableBytesView, isEnd: data.endStream)
            case .rstStream(let code): return reader.reset(code)
            case nil:
                return Task.isCancelled
                    ? [.end(GRPCStatus(.cancelled, "the caller gave up"))] : reader.closed()
            default: return []
            }
        } catch let error as NIOHTTP2Errors.StreamClosed {
            return reader.reset(error.errorCode)
        } catch {
            return [.end(GRPCStatus(error))]
        }
    }
}

/// Our side of a call: messages to the server, then the end of them.
public struct GRPCRequestWriter: Sendable {
    private let outbound: NIOAsyncChannelOutboundWriter<HTTP2Frame.FramePayload>

    init(_ outbound: NIOAsyncChannelOutboundWriter<HTTP2Frame.FramePayload>) { self.outbound = outbound }

    func begin(_ request: GRPCRequest, authority: String) async throws(GRPCStatus) {
        try await send(
            .headers(HTTP2Frame.FramePayload.Headers(headers: request.headers(authority: authority))))
    }

    /// Sends one message; returns when there is room for another. Fails when the server ended the call: why
    /// it did is what reading says.
    public func write(_ message: [UInt8], isLast: Bool = false) async throws(GRPCStatus) {
        var buffer = ByteBuffer(bytes: GRPCMessageReader.prefix(message))
        buffer.writeBytes(message)
        try await send(.data(HTTP2Frame.FramePayload.Data(data: .byteBuffer(buffer), endStream: isLast)))
    }

    /// Ends our side without another message.
    public func finish() async throws(GRPCStatus) {
        try await send(.data(HTTP2Frame.FramePayload.Data(data: .byteBuffer(ByteBuffer()), endStream: true)))
    }

    private func send(_ frame: HTTP2Frame.FramePayload) async throws(GRPCStatus) {
        do {
            try await outbound.write(frame)
        } catch {
            throw GRPCStatus(error)
        }
    }
}

extension GRPCStatus {
    /// What an error from below means for a call.
    init(_ error: any Error) {
        switch error {
        case let status as GRPCStatus: self = status
        case is CancellationError: self.init(.cancelled, "the caller gave up")
        case let closed as NIOHTTP2Errors.StreamClosed: self.init(Code(closed.errorCode), "\(closed)")
        default: self.init(.unavailable, "\(error)")
        }
    }
}
