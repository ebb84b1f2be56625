public import Support

extension Nftables {
    /// What a value is: the kernel only knows its length, nft(8) the rest.
    public enum DataType: Hashable, Sendable {
        case ipv4Address, ipv6Address, inetProtocol, inetService, mark, interfaceName, conntrackState
        /// A number of 4 bytes in the machine's order, such as what ``Field/numgenRandom(modulus:)`` draws.
        case number

        /// In bytes.
        var length: Int {
            switch self {
            case .inetProtocol: 1
            case .inetService: 2
            case .ipv4Address, .mark, .conntrackState, .number: 4
            case .ipv6Address, .interfaceName: 16
            }
        }

        /// As nft(8) numbers its types.
        var id: UInt32 {
            switch self {
            case .number: 4
            case .ipv4Address: 7
            case .ipv6Address: 8
            case .inetProtocol: 12
            case .inetService: 13
            case .mark: 19
            case .conntrackState: 26
            case .interfaceName: 41
            }
        }

        var isHostEndian: Bool {
            switch self {
            case .mark, .conntrackState, .number, .interfaceName: true
            default: false
            }
        }

        var name: String {
            switch self {
            case .ipv4Address: "ipv4_addr"
            case .ipv6Address: "ipv6_addr"
            case .inetProtocol: "inet_proto"
            case .inetService: "inet_service"
            case .mark: "mark"
            case .interfaceName: "ifname"
            case .conntrackState: "ct_state"
            case .number: "integer"
            }
        }

        /// The address type of a family.
        public static func address(_ family: Support.IPAddress.Family) -> DataType {
            family == .v4 ? .ipv4Address : .ipv6Address
        }
    }
}

extension [Nftables.DataType] {
    /// In a concatenation each part begins on a border of four bytes; a single value is not padded.
    var length: Int { count == 1 ? self[0].length : reduce(0) { $0 + ($1.length + 3) & ~3 } }

    /// Six bits for each part.
    var id: UInt32 { reduce(0) { $0 << 6 | $1.id } }
}
