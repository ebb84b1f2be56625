extension DNSMessage {
    /// The wire form, in at most `limit` bytes (512 ... 65535).
    ///
    /// Names are compressed. When the answers or authorities do not all fit, the first ones that do are
    /// sent with the truncation bit, and the rest is left to a question over TCP; additional records are
    /// left out silently, as they are only a courtesy (RFC 2181, section 9). EDNS is always sent, without
    /// its options if need be.
    public func encode(limit: Int = 65_535) -> [UInt8] {
        precondition((512...65_535).contains(limit), "a message has 512 to 65535 bytes of room")
        var encoder = DNSEncoder(limit: limit)
        return encoder.encode(self)
    }
}

struct DNSEncoder {
    private let limit: Int
    private var bytes: [UInt8] = []
    /// Where each name that was written begins, by its folded wire form: what a later name may point to.
    private var offsets: [ArraySlice<UInt8>: Int] = [:]

    init(limit: Int) { self.limit = limit }

    mutating func encode(_ message: DNSMessage) -> [UInt8] {
        var message = message
        var options = Self.option(message)
        if 12 + options.count > limit {
            message.edns?.options = []
            options = Self.option(message)
        }
        bytes = [UInt8](repeating: 0, count: 12)
        let room = limit - options.count

        let questions = append(message.questions, room) { $0.put($1) }
        var isComplete = questions == message.questions.count
        let answers = isComplete ? append(message.answers, room) { $0.put($1) } : 0
        isComplete = isComplete && answers == message.answers.count
        let authorities = isComplete ? append(message.authorities, room) { $0.put($1) } : 0
        isComplete = isComplete && authorities == message.authorities.count
        let additionals = isComplete ? append(message.additionals, room) { $0.put($1) } : 0
        bytes += options

        message.header.isTruncated = message.header.isTruncated || !isComplete
        let counts = [questions, answers, authorities, additionals + (message.edns == nil ? 0 : 1)]
        let head = [message.header.id, message.header.flags] + counts.map { UInt16($0) }
        for (index, value) in head.enumerated() {
            bytes[index * 2] = UInt8(value >> 8)
            bytes[index * 2 + 1] = UInt8(value & 0xFF)
        }
        return bytes
    }

    /// Writes items until one does not fit, and returns how many did. No name is written after that, so the
    /// names of what is taken back are not pointed to.
    private mutating func append<Item>(_ items: [Item], _ room: Int, put: (inout Self, Item) -> Void) -> Int {
        for (index, item) in items.enumerated() {
            let start = bytes.count
            put(&self, item)
            guard bytes.count > room || index == 0xFFFF else { continue }
            bytes.removeSubrange(start...)
            return index
        }
        return items.count
    }

    private mutating func put(_ question: DNSQuestion) {
        put(question.name, isCompressed: true)
        put(question.type.rawValue)
        put(question.recordClass.rawValue)
    }

    private mutating func put(_ record: DNSRecord) {
        put(record.name, isCompressed: true)
        put(record.data.type.rawValue)
        put(record.recordClass.rawValue)
        put(record.ttl)
        let lengthAt = bytes.count
        put(UInt16(0))
        put(record.data)
        let length = bytes.count - lengthAt - 2
        // Data of more than 65535 bytes cannot be said; it does not fit into any message either, and is
        // taken back.
        bytes[lengthAt] = UInt8(length >> 8 & 0xFF)
        bytes[lengthAt + 1] = UInt8(length & 0xFF)
    }

    private mutating func put(_ data: DNSRecordData) {
        switch data {
        case .a(let address): put(address)
        case .aaaa(let high, let low):
            for half in [high, low] {
                put(UInt32(half >> 32))
                put(UInt32(truncatingIfNeeded: half))
            }
        case .ns(let name), .cname(let name), .ptr(let name): put(name, isCompressed: true)
        case .mx(let preference, let exchange):
            put(preference)
            put(exchange, isCompressed: true)
        case .srv(let priority, let weight, let port, let target):
            [priority, weight, port].forEach { put($0) }
            // RFC 2782: the target is not compressed.
            put(target, isCompressed: false)
        case .txt(let strings): put(strings)
        case .soa(let soa):
            put(soa.primary, isCompressed: true)
            put(soa.mailbox, isCompressed: true)
            [soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum].forEach { put($0) }
        case .other(_, let raw): bytes += raw
        }
    }

    private mutating func put(_ strings: [[UInt8]]) {
        for string in strings.isEmpty ? [[]] : strings {
            var rest = string[...]
            repeat {
                let piece = rest.prefix(255)
                bytes.append(UInt8(piece.count))
                bytes += piece
                rest = rest.dropFirst(255)
            } while !rest.isEmpty
        }
    }

    /// Writes a name, its longest known tail as a pointer if that is allowed here. Every tail is remembered
    /// while a pointer's fourteen bits reach it.
    private mutating func put(_ name: DNSName, isCompressed: Bool) {
        let folded = name.folded
        var start = 0
        while name.wire[start] != 0 {
            let tail = folded[start...]
            if isCompressed, let offset = offsets[tail] {
                put(UInt16(0xC000 | offset))
                return
            }
            if bytes.count < 0x4000, offsets[tail] == nil { offsets[tail] = bytes.count }
            let end = start + 1 + Int(name.wire[start])
            bytes += name.wire[start..<end]
            start = end
        }
        bytes.append(0)
    }

    /// The whole OPT record, empty when the message does not speak EDNS.
    private static func option(_ message: DNSMessage) -> [UInt8] {
        guard let edns = message.edns else { return [] }
        var encoder = DNSEncoder(limit: 65_535)
        encoder.bytes = [0]
        encoder.put(DNSType.opt.rawValue)
        encoder.put(edns.payloadSize)
        encoder.bytes += [UInt8(message.header.responseCode.rawValue >> 4 & 0xFF), edns.version]
        encoder.put(UInt16(edns.isDNSSECWanted ? 0x8000 : 0))
        let data = edns.options.reduce(into: [UInt8]()) { data, option in
            data += [UInt8(option.code >> 8), UInt8(option.code & 0xFF)]
            data += [UInt8(option.data.count >> 8 & 0xFF), UInt8(option.data.count & 0xFF)]
            data += option.data
        }
        encoder.put(UInt16(truncatingIfNeeded: data.count))
        encoder.bytes += data
        return encoder.bytes
    }

    private mutating func put(_ value: UInt16) { bytes += [UInt8(value >> 8), UInt8(value & 0xFF)] }

    private mutating func put(_ value: UInt32) {
        put(UInt16(value >> 16))
        put(UInt16(truncatingIfNeeded: value))
    }
}
