/// The kinds of frame (RFC 6455, section 5.2).
enum WebSocketOpcode: UInt8 {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10

    var isControl: Bool { rawValue >= 8 }
}

/// One frame, unmasked.
struct WebSocketFrame: Equatable {
    var opcode: WebSocketOpcode
    var isFinal = true
    var payload: [UInt8]

    /// The wire form. A client's frames carry a mask, a server's none (RFC 6455, section 5.1).
    func encode(mask: UInt32?) -> [UInt8] {
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        var bytes = [opcode.rawValue | (isFinal ? 0x80 : 0)]
        bytes.reserveCapacity(payload.count + 14)
        switch payload.count {
        case ..<126: bytes.append(maskBit | UInt8(payload.count))
        case ..<0x1_0000: bytes += [maskBit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            bytes.append(maskBit | 127)
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
        }
        guard let mask else { return bytes + payload }
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: mask >> (24 - 8 * $0)) }
        let start = bytes.count
        bytes += payload
        Self.apply(mask, to: &bytes, from: start)
        return bytes
    }

    /// Masks or unmasks; the two are the same.
    static func apply(_ mask: UInt32, to bytes: inout [UInt8], from start: Int) {
        var mask = mask
        for index in start..<bytes.count {
            mask = mask << 8 | mask >> 24
            bytes[index] ^= UInt8(truncatingIfNeeded: mask)
        }
    }
}

/// What the front of a frame says, once enough of it has come.
struct WebSocketFrameHeader: Equatable {
    var opcode: WebSocketOpcode
    var isFinal: Bool
    var mask: UInt32?
    var length: Int
    /// How many bytes the header itself takes.
    var size: Int

    /// Reads the header at the front of `bytes`; `nil` when more is needed. Checks what can be said of one
    /// frame alone (RFC 6455, sections 5.2 and 5.5).
    static func read(_ bytes: ArraySlice<UInt8>) throws(WebSocketClose) -> WebSocketFrameHeader? {
        let at = bytes.startIndex
        guard bytes.count >= 2 else { return nil }
        guard bytes[at] & 0x70 == 0 else { throw WebSocketClose(.protocolError, "a reserved bit is set") }
        guard let opcode = WebSocketOpcode(rawValue: bytes[at] & 0x0F) else {
            throw WebSocketClose(.protocolError, "unknown opcode")
        }
        let isFinal = bytes[at] & 0x80 != 0
        let isMasked = bytes[at + 1] & 0x80 != 0
        let short = Int(bytes[at + 1] & 0x7F)
        guard !opcode.isControl || isFinal && short < 126 else {
            throw WebSocketClose(.protocolError, "a control frame is fragmented or too long")
        }
        let lengthSize = short == 126 ? 2 : short == 127 ? 8 : 0
        let size = 2 + lengthSize + (isMasked ? 4 : 0)
        guard bytes.count >= size else { return nil }
        func number(_ range: Range<Int>) -> UInt64 {
            bytes[at + range.lowerBound..<at + range.upperBound].reduce(0) { $0 << 8 | UInt64($1) }
        }
        let length = lengthSize == 0 ? UInt64(short) : number(2..<2 + lengthSize)
        guard length <= UInt64(Int.max) else { throw WebSocketClose(.protocolError, "a length is negative") }
        return WebSocketFrameHeader(
            opcode: opcode, isFinal: isFinal, mask: isMasked ? UInt32(number(size - 4..<size)) : nil,
            length: Int(length), size: size)
    }
}
