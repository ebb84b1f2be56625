import Synchronization

/// Sends and receives messages over a stream of bytes on which the opening handshake is done.
///
/// One task receives; any number of tasks send, each message whole. Pings are answered while somebody
/// receives.
public final class WebSocket: Sendable {
    private struct State {
        var connection: WebSocketConnection
        var events: ArraySlice<WebSocketConnection.Event> = []
        var end: WebSocketEnd?
    }

    private enum WebSocketEnd {
        case peacefully
        case failed(any Error)
    }

    private let stream: any ByteStream
    private let state: Mutex<State>
    private let writing = Turn()

    /// `messageLimit` is the longest message that is received, in bytes; a longer one ends the connection.
    public init(_ stream: any ByteStream, role: WebSocketConnection.Role, messageLimit: Int = 4 << 20) {
        self.stream = stream
        state = Mutex(State(connection: WebSocketConnection(role: role, messageLimit: messageLimit)))
    }

    /// Waits for the next message. `nil` when the peer closed with code 1000, 1001 or none. Throws
    /// ``WebSocketClose`` when it closed with another code or broke the rules, and
    /// ``ByteStreamError/connectionLost`` when the stream ended without a close. The end is final.
    public func receive() async throws -> WebSocketMessage? {
        while true {
            let next = state.withLock { ($0.events.popFirst(), $0.end) }
            switch next {
            case (.message(let message), _): return message
            case (.pong, _): continue
            case (.close(let close), _):
                let isPeaceful = [.normal, .goingAway, .none].contains(close.code)
                end(isPeaceful ? .peacefully : .failed(close))
            case (.violation(let violation), _): end(.failed(violation))
            case (nil, .peacefully): return nil
            case (nil, .failed(let error)): throw error
            case (nil, nil): try await readMore()
            }
        }
    }

    private func end(_ end: WebSocketEnd) { state.withLock { $0.end = end } }

    private func readMore() async throws {
        guard let bytes = try await stream.read() else {
            end(.failed(ByteStreamError.connectionLost))
            return
        }
        let received = state.withLock { state in
            let received = state.connection.receive(bytes)
            state.events += received.events
            return received
        }
        guard !received.output.isEmpty else { return }
        do {
            try await writing.run { try await stream.write(received.output) }
        } catch where received.events.last?.isLast == true {
            // Who has said goodbye may be gone before the answer.
        }
    }

    /// Sends a message; returns when there is room for another. Throws ``ByteStreamError/closed`` after a
    /// close was sent, which also happens when the peer's was received.
    public func send(_ message: WebSocketMessage) async throws {
        try await write { $0.send(message) }
    }

    /// Sends a ping; that it was answered shows only as the connection being alive.
    public func ping() async throws {
        try await write { $0.ping() }
    }

    /// Says that nothing more will be sent. The peer answers with its own close, which ``receive()`` then
    /// tells.
    public func sendClose(_ close: WebSocketClose = WebSocketClose(.normal)) async throws {
        let isSent = state.withLock { $0.connection.hasSentClose }
        if !isSent { try await write { $0.close(close) } }
    }

    /// Frames are made and written in the same turn, so that no message goes out after the close.
    private func write(_ make: @Sendable (inout WebSocketConnection) -> [UInt8]) async throws {
        try await writing.run {
            let bytes = state.withLock { make(&$0.connection) }
            guard !bytes.isEmpty else { throw ByteStreamError.closed }
            try await stream.write(bytes)
        }
    }

    /// Closes in order: says so, and reads what is still under way until the peer has answered. A socket
    /// that is closed with unread bytes is reset, and takes with it what it had sent last.
    ///
    /// Lasts until the peer answered.
    func finish(_ close: WebSocketClose = WebSocketClose(.normal)) async throws {
        try await sendClose(close)
        try await stream.closeWrite()
        while try await stream.read() != nil {}
    }

    /// How long a peer may take to answer a close.
    public static let closeTimeout = Duration.seconds(5)

    /// Closes in order as ``finish(_:)`` does, and after `limit` without. No other task may be receiving.
    public func close(within limit: Duration) async {
        // A peer that is gone already has all that it will get.
        _ = try? await withDeadline(limit) { try await self.finish() }
        await close()
    }

    /// Ends the stream at once, without a word.
    public func close() async { await stream.close() }
}
