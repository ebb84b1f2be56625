/// Carries a stream of bytes in the binary messages of a WebSocket, their borders without meaning.
///
/// This is how `kubectl port-forward` tunnels SPDY ("SPDY/3.1+portforward.k8s.io"). A WebSocket cannot be
/// closed in one direction, so ending our direction ends both, as soon as the peer answers.
public final class WebSocketByteStream: ByteStream {
    private let webSocket: WebSocket
    private let messageSize: Int

    /// Writes of more than `messageSize` bytes go out as several messages.
    public init(_ webSocket: WebSocket, messageSize: Int = 64 << 10) {
        precondition(messageSize > 0, "a message has room for something")
        self.webSocket = webSocket
        self.messageSize = messageSize
    }

    public func read() async throws -> [UInt8]? {
        while let message = try await webSocket.receive() {
            guard case .binary(let bytes) = message else {
                try await webSocket.sendClose(
                    WebSocketClose(.unsupportedData, "bytes come in binary messages"))
                throw WebSocketClose(.unsupportedData, "bytes come in binary messages")
            }
            if !bytes.isEmpty { return bytes }
        }
        return nil
    }

    public func write(_ bytes: [UInt8]) async throws {
        guard bytes.count > messageSize else {
            try await webSocket.send(.binary(bytes))
            return
        }
        for start in stride(from: 0, to: bytes.count, by: messageSize) {
            try await webSocket.send(.binary(Array(bytes[start..<min(bytes.count, start + messageSize)])))
        }
    }

    public func closeWrite() async throws { try await webSocket.sendClose() }

    public func close() async { await webSocket.close() }
}
