import CLinux
import Glibc
public import Support

/// A hardware address of six bytes.
public struct MACAddress: Hashable, Sendable, CustomStringConvertible {
    public let bytes: [UInt8]

    /// `nil` unless there are six bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 6 else { return nil }
        self.bytes = Array(bytes)
    }

    /// Reads `aa:bb:cc:dd:ee:ff`.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 6, parts.allSatisfy({ $0.utf8.count == 2 }) else { return nil }
        self.init(bytes: parts.compactMap { $0.first == "+" || $0.first == "-" ? nil : UInt8($0, radix: 16) })
    }

    /// One that belongs to no manufacturer and to one station: bit 1 of the first byte set, bit 0 clear.
    public static func random(using random: inout some RandomNumberGenerator) -> MACAddress {
        let number = random.next()
        var bytes = (0..<6).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
        bytes[0] = bytes[0] & 0xFC | 0x02
        return MACAddress(unchecked: bytes)
    }

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

/// A network interface.
public struct Link: Hashable, Sendable {
    /// By which every other call names it. Stays when the name changes; another namespace gives another one.
    public var index: Int32
    public var name: String
    /// `nil` for one without such an address (tunnels).
    public var mac: MACAddress?
    public var mtu: Int
    /// Switched on by the administrator.
    public var isUp: Bool
    /// Able to carry traffic: up, and something is at the other end.
    public var isRunning: Bool
    public var isLoopback: Bool
    /// The bridge that it is a port of.
    public var master: Int32?
    /// The other end of a veth (which may be in another namespace), or what a VLAN or VXLAN runs on.
    public var peer: Int32?
    /// `bridge`, `veth`, `vxlan`, `dummy`, ...; `nil` for hardware.
    public var kind: String?
    /// For kind `vxlan`.
    public var vxlan: VXLAN?
    public var traffic: Traffic

    public struct Traffic: Hashable, Sendable {
        public var receivedBytes: UInt64 = 0
        public var receivedErrors: UInt64 = 0
        public var sentBytes: UInt64 = 0
        public var sentErrors: UInt64 = 0
    }
}

/// How a VXLAN interface wraps frames into UDP (RFC 7348).
public struct VXLAN: Hashable, Sendable {
    /// The virtual network's number, 24 bits.
    public var identifier: UInt32
    public var port: UInt16
    /// The address that packets are sent from.
    public var local: IPAddress?
    /// The index of the interface that packets are sent through.
    public var device: Int32?
    /// Whether it learns where addresses are from the packets that come; off when somebody else knows.
    public var isLearning: Bool

    public init(
        identifier: UInt32, port: UInt16 = 8472, local: IPAddress? = nil, device: Int32? = nil,
        isLearning: Bool = false
    ) {
        self.identifier = identifier
        self.port = port
        self.local = local
        self.device = device
        self.isLearning = isLearning
    }
}

extension Link {
    /// Reads `RTM_NEWLINK` or `RTM_DELLINK`; `nil` when it has not their form.
    init?(_ message: NetlinkMessage) {
        guard let header = message.structure(ifinfomsg.self) else { return nil }
        let attributes = message.attributes(after: ifinfomsg.self)
        guard let name = attributes[IFLA_IFNAME]?.text else { return nil }
        let info = attributes[IFLA_LINKINFO]?.nested
        let flags = Int32(bitPattern: header.ifi_flags)
        index = header.ifi_index
        self.name = name
        mac = attributes[IFLA_ADDRESS].flatMap { MACAddress(bytes: $0.bytes) }
        mtu = Int(attributes[IFLA_MTU]?.u32 ?? 0)
        isUp = flags & Int32(IFF_UP) != 0
        isRunning = flags & Int32(IFF_RUNNING) != 0
        isLoopback = flags & Int32(IFF_LOOPBACK) != 0
        master = attributes[IFLA_MASTER]?.u32.map { Int32(bitPattern: $0) }
        peer = attributes[IFLA_LINK]?.u32.map { Int32(bitPattern: $0) }
        kind = info?[IFLA_INFO_KIND]?.text
        vxlan = kind == "vxlan" ? info?[IFLA_INFO_DATA].flatMap { VXLAN($0.nested) } : nil
        traffic = attributes[IFLA_STATS64].map(Traffic.init) ?? Traffic()
    }
}

extension Link.Traffic {
    /// `struct rtnl_link_stats64`: packets in and out, bytes in and out, errors in and out, ...
    fileprivate init(_ value: NetlinkValue) {
        func counter(_ position: Int) -> UInt64 {
            NetlinkValue(bytes: value.bytes.dropFirst(position * 8)).u64 ?? 0
        }
        receivedBytes = counter(2)
        sentBytes = counter(3)
        receivedErrors = counter(4)
        sentErrors = counter(5)
    }
}

extension VXLAN {
    fileprivate init?(_ attributes: NetlinkAttributes) {
        guard let identifier = attributes[IFLA_VXLAN_ID]?.u32 else { return nil }
        self.init(
            identifier: identifier, port: attributes[IFLA_VXLAN_PORT]?.networkU16 ?? 0,
            local: (attributes[IFLA_VXLAN_LOCAL] ?? attributes[IFLA_VXLAN_LOCAL6])?.ip,
            device: attributes[IFLA_VXLAN_LINK]?.u32.map { Int32(bitPattern: $0) },
            isLearning: attributes[IFLA_VXLAN_LEARNING]?.u8 == 1)
    }

    /// The data of a new interface.
    func write(to writer: inout NetlinkWriter) {
        writer.put(IFLA_VXLAN_ID, identifier)
        writer.put(IFLA_VXLAN_PORT, network: port)
        writer.put(IFLA_VXLAN_LEARNING, UInt8(isLearning ? 1 : 0))
        if let device { writer.put(IFLA_VXLAN_LINK, UInt32(bitPattern: device)) }
        if let local { writer.put(local.family == .v4 ? IFLA_VXLAN_LOCAL : IFLA_VXLAN_LOCAL6, local) }
    }
}
