import Support

/// How a message of a channel subprotocol says which channel it belongs to.
///
/// Pure: a message in, a channel and its bytes out, and the reverse.
public struct ChannelFormat: Hashable, Sendable {
    /// What one message says.
    public enum Content: Hashable, Sendable {
        case data(channel: UInt8, [UInt8])
        /// The peer sends no more on this channel (KEP-4006).
        case close(channel: UInt8)
        /// A message without a channel, which means nothing.
        case empty
    }

    private static let closeSignal: UInt8 = 255

    /// Whether messages are text: a digit, then Base64.
    public var isBase64: Bool
    /// Whether a single channel can be closed.
    public var hasCloseSignal: Bool

    public init(isBase64: Bool = false, hasCloseSignal: Bool = false) {
        self.isBase64 = isBase64
        self.hasCloseSignal = hasCloseSignal
    }

    /// The format of a subprotocol of ``WebSocketSubprotocol``; no subprotocol at all means binary
    /// channels. `nil` for a name that stands for no channels.
    public init?(subprotocol: String?) {
        switch subprotocol {
        case nil, "", WebSocketSubprotocol.channel, WebSocketSubprotocol.channelV4: self.init()
        case WebSocketSubprotocol.base64Channel, WebSocketSubprotocol.base64ChannelV4:
            self.init(isBase64: true)
        case WebSocketSubprotocol.channelV5: self.init(hasCloseSignal: true)
        default: return nil
        }
    }

    /// `nil` for what no peer that knows the format sends. As on real servers, the kind of message does not
    /// matter.
    public func decode(_ message: WebSocketMessage) -> Content? {
        let bytes = message.bytes
        guard let first = bytes.first else { return .empty }
        if hasCloseSignal, first == Self.closeSignal {
            return bytes.count == 2 ? .close(channel: bytes[1]) : nil
        }
        guard isBase64 else { return .data(channel: first, Array(bytes.dropFirst())) }
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
            let data = Base64.decode(String(decoding: bytes.dropFirst(), as: UTF8.self))
        else { return nil }
        return .data(channel: first - UInt8(ascii: "0"), data)
    }

    public func encode(_ channel: UInt8, _ data: [UInt8]) -> WebSocketMessage {
        isBase64 ? .text("\(channel)" + Base64.encode(data)) : .binary([channel] + data)
    }

    /// The message that closes a channel; `nil` when the format has none.
    public func encodeClose(_ channel: UInt8) -> WebSocketMessage? {
        hasCloseSignal ? .binary([Self.closeSignal, channel]) : nil
    }
}
