/// A message of one question as the bytes that it came in, for a forwarder: what it passes on is what it
/// received, but for the fields here.
public struct DNSPacket: Hashable, Sendable {
    public private(set) var bytes: [UInt8]
    /// Where the question lies.
    public let question: Range<Int>
    /// Where the times to live of all records lie, but that of EDNS, which is none.
    private let times: [Int]

    /// `nil` when the bytes are not a message with one question.
    public init?(_ bytes: [UInt8]) {
        var walk = Walk(bytes: bytes)
        guard bytes.count >= 12, walk.number(at: 4) == 1, walk.skipName() else { return nil }
        walk.position += 4
        guard walk.position <= bytes.count else { return nil }
        question = 12..<walk.position
        var times: [Int] = []
        let records = walk.number(at: 6) + walk.number(at: 8) + walk.number(at: 10)
        for _ in 0..<records {
            guard walk.skipName(), walk.position + 10 <= bytes.count else { return nil }
            if walk.number(at: walk.position) != Int(DNSType.opt.rawValue) { times.append(walk.position + 4) }
            walk.position += 10 + walk.number(at: walk.position + 8)
            guard walk.position <= bytes.count else { return nil }
        }
        self.times = times
        self.bytes = bytes
    }

    public var id: UInt16 {
        get { UInt16(bytes[0]) << 8 | UInt16(bytes[1]) }
        set { (bytes[0], bytes[1]) = (UInt8(newValue >> 8), UInt8(newValue & 0xFF)) }
    }

    public var isResponse: Bool { bytes[2] & 0x80 != 0 }
    public var isTruncated: Bool { bytes[2] & 0x02 != 0 }
    /// Without the high bits, which are in EDNS.
    public var responseCode: DNSResponseCode { DNSResponseCode(rawValue: UInt16(bytes[3] & 0x0F)) }

    /// Whether this answers `query`: the same id and, but for case, the same question.
    public func answers(_ query: DNSPacket) -> Bool { isResponse && id == query.id && asksTheSame(as: query) }

    /// Whether the question is the same but for case.
    public func asksTheSame(as other: DNSPacket) -> Bool {
        question == other.question
            && zip(bytes[question], other.bytes[question]).allSatisfy { $0 == $1 || folded($0) == folded($1) }
    }

    /// Writes the question as another packet has it: a resolver may check that its case comes back.
    public mutating func echoQuestion(of other: DNSPacket) {
        precondition(asksTheSame(as: other), "only the case of a question may differ")
        bytes.replaceSubrange(question, with: other.bytes[question])
    }

    /// The shortest time for which a record may be kept, in seconds; `nil` without records.
    public var leastTimeToLive: UInt32? { times.map(time).min() }

    /// Cuts longer times to `most` seconds.
    public mutating func limitTimesToLive(to most: UInt32) {
        for position in times where time(at: position) > most {
            for index in 0..<4 {
                bytes[position + index] = UInt8(truncatingIfNeeded: most >> (24 - 8 * index))
            }
        }
    }

    private func time(at position: Int) -> UInt32 {
        bytes[position..<position + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    private func folded(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    /// Steps over names and records without reading them.
    private struct Walk {
        let bytes: [UInt8]
        var position = 12

        func number(at position: Int) -> Int { Int(bytes[position]) << 8 | Int(bytes[position + 1]) }

        /// To the end of a name: its zero, or a pointer (RFC 1035, section 4.1.4).
        mutating func skipName() -> Bool {
            while position < bytes.count {
                let length = Int(bytes[position])
                if length >= 0xC0 {
                    position += 2
                    return position <= bytes.count
                }
                position += 1 + length
                if length == 0 { return true }
                if length > 63 { return false }
            }
            return false
        }
    }
}
