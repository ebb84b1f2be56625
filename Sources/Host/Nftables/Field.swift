import CLinux
public import Support

extension Nftables {
    /// Something of a packet, or of what the kernel knows about it, that a rule looks at.
    public enum Field: Hashable, Sendable {
        case ip(Address)
        case ip6(Address)
        /// Of the transport header of TCP alone, and so on; the rule then matches no other protocol.
        case tcp(Port)
        case udp(Port)
        case sctp(Port)
        /// Of any transport protocol that begins with its ports.
        case th(Port)
        case meta(Meta)
        case ct(Conntrack)
        /// What kind of address it is here: ``FibType`` values as numbers.
        case fib(Address)
        /// A number from 0 below `modulus`, drawn for each packet.
        case numgenRandom(modulus: UInt32)

        public enum Address: Hashable, Sendable { case saddr, daddr }
        public enum Port: Hashable, Sendable { case sport, dport }

        public enum Meta: Hashable, Sendable {
            case nfproto, l4proto, mark, iifname, oifname
        }

        public enum Conntrack: Hashable, Sendable {
            case state, status, mark
        }

        /// The address of a family: `.ip` or `.ip6`.
        public static func address(_ address: Address, _ family: IPAddress.Family) -> Field {
            family == .v4 ? .ip(address) : .ip6(address)
        }
    }

    /// What an address is to this host (`RTN_*`).
    public enum FibType: UInt32, Hashable, Sendable {
        case unicast = 1
        case local, broadcast, anycast, multicast, blackhole, unreachable, prohibit
    }

    /// States of a connection, as bits.
    public struct ConntrackState: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static let invalid = ConntrackState(rawValue: 1)
        public static let established = ConntrackState(rawValue: 2)
        public static let related = ConntrackState(rawValue: 4)
        public static let new = ConntrackState(rawValue: 8)
        public static let untracked = ConntrackState(rawValue: 64)

        var text: String {
            let names: [(ConntrackState, String)] = [
                (.invalid, "invalid"), (.established, "established"), (.related, "related"), (.new, "new"),
                (.untracked, "untracked"),
            ]
            return names.filter { contains($0.0) }.map(\.1).joined(separator: ",")
        }
    }

    /// What was done to a connection, as bits (`IPS_*`).
    public struct ConntrackStatus: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static let seenReply = ConntrackStatus(rawValue: 1 << 1)
        /// Its source, or its destination, was translated.
        public static let snat = ConntrackStatus(rawValue: 1 << 4)
        public static let dnat = ConntrackStatus(rawValue: 1 << 5)

        var text: String {
            let names: [(ConntrackStatus, String)] = [
                (.seenReply, "seen-reply"), (.snat, "snat"), (.dnat, "dnat"),
            ]
            return names.filter { contains($0.0) }.map(\.1).joined(separator: ",")
        }
    }
}

extension Nftables.Field: CustomStringConvertible {
    /// As nft(8) writes it.
    public var description: String {
        switch self {
        case .ip(let address): "ip \(address)"
        case .ip6(let address): "ip6 \(address)"
        case .tcp(let port): "tcp \(port)"
        case .udp(let port): "udp \(port)"
        case .sctp(let port): "sctp \(port)"
        case .th(let port): "th \(port)"
        case .meta(.iifname): "iifname"
        case .meta(.oifname): "oifname"
        case .meta(let key): "meta \(key)"
        case .ct(let key): "ct \(key)"
        case .fib(let address): "fib \(address) type"
        case .numgenRandom(let modulus): "numgen random mod \(modulus)"
        }
    }
}

extension Nftables.Field {
    /// The length of what it loads, in bytes.
    var length: Int {
        switch self {
        case .ip: 4
        case .ip6: 16
        case .tcp, .udp, .sctp, .th: 2
        case .meta(.nfproto), .meta(.l4proto): 1
        case .meta(.iifname), .meta(.oifname): 16
        case .meta(.mark), .ct, .fib, .numgenRandom: 4
        }
    }

    /// What must hold for the field to be there at all; nft(8) adds these conditions unasked, and so does the
    /// compiler.
    var condition: Condition? {
        switch self {
        case .ip: Condition(field: .meta(.nfproto), value: UInt8(NFPROTO_IPV4))
        case .ip6: Condition(field: .meta(.nfproto), value: UInt8(NFPROTO_IPV6))
        case .tcp: Condition(field: .meta(.l4proto), value: 6)
        case .udp: Condition(field: .meta(.l4proto), value: 17)
        case .sctp: Condition(field: .meta(.l4proto), value: 132)
        default: nil
        }
    }

    struct Condition: Hashable {
        let field: Nftables.Field
        let value: UInt8
    }

    /// Loads the field into a register.
    func load(into register: Nftables.Register) -> Nftables.Expression {
        switch self {
        case .ip(let address):
            .payload(
                NFT_PAYLOAD_NETWORK_HEADER, offset: address == .saddr ? 12 : 16, length: 4, into: register)
        case .ip6(let address):
            .payload(
                NFT_PAYLOAD_NETWORK_HEADER, offset: address == .saddr ? 8 : 24, length: 16, into: register)
        case .tcp(let port), .udp(let port), .sctp(let port), .th(let port):
            .payload(NFT_PAYLOAD_TRANSPORT_HEADER, offset: port == .sport ? 0 : 2, length: 2, into: register)
        case .meta(let key): .meta(key.number, into: register)
        case .ct(let key): .conntrack(key.number, into: register)
        case .fib(let address): .addressType(of: address, into: register)
        case .numgenRandom(let modulus): .random(below: modulus, into: register)
        }
    }
}

extension Nftables.Field.Meta {
    var number: nft_meta_keys {
        switch self {
        case .nfproto: NFT_META_NFPROTO
        case .l4proto: NFT_META_L4PROTO
        case .mark: NFT_META_MARK
        case .iifname: NFT_META_IIFNAME
        case .oifname: NFT_META_OIFNAME
        }
    }
}

extension Nftables.Field.Conntrack {
    var number: nft_ct_keys {
        switch self {
        case .state: NFT_CT_STATE
        case .status: NFT_CT_STATUS
        case .mark: NFT_CT_MARK
        }
    }
}
