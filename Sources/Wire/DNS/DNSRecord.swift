/// What kind of data a record holds, or a question asks for. An open set: any number may come.
public struct DNSType: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let a = DNSType(rawValue: 1)
    public static let ns = DNSType(rawValue: 2)
    public static let cname = DNSType(rawValue: 5)
    public static let soa = DNSType(rawValue: 6)
    public static let ptr = DNSType(rawValue: 12)
    public static let mx = DNSType(rawValue: 15)
    public static let txt = DNSType(rawValue: 16)
    public static let aaaa = DNSType(rawValue: 28)
    public static let srv = DNSType(rawValue: 33)
    /// The pseudo record of EDNS. A message shows it as ``DNSMessage/edns``, never as a record.
    public static let opt = DNSType(rawValue: 41)
    /// Asks for records of all types.
    public static let any = DNSType(rawValue: 255)
}

/// The name space a record belongs to; in practice always ``internet``.
public struct DNSClass: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let internet = DNSClass(rawValue: 1)
    public static let chaos = DNSClass(rawValue: 3)
    public static let any = DNSClass(rawValue: 255)
}

/// One resource record (RFC 1035, section 3.2).
public struct DNSRecord: Hashable, Sendable {
    public var name: DNSName
    public var recordClass: DNSClass
    /// Seconds for which the record may be kept.
    public var ttl: UInt32
    public var data: DNSRecordData

    public init(_ name: DNSName, _ data: DNSRecordData, ttl: UInt32, class recordClass: DNSClass = .internet)
    {
        self.name = name
        self.data = data
        self.ttl = ttl
        self.recordClass = recordClass
    }
}

/// What a record says.
public enum DNSRecordData: Hashable, Sendable {
    /// An IPv4 address, its first byte the most significant.
    case a(UInt32)
    /// An IPv6 address, its first byte the most significant.
    case aaaa(high: UInt64, low: UInt64)
    case ns(DNSName)
    case cname(DNSName)
    case ptr(DNSName)
    case mx(preference: UInt16, exchange: DNSName)
    /// RFC 2782.
    case srv(priority: UInt16, weight: UInt16, port: UInt16, target: DNSName)
    /// Strings of at most 255 bytes: a longer one is sent as several, no string at all as one that is empty.
    case txt([[UInt8]])
    case soa(DNSAuthority)
    /// Any other type, and any type of another class than ``DNSClass/internet``, as its bytes. Names inside
    /// that were compressed lose their meaning, so a forwarder passes on the message that it received, not
    /// one encoded anew.
    case other(DNSType, [UInt8])

    /// The type that the record is sent with.
    public var type: DNSType {
        switch self {
        case .a: .a
        case .aaaa: .aaaa
        case .ns: .ns
        case .cname: .cname
        case .ptr: .ptr
        case .mx: .mx
        case .srv: .srv
        case .txt: .txt
        case .soa: .soa
        case .other(let type, _): type
        }
    }
}

/// The start of a zone of authority (RFC 1035, section 3.3.13). Times are in seconds.
public struct DNSAuthority: Hashable, Sendable {
    public var primary: DNSName
    public var mailbox: DNSName
    public var serial: UInt32
    public var refresh: UInt32
    public var retry: UInt32
    public var expire: UInt32
    /// How long a "there is no such name" may be kept (RFC 2308).
    public var minimum: UInt32

    public init(
        primary: DNSName, mailbox: DNSName, serial: UInt32, refresh: UInt32, retry: UInt32, expire: UInt32,
        minimum: UInt32
    ) {
        self.primary = primary
        self.mailbox = mailbox
        self.serial = serial
        self.refresh = refresh
        self.retry = retry
        self.expire = expire
        self.minimum = minimum
    }
}
