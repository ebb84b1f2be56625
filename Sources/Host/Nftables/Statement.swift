public import Support

extension Nftables {
    /// A part of a rule: a condition, which ends the rule when it does not hold, or an effect.
    public enum Statement: Hashable, Sendable {
        case match(Field, Match)
        /// Whether several fields together are in a set.
        case matchAll([Field], in: SetReference, isNegated: Bool = false)
        /// Looks the fields up and does what the verdict map says; goes on when they are not in it.
        case vmap([Field], SetReference)
        case verdict(Verdict)
        case dnat(Translation)
        case snat(Translation)
        /// Gives the packet the address of the interface that it leaves by.
        case masquerade(fullyRandom: Bool = false)
        /// To this host itself.
        case redirect(toPort: UInt16)
        /// Counts packets and bytes.
        case counter
        /// Changes bits of the packet's mark: `mark & keep ^ value`.
        case setMark(UInt32, keeping: UInt32 = 0)
        /// Enters the fields into a dynamic set, or makes an entry's time begin anew.
        case update(String, [Field], timeout: Duration?)
        /// Enters the fields into a dynamic set; an entry that is there stays as it is.
        case add(String, [Field], timeout: Duration?)
        /// Keeps the packet out of connection tracking; at priority ``Priority/raw`` only.
        case notrack
        case reject(Rejection)
        case log(prefix: String)

        public static let accept = Statement.verdict(.accept)
        public static let drop = Statement.verdict(.drop)
        public static let `return` = Statement.verdict(.return)
        public static func jump(_ chain: String) -> Statement { .verdict(.jump(chain)) }
        public static func goto(_ chain: String) -> Statement { .verdict(.goto(chain)) }
    }

    /// What a field is compared with.
    public enum Match: Hashable, Sendable {
        case `is`(Value)
        case isNot(Value)
        case `in`(SetReference)
        case notIn(SetReference)
        /// At least one of the states.
        case anyState(ConntrackState)
        case anyStatus(ConntrackStatus)
        /// The bits of a mask have this value, or another one.
        case bits(UInt32, are: UInt32)
        case otherBits(UInt32, than: UInt32)
        /// For ``Field/fib(_:)``.
        case type(FibType)
        case notType(FibType)
    }

    /// The new address, or address and port, of a packet.
    public enum Translation: Hashable, Sendable {
        case to(IPAddress, port: UInt16? = nil)
        /// What the map says for the fields: addresses of a family, with a port each or without.
        case map([Field], SetReference, family: IPAddress.Family, withPort: Bool)
    }

    /// How the sender is told that the packet is refused.
    public enum Rejection: Hashable, Sendable {
        case portUnreachable, hostUnreachable, administrativelyProhibited
        /// Only for TCP.
        case tcpReset
    }
}

extension Nftables.Statement {
    /// As nft(8) writes it in a table of this family.
    func text(in family: Nftables.Family) -> String {
        switch self {
        case .match(let field, let match): "\(field) \(match.text)"
        case .matchAll(let fields, let set, let isNegated): "\(fields.text) \(isNegated ? "!= " : "")\(set)"
        case .vmap(let fields, let set): "\(fields.text) vmap \(set)"
        case .verdict(let verdict): verdict.description
        case .dnat(let translation): "dnat \(translation.text(in: family))"
        case .snat(let translation): "snat \(translation.text(in: family))"
        case .masquerade(let isRandom): isRandom ? "masquerade fully-random" : "masquerade"
        case .redirect(let port): "redirect to :\(port)"
        case .counter: "counter"
        case .setMark(let value, let kept):
            switch kept {
            case 0: "meta mark set \(Nftables.Value.hexadecimal(value))"
            case ~value: "meta mark set meta mark | \(Nftables.Value.hexadecimal(value))"
            default:
                "meta mark set meta mark & \(Nftables.Value.hexadecimal(kept))"
                    + " ^ \(Nftables.Value.hexadecimal(value))"
            }
        case .update(let set, let fields, let timeout): "update @\(set) { \(fields.text)\(text(timeout)) }"
        case .add(let set, let fields, let timeout): "add @\(set) { \(fields.text)\(text(timeout)) }"
        case .notrack: "notrack"
        case .reject(let rejection): rejection.text(in: family)
        case .log(let prefix): "log prefix \"\(prefix)\""
        }
    }

    private func text(_ timeout: Duration?) -> String { timeout.map { " timeout \(nftText($0))" } ?? "" }
}

extension Nftables.Match {
    var text: String {
        switch self {
        case .is(let value): value.description
        case .isNot(let value): "!= \(value)"
        case .in(let set): set.description
        case .notIn(let set): "!= \(set)"
        case .anyState(let states): states.text
        case .anyStatus(let status): status.text
        case .bits(let mask, are: let value):
            "& \(Nftables.Value.hexadecimal(mask)) == \(Nftables.Value.hexadecimal(value))"
        case .otherBits(let mask, than: let value):
            "& \(Nftables.Value.hexadecimal(mask)) != \(Nftables.Value.hexadecimal(value))"
        case .type(let type): "\(type)"
        case .notType(let type): "!= \(type)"
        }
    }
}

extension Nftables.Translation {
    var family: IPAddress.Family {
        switch self {
        case .to(let address, _): address.family
        case .map(_, _, let family, _): family
        }
    }

    func text(in table: Nftables.Family) -> String {
        let family = family == .v4 ? "ip " : "ip6 "
        switch self {
        case .to(let address, let port):
            let address = port != nil && self.family == .v6 ? "[\(address)]" : "\(address)"
            return "\(table == .inet ? family : "")to \(address)" + (port.map { ":\($0)" } ?? "")
        case .map(let fields, let set, _, let withPort):
            // nft(8) names the family of a map with ports in every table.
            return "\(table == .inet || withPort ? family : "")to \(fields.text) map \(set)"
        }
    }
}

extension Nftables.Rejection {
    func text(in family: Nftables.Family) -> String {
        let code =
            switch self {
            case .tcpReset: "tcp reset"
            // What is meant when nothing is said.
            case .portUnreachable: ""
            case .hostUnreachable:
                family == .ip6 ? "icmpv6 addr-unreachable" : "\(icmp(family)) host-unreachable"
            case .administrativelyProhibited: "\(icmp(family)) admin-prohibited"
            }
        return code.isEmpty ? "reject" : "reject with \(code)"
    }

    private func icmp(_ family: Nftables.Family) -> String {
        switch family {
        case .ip: "icmp"
        case .ip6: "icmpv6"
        case .inet, .bridge: "icmpx"
        }
    }
}

extension [Nftables.Field] {
    var text: String { map(\.description).joined(separator: " . ") }
}
