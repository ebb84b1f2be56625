import Host
import Support

/// A chain that spreads connections over a number of backends. It is shared by all destinations that are
/// alike: which one it is stands in the packet, and in the key of the map of backends.
enum SpreadChain: Hashable, Sendable {
    case all(ServiceTable.Scope, Entrance.Masquerade, count: Int)
    /// Only over this node's backends when the client comes from outside: it shall be seen under its own
    /// address. Who is inside gets all, as at a cluster IP.
    case local(ServiceTable.Scope, count: Int, all: Int)

    var name: String {
        switch self {
        case .all(let scope, let masquerade, let count): "\(scope)-\(masquerade)-\(count)"
        case .local(let scope, let count, let all): "\(scope)-local-\(count)-of-\(all)"
        }
    }

    /// The chains that its rules lead to.
    var needs: [SpreadChain] {
        switch self {
        case .all: []
        case .local(let scope, _, let all):
            [.all(scope, .outsiders, count: all), .all(scope, .always, count: all)]
        }
    }

    var chain: Nftables.Chain { .init(name, rules: rules) }

    private var rules: [Nftables.Rule] {
        switch self {
        case .all(let scope, let masquerade, let count):
            masquerade.rules + Self.draw(scope, count, isLocal: false)
        case .local(let scope, let count, let all):
            Self.insiders(scope, all: all)
                + (count == 0 ? [.init(.goto(ServiceTable.drop))] : Self.draw(scope, count, isLocal: true))
        }
    }

    /// Sends pods, and this node itself, to all backends.
    static func insiders(_ scope: ServiceTable.Scope, all: Int) -> [Nftables.Rule] {
        IPAddress.Family.allCases.map { family in
            .init(
                .match(.address(.saddr, family), .in(.named(ServiceTable.pods(family).name))),
                .goto(SpreadChain.all(scope, .outsiders, count: all).name))
        } + [
            .init(
                .match(.fib(.saddr), .type(.local)),
                .goto(SpreadChain.all(scope, .always, count: all).name))
        ]
    }

    private static func draw(
        _ scope: ServiceTable.Scope, _ count: Int, isLocal: Bool
    ) -> [Nftables.Rule] {
        IPAddress.Family.allCases.map { family in
            let fields = ServiceTable.fields(scope, family) + [.numgenRandom(modulus: UInt32(count))]
            let map = ServiceTable.backends(scope, family, isLocal: isLocal).name
            let translation = Nftables.Statement.dnat(
                .map(fields, .named(map), family: family, withPort: true))
            // Without an address in the key nothing says of which family the packet is.
            return scope == .address
                ? .init(translation) : .init(.match(.meta(.nfproto), .is(.family(family))), translation)
        }
    }
}

extension Entrance.Masquerade {
    /// Marks the packets whose source must become this node.
    var rules: [Nftables.Rule] {
        let bit = ServiceTable.masqueradeMark
        let mark = Nftables.Statement.setMark(bit, keeping: ~bit)
        switch self {
        case .always: return [.init(mark)]
        case .outsiders:
            return IPAddress.Family.allCases.map { family in
                .init(.match(.address(.saddr, family), .notIn(.named(ServiceTable.pods(family).name))), mark)
            }
        case .loopback:
            return [.init(.match(.ip(.saddr), .is(.prefix(ServiceTable.loopback))), mark)]
        }
    }
}
