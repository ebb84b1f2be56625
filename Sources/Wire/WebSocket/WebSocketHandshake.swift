import Support

/// The parts of the opening handshake that are not HTTP (RFC 6455, section 4).
public enum WebSocketHandshake {
    /// The `Sec-WebSocket-Accept` that answers this `Sec-WebSocket-Key`.
    public static func accept(key: String) -> String {
        Base64.encode(SHA1.hash(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
    }

    /// A new `Sec-WebSocket-Key`: sixteen random bytes.
    public static func makeKey() -> String {
        Base64.encode((0..<16).map { _ in UInt8.random(in: 0...255) })
    }

    /// Whether a client's key is sixteen bytes in Base64.
    public static func isValid(key: String) -> Bool { Base64.decode(key)?.count == 16 }

    /// Picks the client's most wanted subprotocol of those that are supported. `offered` holds the values
    /// of the `Sec-WebSocket-Protocol` headers, each of which may name several. `nil` when none fits.
    public static func choose(offered: [String], supported: some Collection<String>) -> String? {
        offered.flatMap { HTTPFieldValue.list($0) }.first { supported.contains($0) }
    }
}
