/// A DNS message: a question, or the answer to one (RFC 1035, section 4; EDNS by RFC 6891).
///
/// A plain value. ``init(decoding:)`` reads the wire form, ``encode(limit:)`` writes it; what the questions
/// mean is decided elsewhere.
public struct DNSMessage: Hashable, Sendable {
    public var header: DNSHeader
    public var questions: [DNSQuestion]
    public var answers: [DNSRecord]
    public var authorities: [DNSRecord]
    /// Without the pseudo record of EDNS, which is ``edns``.
    public var additionals: [DNSRecord]
    public var edns: EDNS?

    public init(
        header: DNSHeader, questions: [DNSQuestion] = [], answers: [DNSRecord] = [],
        authorities: [DNSRecord] = [], additionals: [DNSRecord] = [], edns: EDNS? = nil
    ) {
        self.header = header
        self.questions = questions
        self.answers = answers
        self.authorities = authorities
        self.additionals = additionals
        self.edns = edns
    }

    /// An empty answer to this question: its id, question and wishes are echoed, EDNS is spoken if it was
    /// spoken to us (with our `payloadSize`). The caller fills in records and flags.
    public func reply(_ code: DNSResponseCode = .noError, payloadSize: UInt16 = 1232) -> DNSMessage {
        var header = DNSHeader(id: header.id)
        header.isResponse = true
        header.opcode = self.header.opcode
        header.isRecursionDesired = self.header.isRecursionDesired
        header.isCheckingDisabled = self.header.isCheckingDisabled
        header.responseCode = code
        let edns = edns.map { EDNS(payloadSize: payloadSize, isDNSSECWanted: $0.isDNSSECWanted) }
        return DNSMessage(header: header, questions: questions, edns: edns)
    }

    /// The longest answer over UDP that the sender of this message takes, in bytes: what its EDNS says,
    /// never less than the 512 that everybody takes.
    public var datagramLimit: Int { max(512, Int(edns?.payloadSize ?? 512)) }
}

/// The first twelve bytes of a message, without the counts (RFC 1035, section 4.1.1; RFC 4035 for the last
/// two flags).
///
/// Can be read alone, which is how a message that is broken further on is still answered with a format
/// error.
public struct DNSHeader: Hashable, Sendable {
    public var id: UInt16
    public var isResponse = false
    /// 0 is a plain query; four bits.
    public var opcode: UInt8 = 0
    public var isAuthoritative = false
    /// Something did not fit: ask again over TCP.
    public var isTruncated = false
    public var isRecursionDesired = false
    public var isRecursionAvailable = false
    public var isAuthenticData = false
    public var isCheckingDisabled = false
    /// Codes above 15 need the message to carry EDNS; without it only the low four bits are sent.
    public var responseCode = DNSResponseCode.noError

    public init(id: UInt16) { self.id = id }

    /// Reads the header at the front of a message; `nil` when there are fewer than twelve bytes.
    public init?(decoding bytes: some Collection<UInt8>) {
        let bytes = Array(bytes.prefix(12))
        guard bytes.count == 12 else { return nil }
        self.init(
            id: UInt16(bytes[0]) << 8 | UInt16(bytes[1]), flags: UInt16(bytes[2]) << 8 | UInt16(bytes[3]))
    }

    init(id: UInt16, flags: UInt16) {
        self.id = id
        isResponse = flags & 0x8000 != 0
        opcode = UInt8(flags >> 11 & 15)
        isAuthoritative = flags & 0x0400 != 0
        isTruncated = flags & 0x0200 != 0
        isRecursionDesired = flags & 0x0100 != 0
        isRecursionAvailable = flags & 0x0080 != 0
        isAuthenticData = flags & 0x0020 != 0
        isCheckingDisabled = flags & 0x0010 != 0
        responseCode = DNSResponseCode(rawValue: flags & 15)
    }

    var flags: UInt16 {
        var flags = UInt16(opcode & 15) << 11 | responseCode.rawValue & 15
        if isResponse { flags |= 0x8000 }
        if isAuthoritative { flags |= 0x0400 }
        if isTruncated { flags |= 0x0200 }
        if isRecursionDesired { flags |= 0x0100 }
        if isRecursionAvailable { flags |= 0x0080 }
        if isAuthenticData { flags |= 0x0020 }
        if isCheckingDisabled { flags |= 0x0010 }
        return flags
    }
}

/// How a question was answered. An open set of twelve bits.
public struct DNSResponseCode: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let noError = DNSResponseCode(rawValue: 0)
    /// The question could not be read.
    public static let formatError = DNSResponseCode(rawValue: 1)
    public static let serverFailure = DNSResponseCode(rawValue: 2)
    /// There is no such name (NXDOMAIN).
    public static let noSuchName = DNSResponseCode(rawValue: 3)
    public static let notImplemented = DNSResponseCode(rawValue: 4)
    public static let refused = DNSResponseCode(rawValue: 5)
    /// The EDNS version is not spoken here (RFC 6891, section 9).
    public static let badVersion = DNSResponseCode(rawValue: 16)
}

/// What is asked for.
public struct DNSQuestion: Hashable, Sendable {
    public var name: DNSName
    public var type: DNSType
    public var recordClass: DNSClass

    public init(_ name: DNSName, _ type: DNSType, class recordClass: DNSClass = .internet) {
        self.name = name
        self.type = type
        self.recordClass = recordClass
    }
}

/// The extension mechanism, sent as a pseudo record of type OPT (RFC 6891, section 6.1).
public struct EDNS: Hashable, Sendable {
    /// The longest UDP message that the sender can take, in bytes.
    public var payloadSize: UInt16
    public var version: UInt8
    /// The DO bit: the sender wants DNSSEC records.
    public var isDNSSECWanted: Bool
    public var options: [Option]

    public struct Option: Hashable, Sendable {
        public var code: UInt16
        public var data: [UInt8]

        public init(code: UInt16, data: [UInt8]) {
            self.code = code
            self.data = data
        }
    }

    public init(
        payloadSize: UInt16 = 1232, version: UInt8 = 0, isDNSSECWanted: Bool = false, options: [Option] = []
    ) {
        self.payloadSize = payloadSize
        self.version = version
        self.isDNSSECWanted = isDNSSECWanted
        self.options = options
    }
}
