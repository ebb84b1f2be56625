/// Numbered channels over one WebSocket, each a stream of bytes of its own.
public final class ChannelMultiplexer: Sendable {
    /// Unread bytes of a channel before the WebSocket is no longer read, all channels alike.
    static let buffer = 256 << 10
    /// The longest message that is sent. Clients read with buffers of 32 KiB.
    static let messageSize = 32 << 10

    private let webSocket: WebSocket
    private let format: ChannelFormat
    private let channels: [UInt8: BytePipe]

    private init(_ webSocket: WebSocket, _ format: ChannelFormat, _ numbers: [UInt8]) {
        self.webSocket = webSocket
        self.format = format
        channels = Dictionary(
            uniqueKeysWithValues: numbers.map { ($0, BytePipe(capacity: Self.buffer)) })
    }

    /// Runs channels 0 ..< `count` over `webSocket` while `body` uses them.
    ///
    /// When `body` returns, the WebSocket closes, once the peer has answered or after `closeTimeout`. When
    /// the peer leaves first, every channel ends, and the `body` of a server is cancelled; if it gives up, what
    /// ended the WebSocket is thrown. A client's reads on to the end of its channels.
    public static func run<Result: Sendable>(
        over webSocket: WebSocket, format: ChannelFormat, count: UInt8, isClient: Bool = false,
        closeTimeout: Duration = WebSocket.closeTimeout, body: @escaping @Sendable (ChannelMultiplexer) async throws -> Result
    ) async throws -> Result {
        let multiplexer = ChannelMultiplexer(webSocket, format, Array(0..<count))
        do {
            let result = try await withPump {
                guard isClient else { return try await multiplexer.pump() }
                try await untilCancelled { try await multiplexer.pump() }
            } body: {
                try await body(multiplexer)
            }
            // Nobody receives any more, so that the rest may be read away.
            await webSocket.close(within: closeTimeout)
            return result
        } catch {
            await webSocket.close()
            throw error
        }
    }

    /// The channel of this number, which must be one of those that are run.
    public func channel(_ number: UInt8) -> any ByteStream {
        guard let incoming = channels[number] else { preconditionFailure("channel \(number) is not run") }
        return Channel(number: number, incoming: incoming, multiplexer: self)
    }

    private func pump() async throws {
        do {
            while let message = try await webSocket.receive() {
                switch format.decode(message) {
                case .data(let number, let bytes):
                    // As real servers do: a channel that is not there, or that nobody reads, swallows.
                    guard !bytes.isEmpty, let channel = channels[number] else { continue }
                    do { try await channel.write(bytes) } catch is ByteStreamError {}
                case .close(let number): channels[number]?.finish()
                case .empty: continue
                case nil: throw WebSocketClose(.protocolError, "a message of no channel")
                }
            }
            endAll(nil)
        } catch {
            endAll(error)
            throw error
        }
    }

    private func endAll(_ error: (any Error)?) {
        for channel in channels.values { channel.finish(throwing: error) }
    }

    private struct Channel: ByteStream {
        let number: UInt8
        let incoming: BytePipe
        let multiplexer: ChannelMultiplexer

        func read() async throws -> [UInt8]? { try await incoming.read() }

        func write(_ bytes: [UInt8]) async throws {
            let size = ChannelMultiplexer.messageSize
            // An empty message is sent too: it is how a server says that it is ready.
            for start in stride(from: 0, to: max(1, bytes.count), by: size) {
                let piece = Array(bytes[start..<min(bytes.count, start + size)])
                try await multiplexer.webSocket.send(multiplexer.format.encode(number, piece))
            }
        }

        /// Says nothing when the format cannot: the peer then waits for the end of the connection.
        func closeWrite() async throws {
            guard let message = multiplexer.format.encodeClose(number) else { return }
            try await multiplexer.webSocket.send(message)
        }

        func close() async { incoming.abandon() }
    }
}
