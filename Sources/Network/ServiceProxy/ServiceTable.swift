import Host
import Support

/// The fixed part of the table: its maps, and the chains that packets enter by.
///
/// Only the first packet of a connection looks anything up, once, however many services there are:
///
///     services4   address . protocol . port -> goto the chain of its kind       (services6 the same)
///     nodeports4  protocol . port           -> the same, for the node's own addresses
///     endpoints4  address . protocol . port . number drawn -> address . port of a backend
///
/// The chains of a kind (``SpreadChain``) are shared: a service is elements of maps, and no rule.
enum ServiceTable {
    typealias Rule = Nftables.Rule
    typealias Statement = Nftables.Statement

    /// Bit of a packet's mark, from the lookup until the packet leaves: give it this node's address. The
    /// same bit as kube-proxy's.
    static let masqueradeMark: UInt32 = 0x4000

    /// What a destination is looked up by.
    enum Scope: String, Hashable, Sendable {
        /// Its address, protocol and port.
        case address
        /// Its protocol and port: any address of this node.
        case node
    }

    /// The part of a lookup's key that the packet has.
    static func fields(_ scope: Scope, _ family: IPAddress.Family) -> [Nftables.Field] {
        let port: [Nftables.Field] = [.meta(.l4proto), .th(.dport)]
        return scope == .address ? [.address(.daddr, family)] + port : port
    }

    // MARK: Maps and sets

    /// Where connections go: a chain.
    static func destinations(_ scope: Scope, _ family: IPAddress.Family) -> Nftables.Set {
        .init(
            (scope == .address ? "services" : "nodeports") + family.digit, key: keyTypes(scope, family),
            value: .verdict)
    }

    /// The backends of each destination by number; those of this node in maps of their own.
    static func backends(_ scope: Scope, _ family: IPAddress.Family, isLocal: Bool) -> Nftables.Set {
        let name = (isLocal ? "local-" : "") + (scope == .address ? "endpoints" : "node-endpoints")
        // The number is of the type `mark`, the one of four bytes that nft(8) can show inside a key.
        return .init(
            name + family.digit, key: keyTypes(scope, family) + [.mark],
            value: .data([.address(family), .inetService]))
    }

    /// Addresses of backends, each twice: a pod that reaches itself.
    static func hairpins(_ family: IPAddress.Family) -> Nftables.Set {
        .init("hairpins" + family.digit, key: [.address(family), .address(family)])
    }

    static func pods(_ family: IPAddress.Family, _ blocks: [IPPrefix] = []) -> Nftables.Set {
        .init(
            "pods" + family.digit, key: [.address(family)], flags: .interval,
            elements: blocks.filter { $0.family == family }.map { .init(.prefix($0.network)) })
    }

    private static func keyTypes(_ scope: Scope, _ family: IPAddress.Family) -> [Nftables.DataType] {
        scope == .address ? [.address(family), .inetProtocol, .inetService] : [.inetProtocol, .inetService]
    }

    /// All of them, empty but for the pods' blocks.
    static func sets(_ options: ServiceProxyOptions) -> [Nftables.Set] {
        IPAddress.Family.allCases.flatMap { family in
            [pods(family, options.podCIDRs), hairpins(family)]
                + [Scope.address, .node].flatMap { scope in
                    [
                        destinations(scope, family), backends(scope, family, isLocal: false),
                        backends(scope, family, isLocal: true),
                    ]
                }
        }
    }

    // MARK: Chains

    static let refuse = "refuse"
    static let drop = "drop"

    static func chains(_ options: ServiceProxyOptions) -> [Nftables.Chain] {
        [
            .init(
                "guard", .filter(.prerouting, priority: .raw),
                rules: [
                    // Connections from this node to node ports of 127.0.0.1 need route_localnet, which opens
                    // that network to the neighbours (CVE-2020-8558): closed again here.
                    Rule(
                        .match(.meta(.iifname), .isNot(.interface("lo"))),
                        .match(.ip(.daddr), .is(.prefix(loopback))), .drop)
                ]),
            .init("prerouting", .nat(.prerouting), rules: [Rule(.jump("services"))]),
            .init("output", .nat(.output), rules: [Rule(.jump("services"))]),
            .init("services", rules: services(options)),
            .init("nodeports", rules: nodePorts),
            // TCP hears a reset at once; a message of ICMP is lost on a caller on this node itself, who then
            // waits a second before he tries again.
            .init(
                refuse,
                rules: [
                    Rule(.match(.meta(.l4proto), .is(.tcp)), .reject(.tcpReset)),
                    Rule(.reject(.portUnreachable)),
                ]),
            .init(drop, rules: [Rule(.drop)]),
            .init("postrouting", .nat(.postrouting), rules: postrouting(options)),
        ]
    }

    private static func services(_ options: ServiceProxyOptions) -> [Rule] {
        IPAddress.Family.allCases.map { family in
            Rule(.vmap(fields(.address, family), .named(destinations(.address, family).name)))
        } + nodeAddresses(options)
    }

    private static func nodeAddresses(_ options: ServiceProxyOptions) -> [Rule] {
        guard !options.nodePortRanges.isEmpty else {
            return [Rule(.match(.fib(.daddr), .type(.local)), .goto("nodeports"))]
        }
        return options.nodePortRanges.map { range in
            Rule(
                .match(.fib(.daddr), .type(.local)), .match(.address(.daddr, range.family), .is(.prefix(range))),
                .goto("nodeports"))
        }
    }

    private static var nodePorts: [Rule] {
        // What is sent to ::1 cannot leave the loopback interface.
        [Rule(.match(.ip6(.daddr), .is(.ip(.v6(high: 0, low: 1)))), .return)]
            + IPAddress.Family.allCases.map { family in
                Rule(
                    .match(.meta(.nfproto), .is(.family(family))),
                    .vmap(fields(.node, family), .named(destinations(.node, family).name)))
            }
    }

    private static func postrouting(_ options: ServiceProxyOptions) -> [Rule] {
        let isMarked = Nftables.Match.bits(masqueradeMark, are: masqueradeMark)
        var rules = [
            // The mark has done its work; beyond a tunnel or a bridge nobody shall see it again.
            Rule(
                .match(.meta(.mark), isMarked), .setMark(0, keeping: ~masqueradeMark),
                .masquerade(fullyRandom: true))
        ]
        for family in IPAddress.Family.allCases {
            let ends: [Nftables.Field] = [.address(.saddr, family), .address(.daddr, family)]
            rules.append(
                Rule(.matchAll(ends, in: .named(hairpins(family).name)), .masquerade(fullyRandom: true)))
            guard family == .v4 || options.masqueradesIPv6 else { continue }
            // A pod that leaves the cluster: the world knows only the node.
            let pods = Nftables.SetReference.named(pods(family).name)
            rules.append(
                Rule(
                    .match(ends[0], .in(pods)), .match(ends[1], .notIn(pods)),
                    .match(ends[1], .isNot(.prefix(multicast(family)))), .masquerade(fullyRandom: true)))
        }
        return rules
    }

    static let loopback = prefix(.v4(127 << 24), 8)

    private static func multicast(_ family: IPAddress.Family) -> IPPrefix {
        family == .v4 ? prefix(.v4(224 << 24), 4) : prefix(.v6(high: 0xFF << 56, low: 0), 8)
    }

    private static func prefix(_ address: IPAddress, _ length: Int) -> IPPrefix {
        guard let prefix = IPPrefix(address, length: length) else {
            preconditionFailure("a constant length fits its family")
        }
        return prefix
    }
}

extension IPAddress.Family {
    /// At the end of names.
    var digit: String { self == .v4 ? "4" : "6" }
}
