import CLinux
public import Support

/// A connection that the kernel keeps track of, with what was translated: its two directions are then not
/// each other's mirror image.
public struct Connection: Hashable, Sendable {
    /// Addresses and ports of the packets of one direction.
    public struct Direction: Hashable, Sendable {
        public var source: IPAddress
        public var destination: IPAddress
        public var sourcePort: UInt16
        public var destinationPort: UInt16
    }

    /// 6 is TCP, 17 UDP, 132 SCTP.
    public var transport: UInt8
    /// As the one who began it sends: to the address of a service, say.
    public var original: Direction
    /// As the answers come: from the endpoint that was chosen.
    public var reply: Direction

    /// Reads a message of ctnetlink; `nil` for protocols without ports.
    init?(_ message: NetlinkMessage) {
        let attributes = message.attributes(after: NetfilterHeader.self)
        guard let original = attributes[CTA_TUPLE_ORIG]?.nested,
            let reply = attributes[CTA_TUPLE_REPLY]?.nested,
            let transport = original[CTA_TUPLE_PROTO]?.nested[CTA_PROTO_NUM]?.u8,
            let first = Direction(original), let second = Direction(reply)
        else { return nil }
        self.transport = transport
        self.original = first
        self.reply = second
    }
}

extension Connection.Direction {
    fileprivate init?(_ attributes: NetlinkAttributes) {
        guard let ip = attributes[CTA_TUPLE_IP]?.nested, let ports = attributes[CTA_TUPLE_PROTO]?.nested,
            let source = (ip[CTA_IP_V4_SRC] ?? ip[CTA_IP_V6_SRC])?.ip,
            let destination = (ip[CTA_IP_V4_DST] ?? ip[CTA_IP_V6_DST])?.ip,
            let sourcePort = ports[CTA_PROTO_SRC_PORT]?.networkU16,
            let destinationPort = ports[CTA_PROTO_DST_PORT]?.networkU16
        else { return nil }
        self.init(
            source: source, destination: destination, sourcePort: sourcePort, destinationPort: destinationPort
        )
    }

    func write(to writer: inout NetlinkWriter, transport: UInt8) {
        let isV4 = source.family == .v4
        writer.nest(CTA_TUPLE_IP) { writer in
            writer.put(isV4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, source)
            writer.put(isV4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, destination)
        }
        writer.nest(CTA_TUPLE_PROTO) { writer in
            writer.put(CTA_PROTO_NUM, transport)
            writer.put(CTA_PROTO_SRC_PORT, network: sourcePort)
            writer.put(CTA_PROTO_DST_PORT, network: destinationPort)
        }
    }
}

extension ctattr_type: NetlinkKey {}
extension ctattr_tuple: NetlinkKey {}
extension ctattr_ip: NetlinkKey {}
extension ctattr_l4proto: NetlinkKey {}
extension cntl_msg_types: NetlinkKey {}
