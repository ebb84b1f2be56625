/// Cuts the bytes of a call into messages: a flag for compression, the length in four bytes, the message.
///
/// Holds at most one unfinished message of `limit` bytes besides the bytes just given: a length above the
/// limit is refused before anything is kept for it.
struct GRPCMessageReader {
    private let limit: Int
    private var buffer: [UInt8] = []

    init(limit: Int) { self.limit = limit }

    /// Whether the bytes so far end where a message ends.
    var isBetweenMessages: Bool { buffer.isEmpty }

    mutating func receive(_ bytes: some Collection<UInt8>) throws(GRPCStatus) -> [[UInt8]] {
        buffer += bytes
        var messages: [[UInt8]] = []
        var start = 0
        while buffer.count - start >= 5 {
            guard buffer[start] == 0 else {
                throw GRPCStatus(.internal, "the answer is compressed, which was not offered")
            }
            let length = buffer[start + 1..<start + 5].reduce(0) { $0 << 8 | Int($1) }
            guard length <= limit else {
                throw GRPCStatus(
                    .resourceExhausted, "a message of \(length) bytes was received, the limit is \(limit)")
            }
            let end = start + 5 + length
            guard end <= buffer.count else { break }
            messages.append(Array(buffer[start + 5..<end]))
            start = end
        }
        buffer.removeSubrange(..<start)
        return messages
    }

    /// The five bytes that go before a message.
    static func prefix(_ message: [UInt8]) -> [UInt8] {
        precondition(message.count <= UInt32.max, "a message is shorter than 4 GiB")
        return [0] + (0..<4).map { UInt8(truncatingIfNeeded: message.count >> (24 - 8 * $0)) }
    }
}
