/// Speaks WebSocket after the opening handshake, on either side (RFC 6455).
///
/// Pure: bytes go in and come out, nothing waits. Pings are answered, fragments are put together, the
/// limits are kept. The one piece of chance, the masks of a client, is handed in.
public struct WebSocketConnection: Sendable {
    public enum Role: Hashable, Sendable { case client, server }

    /// What the peer said.
    public enum Event: Hashable, Sendable {
        case message(WebSocketMessage)
        case pong([UInt8])
        /// The peer wants no more; nothing comes after it. `nil` code: see ``WebSocketCloseCode/none``.
        case close(WebSocketClose)
        /// The peer broke the rules. The close that tells it is in the output; nothing comes after it.
        case violation(WebSocketClose)

        /// Whether nothing comes after it.
        var isLast: Bool {
            switch self {
            case .close, .violation: true
            case .message, .pong: false
            }
        }
    }

    /// What came of some received bytes: events in order, and bytes to send at once.
    public struct Received: Hashable, Sendable {
        public var events: [Event] = []
        public var output: [UInt8] = []
    }

    private let role: Role
    private let messageLimit: Int
    private var masks: any RandomNumberGenerator & Sendable
    private var buffer: [UInt8] = []
    /// The message whose fragments are coming in.
    private var fragments: (opcode: WebSocketOpcode, payload: [UInt8])?
    private var hasEnded = false
    /// Whether our close was sent, after which nothing may be.
    public private(set) var hasSentClose = false

    /// `messageLimit` bounds a message, and so what is kept of an unfinished one, in bytes.
    public init(
        role: Role, messageLimit: Int = 4 << 20,
        masks: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.role = role
        self.messageLimit = messageLimit
        self.masks = masks
    }

    // MARK: Sending

    /// A message as one frame; empty after a close was sent.
    public mutating func send(_ message: WebSocketMessage) -> [UInt8] {
        switch message {
        case .binary(let bytes): encode(WebSocketFrame(opcode: .binary, payload: bytes))
        case .text(let text): encode(WebSocketFrame(opcode: .text, payload: Array(text.utf8)))
        }
    }

    /// A ping of at most 125 bytes; the peer answers with a pong of the same.
    public mutating func ping(_ payload: [UInt8] = []) -> [UInt8] {
        precondition(payload.count <= 125, "a ping has at most 125 bytes")
        return encode(WebSocketFrame(opcode: .ping, payload: payload))
    }

    /// Our close; empty if one was sent before. The peer answers with its own.
    public mutating func close(_ close: WebSocketClose) -> [UInt8] {
        var payload: [UInt8] = []
        if close.code.isSendable {
            payload = [UInt8(close.code.rawValue >> 8), UInt8(close.code.rawValue & 0xFF)]
            payload += truncated(close.reason, to: 123)
        }
        let bytes = encode(WebSocketFrame(opcode: .close, payload: payload))
        hasSentClose = true
        return bytes
    }

    private mutating func encode(_ frame: WebSocketFrame) -> [UInt8] {
        guard !hasSentClose else { return [] }
        return frame.encode(mask: role == .client ? UInt32.random(in: .min ... .max, using: &masks) : nil)
    }

    // MARK: Receiving

    /// Takes bytes as they come. After a close or a violation everything is ignored.
    public mutating func receive(_ bytes: some Collection<UInt8>) -> Received {
        var received = Received()
        guard !hasEnded else { return received }
        buffer += bytes
        var start = 0
        do {
            while !hasEnded, let frame = try nextFrame(&start) { try handle(frame, &received) }
        } catch {
            hasEnded = true
            received.events.append(.violation(error))
            received.output += close(error)
        }
        if hasEnded { buffer = [] } else { buffer.removeSubrange(..<start) }
        return received
    }

    private mutating func nextFrame(_ start: inout Int) throws(WebSocketClose) -> WebSocketFrame? {
        guard let header = try WebSocketFrameHeader.read(buffer[start...]) else { return nil }
        // RFC 6455, section 5.1: a server that accepted unmasked frames could be used to poison caches.
        guard (header.mask != nil) == (role == .server) else {
            throw WebSocketClose(.protocolError, "a client masks its frames, a server does not")
        }
        // Before anything of it is kept. A control frame within a message does not count.
        let kept = header.opcode.isControl ? 0 : fragments?.payload.count ?? 0
        guard header.length <= messageLimit - kept else {
            throw WebSocketClose(.tooLarge, "a message has more than \(messageLimit) bytes")
        }
        let end = start + header.size + header.length
        guard end <= buffer.count else { return nil }
        var payload = Array(buffer[start + header.size..<end])
        if let mask = header.mask { WebSocketFrame.apply(mask, to: &payload, from: 0) }
        start = end
        return WebSocketFrame(opcode: header.opcode, isFinal: header.isFinal, payload: payload)
    }

    private mutating func handle(_ frame: WebSocketFrame, _ received: inout Received) throws(WebSocketClose) {
        switch frame.opcode {
        case .ping: received.output += encode(WebSocketFrame(opcode: .pong, payload: frame.payload))
        case .pong: received.events.append(.pong(frame.payload))
        case .close:
            let theirs = try readClose(frame.payload)
            hasEnded = true
            received.events.append(.close(theirs))
            received.output += close(WebSocketClose(theirs.code))
        case .text, .binary:
            guard fragments == nil else {
                throw WebSocketClose(.protocolError, "a message began within another")
            }
            if frame.isFinal {
                received.events.append(.message(try message(frame.opcode, frame.payload)))
            } else {
                fragments = (frame.opcode, frame.payload)
            }
        case .continuation:
            guard fragments != nil else {
                throw WebSocketClose(.protocolError, "a fragment belongs to no message")
            }
            fragments?.payload += frame.payload
            guard frame.isFinal, let whole = fragments else { return }
            fragments = nil
            received.events.append(.message(try message(whole.opcode, whole.payload)))
        }
    }

    private func message(_ opcode: WebSocketOpcode, _ payload: [UInt8]) throws(WebSocketClose)
        -> WebSocketMessage
    {
        guard opcode == .text else { return .binary(payload) }
        guard let text = String(validating: payload, as: UTF8.self) else {
            throw WebSocketClose(.invalidData, "a text is not UTF-8")
        }
        return .text(text)
    }

    private func readClose(_ payload: [UInt8]) throws(WebSocketClose) -> WebSocketClose {
        guard !payload.isEmpty else { return WebSocketClose(.none) }
        guard payload.count >= 2 else { throw WebSocketClose(.protocolError, "half a close code") }
        let code = WebSocketCloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
        guard code.isSendable else { throw WebSocketClose(.protocolError, "a close code that is never sent") }
        guard let reason = String(validating: payload[2...], as: UTF8.self) else {
            throw WebSocketClose(.invalidData, "a close reason is not UTF-8")
        }
        return WebSocketClose(code, reason)
    }
}

/// The bytes of as many whole characters as fit.
private func truncated(_ text: String, to limit: Int) -> [UInt8] {
    var text = text[...]
    while text.utf8.count > limit { text = text.dropLast() }
    return Array(text.utf8)
}
