extension Nftables {
    /// A set of keys, a map from keys to values, or from keys to verdicts. Looking a packet up in it takes
    /// the same time however many there are.
    public struct Set: Hashable, Sendable {
        public var name: String
        /// The parts of a key; several are a concatenation.
        public var key: [DataType]
        public var value: ValueType
        public var flags: Flags
        /// How long an element stays that has no time of its own; needs ``Flags/timeout``.
        public var timeout: Duration?
        /// How many elements the rules themselves may add; `nil` is the kernel's bound.
        public var size: UInt32?
        public var elements: [Element]

        /// What a key leads to.
        public enum ValueType: Hashable, Sendable {
            /// Nothing: it is in the set or not.
            case none
            case data([DataType])
            case verdict
        }

        public struct Flags: OptionSet, Hashable, Sendable {
            public let rawValue: UInt32
            public init(rawValue: UInt32) { self.rawValue = rawValue }
            /// Keys may be prefixes and ranges.
            public static let interval = Flags(rawValue: 4)
            /// Elements may leave by themselves.
            public static let timeout = Flags(rawValue: 16)
            /// Rules add elements (``Statement/update(_:_:timeout:)``).
            public static let dynamic = Flags(rawValue: 32)
        }

        /// A set, or a map where `value` is more than nothing.
        public init(
            _ name: String, key: [DataType], value: ValueType = .none, flags: Flags = [],
            timeout: Duration? = nil,
            size: UInt32? = nil, elements: [Element] = []
        ) {
            self.name = name
            self.key = key
            self.value = value
            self.flags = flags
            self.timeout = timeout
            self.size = size
            self.elements = elements
        }
    }

    /// A member of a set, or a pair of a map.
    public struct Element: Hashable, Sendable, CustomStringConvertible {
        public var key: [Value]
        public var value: Target
        public var timeout: Duration?

        public enum Target: Hashable, Sendable {
            case none
            case data([Value])
            case verdict(Verdict)
        }

        public init(_ key: Value..., timeout: Duration? = nil) {
            self.init(key: key, value: .none, timeout: timeout)
        }

        public init(key: [Value], value: Target, timeout: Duration? = nil) {
            self.key = key
            self.value = value
            self.timeout = timeout
        }

        public static func verdict(_ key: Value..., to verdict: Verdict) -> Element {
            Element(key: key, value: .verdict(verdict))
        }

        public static func pair(_ key: Value..., to value: [Value]) -> Element {
            Element(key: key, value: .data(value))
        }

        /// As nft(8) writes it.
        public var description: String {
            let time = timeout.map { " timeout \(nftText($0))" } ?? ""
            return switch value {
            case .none: key.text + time
            case .data(let value): "\(key.text)\(time) : \(value.text)"
            case .verdict(let verdict): "\(key.text)\(time) : \(verdict)"
            }
        }
    }

    /// The set that a rule looks into: one of the table by its name, or one of the rule's own.
    public enum SetReference: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
        case named(String)
        /// Made with the rule and gone with it.
        case anonymous([Element], key: [DataType], value: Set.ValueType = .none)

        public init(stringLiteral name: String) { self = .named(name) }

        /// As nft(8) writes it.
        public var description: String {
            switch self {
            case .named(let name): "@\(name)"
            case .anonymous(let elements, _, _): "{ \(elements.map(\.description).joined(separator: ", ")) }"
            }
        }
    }
}

/// `3h`, `1m30s`, `500ms`: days to milliseconds, those that are not zero.
func nftText(_ duration: Duration) -> String {
    var rest = duration.milliseconds
    var text = ""
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
        as [(String, UInt64)]
    where rest >= size {
        text += "\(rest / size)\(unit)"
        rest %= size
    }
    return text.isEmpty ? "0s" : text
}

extension Duration {
    /// Whole milliseconds, cut off; a negative duration is none.
    var milliseconds: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }
}
