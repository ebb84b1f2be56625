/// Packet rules of the kernel (nftables), as values.
///
/// What is built here reads like the language of nft(8), and ``Table/description`` prints it in that
/// language:
///
///     Nftables.Table(.inet, "k3s") {
///         sets: [Nftables.Set(vmap: "services", key: [.ipv4Address, .inetProtocol, .inetService], ...)]
///         chains: [Nftables.Chain("prerouting", .nat(.prerouting), rules: [
///             // ip daddr . meta l4proto . th dport vmap @services
///             Nftables.Rule(.vmap([.ip(.daddr), .meta(.l4proto), .th(.dport)], "services"))
///         ])]
///     }
///
/// A ``Transaction`` collects changes, and a ``Socket`` carries them out: all of them or none.
public enum Nftables {
    /// Which packets a table sees (`NFPROTO_*`).
    public enum Family: UInt8, Hashable, Sendable {
        /// Both families of Internet addresses.
        case inet = 1
        case ip = 2
        case ip6 = 10
        case bridge = 7

        var name: String { "\(self)" }
    }

    /// Where a packet goes from here.
    public enum Verdict: Hashable, Sendable, CustomStringConvertible {
        case accept
        case drop
        /// Continues with the next rule.
        case `continue`
        /// Ends this chain; continues where it was jumped from.
        case `return`
        /// Goes through another chain and comes back.
        case jump(String)
        /// Goes through another chain instead of the rest of this one.
        case goto(String)

        public var description: String {
            switch self {
            case .accept: "accept"
            case .drop: "drop"
            case .continue: "continue"
            case .return: "return"
            case .jump(let chain): "jump \(chain)"
            case .goto(let chain): "goto \(chain)"
            }
        }
    }

    /// A chain of rules: one that packets pass at a hook of the kernel, or one that other chains jump to.
    public struct Chain: Hashable, Sendable {
        public var name: String
        public var hook: Hook?
        /// For packets that no rule decided; only with a hook.
        public var policy: Policy
        public var rules: [Rule]

        public init(_ name: String, _ hook: Hook? = nil, policy: Policy = .accept, rules: [Rule] = []) {
            self.name = name
            self.hook = hook
            self.policy = policy
            self.rules = rules
        }
    }

    public enum Policy: UInt32, Hashable, Sendable {
        case drop = 0
        case accept = 1
    }

    /// Where in the kernel a chain is passed, and before or after which others.
    public struct Hook: Hashable, Sendable {
        /// `filter`, `nat` (only the first packet of a connection passes) or `route` (routed anew when
        /// changed).
        public var type: String
        public var point: Point
        public var priority: Priority

        /// `NF_INET_*`.
        public enum Point: UInt32, Hashable, Sendable {
            case prerouting, input, forward, output, postrouting
        }

        public static func filter(_ point: Point, priority: Priority = .filter) -> Hook {
            Hook(type: "filter", point: point, priority: priority)
        }

        /// The priority follows from the point: destinations are changed early, sources late.
        public static func nat(_ point: Point, priority: Priority? = nil) -> Hook {
            let isEarly = point == .prerouting || point == .output
            return Hook(type: "nat", point: point, priority: priority ?? (isEarly ? .dstnat : .srcnat))
        }
    }

    /// Lower ones are passed first (`NF_IP_PRI_*`).
    public struct Priority: Hashable, Sendable, ExpressibleByIntegerLiteral {
        public var number: Int32
        public init(_ number: Int32) { self.number = number }
        public init(integerLiteral number: Int32) { self.number = number }

        /// Before connections are looked up.
        public static let raw: Priority = -300
        public static let mangle: Priority = -150
        public static let dstnat: Priority = -100
        public static let filter: Priority = 0
        public static let srcnat: Priority = 100
    }

    /// One rule: its statements from left to right, until one does not match.
    public struct Rule: Hashable, Sendable {
        public var statements: [Statement]
        /// Shown by `nft list`; at most 127 bytes are kept.
        public var comment: String?

        public init(_ statements: Statement..., comment: String? = nil) {
            self.init(statements, comment: comment)
        }

        public init(_ statements: [Statement], comment: String? = nil) {
            self.statements = statements
            self.comment = comment
        }

        /// As nft(8) writes it.
        public func text(in family: Family) -> String {
            let words = statements.map { $0.text(in: family) } + (comment.map { ["comment \"\($0)\""] } ?? [])
            return words.joined(separator: " ")
        }
    }

    /// A table with everything in it.
    public struct Table: Hashable, Sendable {
        public var family: Family
        public var name: String
        public var sets: [Set]
        public var chains: [Chain]

        public init(_ family: Family, _ name: String, sets: [Set] = [], chains: [Chain] = []) {
            self.family = family
            self.name = name
            self.sets = sets
            self.chains = chains
        }
    }
}
