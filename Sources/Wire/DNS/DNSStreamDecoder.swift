/// Cuts the bytes of a TCP connection into DNS messages: each comes behind its length in two bytes (RFC
/// 1035, section 4.2.2). It never holds more than one unfinished message, 64 KiB at most, besides the bytes
/// just given.
public struct DNSStreamDecoder: Sendable {
    private var buffer: [UInt8] = []

    public init() {}

    /// Takes bytes as they come and returns the messages that are now whole, not decoded.
    public mutating func receive(_ bytes: some Collection<UInt8>) -> [[UInt8]] {
        buffer += bytes
        var messages: [[UInt8]] = []
        var start = 0
        while buffer.count - start >= 2 {
            let end = start + 2 + (Int(buffer[start]) << 8 | Int(buffer[start + 1]))
            guard end <= buffer.count else { break }
            messages.append(Array(buffer[start + 2..<end]))
            start = end
        }
        buffer.removeSubrange(..<start)
        return messages
    }

    /// An encoded message behind its length.
    public static func frame(_ message: [UInt8]) -> [UInt8] {
        precondition(message.count <= 65_535, "a message has at most 65535 bytes")
        return [UInt8(message.count >> 8), UInt8(message.count & 0xFF)] + message
    }
}
