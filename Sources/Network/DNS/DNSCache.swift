import Wire

/// Answers of other servers, kept for as long as they say, and no longer than half a minute.
///
/// A value without a clock: instants come in as durations since any one beginning. It never holds more than
/// ``capacity`` answers.
struct DNSCache {
    /// What tells two queries apart: the question, and what is wished about the answer.
    private struct Key: Hashable {
        var question: [UInt8]
        /// Checking disabled, EDNS spoken, DNSSEC wanted.
        var wishes: [Bool]

        init(_ packet: DNSPacket, _ query: DNSMessage) {
            question = packet.bytes[packet.question].map {
                (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0
            }
            let edns = query.edns
            wishes = [query.header.isCheckingDisabled, edns != nil, edns?.isDNSSECWanted ?? false]
        }
    }

    private struct Entry {
        var answer: DNSPacket
        var end: Duration
    }

    static let longest: UInt32 = 30
    /// Of bytes of one answer: longer ones are rare, and kept by nobody.
    private static let largest = 4096

    let capacity: Int
    private var entries: [Key: Entry] = [:]
    /// In the order in which they came; the oldest goes when there is no room.
    private var order: [Key] = []
    private var oldest = 0

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }

    /// The answer for a query, ready to be sent, with the times that are left.
    func answer(to packet: DNSPacket, _ query: DNSMessage, now: Duration) -> DNSPacket? {
        guard let entry = entries[Key(packet, query)], entry.end > now else { return nil }
        var answer = entry.answer
        answer.id = packet.id
        answer.echoQuestion(of: packet)
        // Up to the next second: what is nearly over may still be used once.
        let left = entry.end - now
        answer.limitTimesToLive(
            to: UInt32(left.components.seconds) + (left.components.attoseconds > 0 ? 1 : 0))
        return answer
    }

    /// Keeps an answer, if it may be kept at all.
    mutating func keep(_ answer: DNSPacket, to packet: DNSPacket, _ query: DNSMessage, now: Duration) {
        let code = answer.responseCode
        guard code == .noError || code == .noSuchName, !answer.isTruncated,
            answer.bytes.count <= Self.largest,
            answer.asksTheSame(as: packet), let time = answer.leastTimeToLive, time > 0
        else { return }
        let key = Key(packet, query)
        let entry = Entry(answer: answer, end: now + .seconds(Int(min(time, Self.longest))))
        guard entries.updateValue(entry, forKey: key) == nil else { return }
        if order.count < capacity {
            order.append(key)
        } else {
            entries[order[oldest]] = nil
            order[oldest] = key
            oldest = (oldest + 1) % capacity
        }
    }
}
