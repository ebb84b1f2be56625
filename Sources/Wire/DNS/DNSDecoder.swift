/// Why bytes are not a DNS message. The answer to a peer is always a format error.
public enum DNSDecodingError: Error, Hashable, Sendable {
    /// The bytes end before the message does.
    case truncated
    /// A label of a reserved kind, a name of more than 255 bytes, or a pointer that does not point back.
    case badName
    /// The data of a record of this type is shorter or longer than its type allows.
    case badData(DNSType)
    /// An OPT record twice, outside the additional section, or with a name (RFC 6891, section 6.1.1).
    case badEDNS
}

extension DNSMessage {
    /// Reads one message. What follows it is ignored.
    ///
    /// Made for hostile input: memory and time are bounded by the number of bytes given, whatever the
    /// counts and pointers in them claim.
    public init(decoding bytes: some Collection<UInt8>) throws(DNSDecodingError) {
        var decoder = DNSDecoder(bytes: Array(bytes))
        self = try decoder.message()
    }
}

struct DNSDecoder {
    let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func message() throws(DNSDecodingError) -> DNSMessage {
        let (id, flags) = (try uint16(), try uint16())
        var message = DNSMessage(header: DNSHeader(id: id, flags: flags))
        let (questionCount, answerCount) = (try uint16(), try uint16())
        let (authorityCount, additionalCount) = (try uint16(), try uint16())
        // Nothing is reserved from the counts: sixteen bits of a header must not cost a megabyte.
        for _ in 0..<questionCount { message.questions.append(try question()) }
        for _ in 0..<answerCount { message.answers.append(try record()) }
        for _ in 0..<authorityCount { message.authorities.append(try record()) }
        for _ in 0..<additionalCount {
            let start = position
            let name = try name()
            guard try uint16() == DNSType.opt.rawValue else {
                position = start
                message.additionals.append(try record())
                continue
            }
            guard message.edns == nil, name == .root else { throw .badEDNS }
            let (edns, highBits) = try option()
            message.edns = edns
            message.header.responseCode.rawValue |= UInt16(highBits) << 4
        }
        return message
    }

    private mutating func question() throws(DNSDecodingError) -> DNSQuestion {
        let name = try name()
        let type = DNSType(rawValue: try uint16())
        return DNSQuestion(name, type, class: DNSClass(rawValue: try uint16()))
    }

    private mutating func record() throws(DNSDecodingError) -> DNSRecord {
        let name = try name()
        let type = DNSType(rawValue: try uint16())
        guard type != .opt else { throw .badEDNS }
        let recordClass = DNSClass(rawValue: try uint16())
        let ttl = try uint32()
        let end = try length()
        let data =
            recordClass == .internet ? try data(type, end: end) : .other(type, try take(end - position))
        guard position == end else { throw .badData(type) }
        return DNSRecord(name, data, ttl: ttl, class: recordClass)
    }

    /// The fields of OPT after its type: they reuse those of a record (RFC 6891, section 6.1.2).
    private mutating func option() throws(DNSDecodingError) -> (EDNS, highBits: UInt8) {
        var edns = EDNS(payloadSize: try uint16())
        let highBits = try uint8()
        edns.version = try uint8()
        edns.isDNSSECWanted = try uint16() & 0x8000 != 0
        let end = try length()
        while position < end {
            let code = try uint16()
            let count = Int(try uint16())
            guard position + count <= end else { throw .badEDNS }
            edns.options.append(EDNS.Option(code: code, data: try take(count)))
        }
        guard position == end else { throw .badEDNS }
        return (edns, highBits)
    }

    /// Reads the data of a record of the internet class. The caller checks that it ended at `end`.
    private mutating func data(_ type: DNSType, end: Int) throws(DNSDecodingError) -> DNSRecordData {
        switch type {
        case .a: return .a(try uint32())
        case .aaaa:
            let high = UInt64(try uint32()) << 32 | UInt64(try uint32())
            return .aaaa(high: high, low: UInt64(try uint32()) << 32 | UInt64(try uint32()))
        case .ns: return .ns(try name())
        case .cname: return .cname(try name())
        case .ptr: return .ptr(try name())
        case .mx: return .mx(preference: try uint16(), exchange: try name())
        case .srv:
            return .srv(
                priority: try uint16(), weight: try uint16(), port: try uint16(), target: try name())
        case .txt:
            var strings: [[UInt8]] = []
            while position < end { strings.append(try take(Int(try uint8()))) }
            guard !strings.isEmpty else { throw .badData(.txt) }
            return .txt(strings)
        case .soa:
            return .soa(
                DNSAuthority(
                    primary: try name(), mailbox: try name(), serial: try uint32(), refresh: try uint32(),
                    retry: try uint32(), expire: try uint32(), minimum: try uint32()))
        default: return .other(type, try take(end - position))
        }
    }

    /// Reads a name and follows its pointers (RFC 1035, section 4.1.4).
    ///
    /// A pointer must point before the piece of name that it ends, so no chain of them is circular; and a
    /// chain that adds no label is cut off, so that a message full of pointers stays cheap.
    private mutating func name() throws(DNSDecodingError) -> DNSName {
        var wire: [UInt8] = []
        var (cursor, pieceStart, hops) = (position, position, 0)
        while true {
            guard cursor < bytes.count else { throw .truncated }
            let length = Int(bytes[cursor])
            switch length >> 6 {
            case 0b00:
                guard cursor + 1 + length <= bytes.count else { throw .truncated }
                wire += bytes[cursor..<cursor + 1 + length]
                guard wire.count <= DNSName.maximumLength else { throw .badName }
                cursor += 1 + length
                if length > 0 { continue }
                if hops == 0 { position = cursor }
                return DNSName(unchecked: wire)
            case 0b11:
                guard cursor + 1 < bytes.count else { throw .truncated }
                let target = (length & 0x3F) << 8 | Int(bytes[cursor + 1])
                guard target < pieceStart, hops < 127 else { throw .badName }
                if hops == 0 { position = cursor + 2 }
                (cursor, pieceStart, hops) = (target, target, hops + 1)
            default:
                throw .badName
            }
        }
    }

    /// Reads a length and returns where the bytes that it counts end.
    private mutating func length() throws(DNSDecodingError) -> Int {
        let end = Int(try uint16()) + position
        guard end <= bytes.count else { throw .truncated }
        return end
    }

    private mutating func take(_ count: Int) throws(DNSDecodingError) -> [UInt8] {
        guard position + count <= bytes.count else { throw .truncated }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    private mutating func uint8() throws(DNSDecodingError) -> UInt8 {
        guard position < bytes.count else { throw .truncated }
        defer { position += 1 }
        return bytes[position]
    }

    private mutating func uint16() throws(DNSDecodingError) -> UInt16 {
        UInt16(try uint8()) << 8 | UInt16(try uint8())
    }

    private mutating func uint32() throws(DNSDecodingError) -> UInt32 {
        UInt32(try uint16()) << 16 | UInt32(try uint16())
    }
}
