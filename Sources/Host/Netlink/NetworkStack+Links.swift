import CLinux
import Glibc
public import Support

extension NetworkStack {
    // ip link
    /// All interfaces, by index.
    public func links() throws(Fault) -> [Link] {
        try dump("interfaces", RTM_GETLINK) { $0.append(structure: ifinfomsg()) }
            .compactMap(Link.init).sorted { $0.index < $1.index }
    }

    // ip link show NAME
    /// The interface of this name; `nil` when there is none.
    public func link(named name: String) throws(Fault) -> Link? {
        try link("interface \(name)", ifinfomsg()) { $0.put(IFLA_IFNAME, name) }
    }

    /// The interface with this index; `nil` when there is none.
    public func link(index: Int32) throws(Fault) -> Link? {
        try link("interface \(index)", header(index)) { _ in }
    }

    // ip link add NAME type bridge
    /// A bridge, switched off and without ports. Fails (conflict) when the name is taken, as all of these.
    @discardableResult
    public func addBridge(_ name: String, mtu: Int? = nil, mac: MACAddress? = nil) throws(Fault) -> Link {
        try addLink(name, kind: "bridge", mtu: mtu, mac: mac) { _ in }
    }

    // ip link add NAME type vxlan id ID dev DEVICE local ADDRESS dstport PORT nolearning
    /// A VXLAN interface.
    @discardableResult
    public func addVXLAN(
        _ name: String, _ vxlan: VXLAN, mtu: Int? = nil, mac: MACAddress? = nil
    ) throws(Fault) -> Link {
        try addLink(name, kind: "vxlan", mtu: mtu, mac: mac) { writer in
            writer.nest(IFLA_INFO_DATA) { vxlan.write(to: &$0) }
        }
    }

    // ip link add NAME type veth peer name PEER netns NAMESPACE
    /// A cable: what goes in at one end comes out at the other, which may be made in another namespace at
    /// once.
    @discardableResult
    public func addVeth(
        _ name: String, peer: String, in namespace: NetworkNamespace? = nil, mtu: Int? = nil,
        mac: MACAddress? = nil
    ) throws(Fault) -> Link {
        try addLink(name, kind: "veth", mtu: mtu, mac: mac) { writer in
            writer.nest(IFLA_INFO_DATA) { writer in
                writer.nest(VETH_INFO_PEER) { writer in
                    writer.append(structure: ifinfomsg())
                    writer.put(IFLA_IFNAME, peer)
                    if let mtu { writer.put(IFLA_MTU, UInt32(mtu)) }
                    if let namespace { writer.put(IFLA_NET_NS_FD, UInt32(namespace.descriptor.number)) }
                }
            }
        }
    }

    // ip link delete NAME
    /// Removes an interface; the other end of a veth goes with it. One that is not there is no fault.
    public func delete(link index: Int32) throws(Fault) {
        do throws(NetlinkError) {
            try socket.change(RTM_DELLINK) { $0.append(structure: header(index)) }
        } catch {
            guard error.errno != Errno(ENODEV) else { return }
            throw Fault(error, "cannot delete interface \(index)")
        }
    }

    // ip link set NAME up
    public func setUp(_ isUp: Bool, link index: Int32) throws(Fault) {
        var header = header(index)
        header.ifi_change = UInt32(IFF_UP)
        header.ifi_flags = isUp ? UInt32(IFF_UP) : 0
        try set("switch interface \(index) \(isUp ? "on" : "off")", header) { _ in }
    }

    // ip link set NAME mtu MTU
    public func setMTU(_ mtu: Int, link index: Int32) throws(Fault) {
        try set("set the MTU of interface \(index) to \(mtu)", header(index)) {
            $0.put(IFLA_MTU, UInt32(mtu))
        }
    }

    // ip link set NAME address MAC
    public func setMAC(_ mac: MACAddress, link index: Int32) throws(Fault) {
        try set("set the address of interface \(index)", header(index)) {
            $0.put(IFLA_ADDRESS, bytes: mac.bytes)
        }
    }

    // ip link set OLD name NEW
    public func rename(link index: Int32, to name: String) throws(Fault) {
        try set("rename interface \(index) to \(name)", header(index)) { $0.put(IFLA_IFNAME, name) }
    }

    // ip link set NAME master BRIDGE, or nomaster
    public func setMaster(_ bridge: Int32?, link index: Int32) throws(Fault) {
        try set("make interface \(index) a port", header(index)) {
            $0.put(IFLA_MASTER, UInt32(bitPattern: bridge ?? 0))
        }
    }

    // bridge link set dev NAME hairpin on
    /// Lets a bridge send a frame back through the port that it came from: a pod that talks to itself by its
    /// service.
    public func setHairpin(_ isOn: Bool, link index: Int32) throws(Fault) {
        var header = header(index)
        header.ifi_family = UInt8(AF_BRIDGE)
        try set("set hairpin of interface \(index)", header) { writer in
            writer.nest(IFLA_PROTINFO) { $0.put(IFLA_BRPORT_MODE, UInt8(isOn ? 1 : 0)) }
        }
    }

    // ip link set NAME netns NAMESPACE
    /// Moves an interface to another namespace, where it has no addresses, is off and may have another index.
    public func move(link index: Int32, to namespace: NetworkNamespace) throws(Fault) {
        try set("move interface \(index)", header(index)) {
            $0.put(IFLA_NET_NS_FD, UInt32(namespace.descriptor.number))
        }
    }

    private func header(_ index: Int32) -> ifinfomsg {
        var header = ifinfomsg()
        header.ifi_index = index
        return header
    }

    private func link(
        _ summary: String, _ header: ifinfomsg, _ attributes: (inout NetlinkWriter) -> Void
    ) throws(Fault) -> Link? {
        do throws(NetlinkError) {
            let message = try socket.ask(RTM_GETLINK) { writer in
                writer.append(structure: header)
                attributes(&writer)
            }
            return Link(message)
        } catch {
            guard error.errno != Errno(ENODEV) else { return nil }
            throw Fault(error, "cannot look at \(summary)")
        }
    }

    private func set(
        _ summary: @autoclosure () -> String, _ header: ifinfomsg, _ attributes: (inout NetlinkWriter) -> Void
    ) throws(Fault) {
        try change(summary(), RTM_SETLINK) { writer in
            writer.append(structure: header)
            attributes(&writer)
        }
    }

    private func addLink(
        _ name: String, kind: String, mtu: Int?, mac: MACAddress?, _ data: (inout NetlinkWriter) -> Void
    ) throws(Fault) -> Link {
        try change("add the \(kind) interface \(name)", RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL) {
            writer in
            writer.append(structure: ifinfomsg())
            writer.put(IFLA_IFNAME, name)
            if let mtu { writer.put(IFLA_MTU, UInt32(mtu)) }
            if let mac { writer.put(IFLA_ADDRESS, bytes: mac.bytes) }
            writer.nest(IFLA_LINKINFO) { writer in
                writer.put(IFLA_INFO_KIND, kind)
                data(&writer)
            }
        }
        guard let link = try link(named: name) else {
            throw Fault(.notFound, "the interface \(name) is gone as soon as it was made")
        }
        return link
    }
}
