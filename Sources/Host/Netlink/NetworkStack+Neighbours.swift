import CLinux
import Glibc
public import Support

/// Which hardware address an address on a link has: an entry of the ARP or neighbour table.
public struct Neighbour: Hashable, Sendable {
    public var ip: IPAddress
    /// `nil` while it is being asked for.
    public var mac: MACAddress?
    /// The index of the interface.
    public var link: Int32
    /// Entered by hand, and never forgotten.
    public var isPermanent: Bool

    public init(_ ip: IPAddress, mac: MACAddress, link: Int32, isPermanent: Bool = true) {
        self.ip = ip
        self.mac = mac
        self.link = link
        self.isPermanent = isPermanent
    }

    init?(_ message: NetlinkMessage) {
        guard let header = message.structure(ndmsg.self), IPAddress.Family(number: header.ndm_family) != nil
        else {
            return nil
        }
        // A deleted entry lingers as failed while something refers to it; those without ARP are of the
        // kernel's making.
        guard Int32(header.ndm_state) & (NUD_FAILED | NUD_NOARP) == 0 else { return nil }
        let attributes = message.attributes(after: ndmsg.self)
        guard let ip = attributes[NDA_DST]?.ip else { return nil }
        self.ip = ip
        mac = attributes[NDA_LLADDR].flatMap { MACAddress(bytes: $0.bytes) }
        link = header.ndm_ifindex
        isPermanent = header.ndm_state & UInt16(NUD_PERMANENT) != 0
    }
}

/// Where a VXLAN interface sends frames for a hardware address: an entry of its forwarding database.
public struct ForwardingEntry: Hashable, Sendable {
    public var mac: MACAddress
    /// The host that the frame is wrapped up for.
    public var destination: IPAddress
    /// The index of the VXLAN interface.
    public var link: Int32

    public init(_ mac: MACAddress, to destination: IPAddress, link: Int32) {
        self.mac = mac
        self.destination = destination
        self.link = link
    }

    init?(_ message: NetlinkMessage) {
        guard let header = message.structure(ndmsg.self), Int32(header.ndm_family) == AF_BRIDGE else {
            return nil
        }
        let attributes = message.attributes(after: ndmsg.self)
        guard let mac = attributes[NDA_LLADDR].flatMap({ MACAddress(bytes: $0.bytes) }),
            let destination = attributes[NDA_DST]?.ip
        else { return nil }
        self.init(mac, to: destination, link: header.ndm_ifindex)
    }
}

extension NetworkStack {
    // ip neighbour
    /// The neighbours of one interface, or of all.
    public func neighbours(of link: Int32? = nil) throws(Fault) -> [Neighbour] {
        try dump("neighbours", RTM_GETNEIGH) { $0.append(structure: ndmsg()) }
            .compactMap(Neighbour.init).filter { link == nil || $0.link == link }
    }

    // ip neighbour replace IP lladdr MAC dev LINK nud permanent
    /// Enters a neighbour, in place of what was known of its address.
    public func replace(_ neighbour: Neighbour) throws(Fault) {
        let flags = NLM_F_CREATE | NLM_F_REPLACE
        try change("enter the neighbour \(neighbour.ip)", RTM_NEWNEIGH, flags: flags) {
            write(neighbour, to: &$0)
        }
    }

    // ip neighbour delete IP dev LINK
    /// Forgets a neighbour; one that is not known is no fault.
    public func delete(_ neighbour: Neighbour) throws(Fault) {
        try forget("the neighbour \(neighbour.ip)") { write(neighbour, to: &$0) }
    }

    // bridge fdb show
    /// The forwarding entries with a destination, of one VXLAN interface or of all.
    public func forwardingEntries(of link: Int32? = nil) throws(Fault) -> [ForwardingEntry] {
        var header = ndmsg()
        header.ndm_family = UInt8(AF_BRIDGE)
        return try dump("forwarding entries", RTM_GETNEIGH) { $0.append(structure: header) }
            .compactMap(ForwardingEntry.init).filter { link == nil || $0.link == link }
    }

    // bridge fdb replace MAC dev LINK dst DESTINATION self permanent
    /// Enters where frames for a hardware address go, in place of what was known.
    public func replace(_ entry: ForwardingEntry) throws(Fault) {
        let flags = NLM_F_CREATE | NLM_F_REPLACE
        try change("enter the way to \(entry.mac)", RTM_NEWNEIGH, flags: flags) { write(entry, to: &$0) }
    }

    // bridge fdb delete MAC dev LINK dst DESTINATION self
    /// Forgets it; one that is not known is no fault.
    public func delete(_ entry: ForwardingEntry) throws(Fault) {
        try forget("the way to \(entry.mac)") { write(entry, to: &$0) }
    }

    private func forget(_ what: String, _ body: (inout NetlinkWriter) -> Void) throws(Fault) {
        do throws(NetlinkError) {
            try socket.change(RTM_DELNEIGH, body)
        } catch {
            guard error.errno != Errno(ENOENT), error.errno != Errno(ENODEV) else { return }
            throw Fault(error, "cannot forget \(what)")
        }
    }

    private func write(_ neighbour: Neighbour, to writer: inout NetlinkWriter) {
        var header = ndmsg()
        header.ndm_family = neighbour.ip.family.number
        header.ndm_ifindex = neighbour.link
        header.ndm_state = UInt16(neighbour.isPermanent ? NUD_PERMANENT : NUD_REACHABLE)
        writer.append(structure: header)
        writer.put(NDA_DST, neighbour.ip)
        if let mac = neighbour.mac { writer.put(NDA_LLADDR, bytes: mac.bytes) }
    }

    private func write(_ entry: ForwardingEntry, to writer: inout NetlinkWriter) {
        var header = ndmsg()
        header.ndm_family = UInt8(AF_BRIDGE)
        header.ndm_ifindex = entry.link
        header.ndm_state = UInt16(NUD_PERMANENT)
        header.ndm_flags = UInt8(NTF_SELF)
        writer.append(structure: header)
        writer.put(NDA_LLADDR, bytes: entry.mac.bytes)
        writer.put(NDA_DST, entry.destination)
    }
}
