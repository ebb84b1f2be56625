import Support

/// A message of D-Bus (D-Bus Specification, "Message Format").
struct BusMessage: Hashable, Sendable {
    enum Kind: UInt8, Hashable, Sendable {
        case call = 1
        case reply = 2
        case error = 3
        case signal = 4
    }

    var kind: Kind
    var serial: UInt32
    var path = ""
    var interface = ""
    var member = ""
    var errorName = ""
    var destination = ""
    var sender = ""
    var replySerial: UInt32 = 0
    /// How many descriptors come with it.
    var descriptorCount: UInt32 = 0
    var values: [BusValue] = []

    /// More than anybody says to us; a peer that claims to say more is not believed.
    static let longest = 1 << 20
    /// What is there before the length of the whole is known.
    static let prefix = 16

    init(_ kind: Kind, serial: UInt32) {
        self.kind = kind
        self.serial = serial
    }

    var bytes: [UInt8] {
        var body = BusWriter()
        for value in values { body.write(value) }
        var fields: [BusValue] = []
        func field(_ number: UInt8, _ value: BusValue, _ isThere: Bool) {
            if isThere { fields.append(.structure([.byte(number), .variant(value)])) }
        }
        field(1, .path(path), !path.isEmpty)
        field(2, .string(interface), !interface.isEmpty)
        field(3, .string(member), !member.isEmpty)
        field(4, .string(errorName), !errorName.isEmpty)
        field(5, .uint32(replySerial), replySerial != 0)
        field(6, .string(destination), !destination.isEmpty)
        field(8, .signature(values.map(\.signature).joined()), !values.isEmpty)
        field(9, .uint32(descriptorCount), descriptorCount != 0)
        var writer = BusWriter()
        writer.write(.byte(UInt8(ascii: "l")))
        writer.write(.byte(kind.rawValue))
        writer.write(.byte(0))
        writer.write(.byte(1))
        writer.number(UInt32(body.bytes.count))
        writer.number(serial)
        writer.write(.array(of: "(yv)", fields))
        writer.align(8)
        return writer.bytes + body.bytes
    }

    /// The length of the message that begins so; `nil` when too little is there to tell. Fails with `corrupt`.
    static func length(of bytes: ArraySlice<UInt8>) throws(Fault) -> Int? {
        guard bytes.count >= prefix else { return nil }
        var reader = BusReader(bytes, isBigEndFirst: bytes.first == UInt8(ascii: "B"))
        _ = try reader.read("yyyy")
        let (body, _, fields) = (
            try reader.number(UInt32.self), try reader.number(UInt32.self), try reader.number(UInt32.self)
        )
        let header = (prefix + Int(fields) + 7) / 8 * 8
        guard header + Int(body) <= longest else {
            throw Fault(.corrupt, "a message of the system bus is longer than \(longest) bytes")
        }
        return header + Int(body)
    }

    /// Of the bytes of one whole message. `nil` for a kind that is not known, which is to be passed over.
    init?(_ bytes: ArraySlice<UInt8>) throws(Fault) {
        let order = bytes.first
        guard order == UInt8(ascii: "l") || order == UInt8(ascii: "B") else {
            throw Fault(.corrupt, "a message of the system bus is not readable")
        }
        var reader = BusReader(bytes, isBigEndFirst: order == UInt8(ascii: "B"))
        let head = try reader.read("yyyyuua(yv)")
        try reader.align(8)
        guard case .byte(let kind) = head[1], case .uint32(let serial) = head[5],
            case .array(_, let fields) = head[6]
        else { return nil }
        guard let kind = Kind(rawValue: kind) else { return nil }
        self.init(kind, serial: serial)
        var signature = ""
        for field in fields {
            guard case .structure(let pair) = field, pair.count == 2, case .byte(let number) = pair[0],
                case .variant(let value) = pair[1]
            else { continue }
            switch (number, value) {
            case (1, .path(let text)): path = text
            case (2, .string(let text)): interface = text
            case (3, .string(let text)): member = text
            case (4, .string(let text)): errorName = text
            case (5, .uint32(let number)): replySerial = number
            case (6, .string(let text)): destination = text
            case (7, .string(let text)): sender = text
            case (8, .signature(let text)): signature = text
            case (9, .uint32(let number)): descriptorCount = number
            default: break
            }
        }
        values = try reader.read(signature)
    }
}

/// A method to be called on the system bus.
public struct BusCall: Hashable, Sendable {
    /// The name of who is called: `org.freedesktop.login1`.
    public var destination: String
    public var path: String
    public var interface: String
    public var member: String
    public var values: [BusValue]

    public init(_ destination: String, _ path: String, _ interface: String, _ member: String, _ values: [BusValue] = []) {
        self.destination = destination
        self.path = path
        self.interface = interface
        self.member = member
        self.values = values
    }
}

/// What a call brought.
public struct BusReply: Sendable {
    public var values: [BusValue]
    public var descriptors: [Descriptor]
}

/// What somebody on the bus told everybody.
public struct BusSignal: Hashable, Sendable {
    public var path: String
    public var interface: String
    public var member: String
    public var values: [BusValue]
}
