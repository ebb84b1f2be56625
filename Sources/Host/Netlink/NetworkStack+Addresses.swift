import CLinux
import Glibc
public import Support

/// An address of an interface, with the network that it is in.
public struct InterfaceAddress: Hashable, Sendable {
    public var prefix: IPPrefix
    /// The index of the interface.
    public var link: Int32
    /// Reachable from everywhere, not only from this link or this host.
    public var isGlobal: Bool

    public init(_ prefix: IPPrefix, link: Int32, isGlobal: Bool = true) {
        self.prefix = prefix
        self.link = link
        self.isGlobal = isGlobal
    }

    /// Reads `RTM_NEWADDR` or `RTM_DELADDR`; `nil` when it has not their form.
    init?(_ message: NetlinkMessage) {
        guard let header = message.structure(ifaddrmsg.self) else { return nil }
        let attributes = message.attributes(after: ifaddrmsg.self)
        // Of a point-to-point link IFA_ADDRESS is the other end; where IFA_LOCAL is missing there is no
        // difference.
        guard let ip = (attributes[IFA_LOCAL] ?? attributes[IFA_ADDRESS])?.ip,
            let prefix = IPPrefix(ip, length: Int(header.ifa_prefixlen))
        else { return nil }
        self.init(
            prefix, link: Int32(bitPattern: header.ifa_index),
            isGlobal: UInt32(header.ifa_scope) == RT_SCOPE_UNIVERSE.rawValue)
    }
}

extension NetworkStack {
    // ip address
    /// The addresses of one interface, or of all.
    public func addresses(of link: Int32? = nil) throws(Fault) -> [InterfaceAddress] {
        try dump("addresses", RTM_GETADDR) { $0.append(structure: ifaddrmsg()) }
            .compactMap(InterfaceAddress.init).filter { link == nil || $0.link == link }
    }

    // ip address replace PREFIX dev LINK
    /// Gives an interface an address; one that it has stays.
    public func add(_ address: InterfaceAddress) throws(Fault) {
        try change("add the address \(address.prefix)", RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_REPLACE) {
            write(address, to: &$0)
        }
    }

    // ip address delete PREFIX dev LINK
    /// Takes an address away; one that is not there is no fault.
    public func delete(_ address: InterfaceAddress) throws(Fault) {
        do throws(NetlinkError) {
            try socket.change(RTM_DELADDR) { write(address, to: &$0) }
        } catch {
            guard error.errno != Errno(EADDRNOTAVAIL), error.errno != Errno(ENODEV) else { return }
            throw Fault(error, "cannot delete the address \(address.prefix)")
        }
    }

    private func write(_ address: InterfaceAddress, to writer: inout NetlinkWriter) {
        var header = ifaddrmsg()
        header.ifa_family = address.prefix.family.number
        header.ifa_prefixlen = UInt8(address.prefix.length)
        header.ifa_index = UInt32(bitPattern: address.link)
        header.ifa_scope = UInt8((address.isGlobal ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK).rawValue)
        writer.append(structure: header)
        writer.put(IFA_LOCAL, address.prefix.address)
        writer.put(IFA_ADDRESS, address.prefix.address)
        if address.prefix.family == .v6 {
            // Nobody else has it: waiting for an objection would only make it unusable for a second.
            writer.put(IFA_FLAGS, UInt32(IFA_F_NODAD))
        }
    }
}
