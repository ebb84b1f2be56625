import CLinux
import Glibc
public import Support

/// A unicast route.
public struct Route: Hashable, Sendable {
    /// The block that it leads to; a length of 0 is the default route.
    public var destination: IPPrefix
    public var gateway: IPAddress?
    /// The index of the interface.
    public var link: Int32?
    /// The address that this host sends from.
    public var source: IPAddress?
    /// The lower one is taken. 0 is the kernel's choice for IPv6 (1024).
    public var metric: UInt32
    /// `RT_TABLE_MAIN` is 254, `RT_TABLE_LOCAL` 255.
    public var table: UInt32
    /// The gateway counts as reachable through the link though no network of the link holds it.
    public var isOnLink: Bool

    public init(
        to destination: IPPrefix, via gateway: IPAddress? = nil, link: Int32? = nil, source: IPAddress? = nil,
        metric: UInt32 = 0, table: UInt32 = 254, isOnLink: Bool = false
    ) {
        self.destination = destination
        self.gateway = gateway
        self.link = link
        self.source = source
        self.metric = metric
        self.table = table
        self.isOnLink = isOnLink
    }

    /// Reads `RTM_NEWROUTE` or `RTM_DELROUTE` of a unicast route with one next hop; of several, the first.
    init?(_ message: NetlinkMessage) {
        guard let header = message.structure(rtmsg.self), header.rtm_type == UInt8(RTN_UNICAST),
            let family = IPAddress.Family(number: header.rtm_family)
        else { return nil }
        let attributes = message.attributes(after: rtmsg.self)
        let first = attributes[RTA_MULTIPATH].map { NextHop($0.bytes) }
        guard
            let destination = IPPrefix(
                attributes[RTA_DST]?.ip ?? .unspecified(family), length: Int(header.rtm_dst_len)
            )
        else { return nil }
        self.init(
            to: destination, via: attributes[RTA_GATEWAY]?.ip ?? first?.gateway,
            link: attributes[RTA_OIF]?.u32.map { Int32(bitPattern: $0) } ?? first?.link,
            source: attributes[RTA_PREFSRC]?.ip,
            metric: attributes[RTA_PRIORITY]?.u32 ?? 0,
            table: attributes[RTA_TABLE]?.u32 ?? UInt32(header.rtm_table),
            isOnLink: header.rtm_flags & UInt32(RTNH_F_ONLINK) != 0)
    }

    private struct NextHop {
        var link: Int32?
        var gateway: IPAddress?

        /// `struct rtnexthop`: length, flags, hops, interface; then attributes.
        init(_ bytes: ArraySlice<UInt8>) {
            guard let length = NetlinkValue(bytes: bytes).u16, length >= 8, Int(length) <= bytes.count else {
                return
            }
            link = NetlinkValue(bytes: bytes.dropFirst(4)).u32.map { Int32(bitPattern: $0) }
            gateway = NetlinkAttributes(bytes.prefix(Int(length)).dropFirst(8))[RTA_GATEWAY]?.ip
        }
    }
}

extension NetworkStack {
    // ip route show table all
    /// All unicast routes, of every table.
    public func routes() throws(Fault) -> [Route] {
        try dump("routes", RTM_GETROUTE) { $0.append(structure: rtmsg()) }.compactMap(Route.init)
    }

    // ip route show default
    /// The default routes of a family in the main table, the one that is taken first.
    public func defaultRoutes(_ family: IPAddress.Family) throws(Fault) -> [Route] {
        try routes().filter {
            $0.destination.length == 0 && $0.destination.family == family
                && $0.table == UInt32(RT_TABLE_MAIN.rawValue)
        }.sorted { $0.metric < $1.metric }
    }

    // ip route replace DESTINATION via GATEWAY dev LINK
    /// Sets a route, in place of one with the same destination, metric and table.
    public func replace(_ route: Route) throws(Fault) {
        try change("set the route to \(route.destination)", RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_REPLACE)
        {
            write(route, to: &$0)
        }
    }

    // ip route delete DESTINATION
    /// Takes a route away; one that is not there is no fault.
    public func delete(_ route: Route) throws(Fault) {
        do throws(NetlinkError) {
            try socket.change(RTM_DELROUTE) { write(route, to: &$0) }
        } catch {
            guard error.errno != Errno(ESRCH), error.errno != Errno(ENODEV) else { return }
            throw Fault(error, "cannot delete the route to \(route.destination)")
        }
    }

    private func write(_ route: Route, to writer: inout NetlinkWriter) {
        var header = rtmsg()
        header.rtm_family = route.destination.family.number
        header.rtm_dst_len = UInt8(route.destination.length)
        header.rtm_table = route.table < 256 ? UInt8(route.table) : 0
        header.rtm_protocol = UInt8(RTPROT_STATIC)
        // Without a gateway the destination is on the link itself.
        let scope =
            route.gateway == nil && route.destination.family == .v4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE
        header.rtm_scope = UInt8(scope.rawValue)
        header.rtm_type = UInt8(RTN_UNICAST)
        header.rtm_flags = route.isOnLink ? UInt32(RTNH_F_ONLINK) : 0
        writer.append(structure: header)
        if route.destination.length > 0 { writer.put(RTA_DST, route.destination.first) }
        writer.put(RTA_TABLE, route.table)
        if let gateway = route.gateway { writer.put(RTA_GATEWAY, gateway) }
        if let link = route.link { writer.put(RTA_OIF, UInt32(bitPattern: link)) }
        if let source = route.source { writer.put(RTA_PREFSRC, source) }
        if route.metric > 0 { writer.put(RTA_PRIORITY, route.metric) }
    }
}
