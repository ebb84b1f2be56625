public import Support

extension Nftables {
    /// A value, or a run of values (a prefix, a range), that packets are compared with or that is put into
    /// them.
    public struct Value: Hashable, Sendable, CustomStringConvertible {
        /// The bytes of the lowest and the highest value; the same for one value.
        let first: [UInt8]
        let last: [UInt8]
        let prefixLength: Int?
        /// As nft(8) writes it.
        public let description: String

        var isSingle: Bool { first == last }

        init(_ bytes: [UInt8], last: [UInt8]? = nil, prefixLength: Int? = nil, _ description: String) {
            first = bytes
            self.last = last ?? bytes
            self.prefixLength = prefixLength
            self.description = description
        }

        public static func ip(_ address: IPAddress) -> Value { Value(address.bytes, address.description) }

        /// All addresses of a block.
        public static func prefix(_ prefix: IPPrefix) -> Value {
            Value(
                prefix.first.bytes, last: prefix.last.bytes, prefixLength: prefix.length, "\(prefix.network)")
        }

        public static func port(_ port: UInt16) -> Value { Value(bytes(port.bigEndian), "\(port)") }

        public static func ports(_ ports: ClosedRange<UInt16>) -> Value {
            Value(
                bytes(ports.lowerBound.bigEndian), last: bytes(ports.upperBound.bigEndian),
                "\(ports.lowerBound)-\(ports.upperBound)")
        }

        public static let tcp = Value([6], "tcp")
        public static let udp = Value([17], "udp")
        public static let sctp = Value([132], "sctp")
        public static let icmp = Value([1], "icmp")
        public static let icmpv6 = Value([58], "ipv6-icmp")

        /// For ``Field/Meta/nfproto``: the family of the packet.
        public static func family(_ family: IPAddress.Family) -> Value {
            family == .v4 ? Value([2], "ipv4") : Value([10], "ipv6")
        }

        /// By its name, which need not exist yet.
        public static func interface(_ name: String) -> Value {
            Value(Array(name.utf8) + Array(repeating: 0, count: max(0, 16 - name.utf8.count)), "\"\(name)\"")
        }

        public static func mark(_ mark: UInt32) -> Value { Value(bytes(mark), hexadecimal(mark)) }
        public static func number(_ number: UInt32) -> Value { Value(bytes(number), "\(number)") }

        private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
            withUnsafeBytes(of: number) { Array($0) }
        }

        static func hexadecimal(_ number: UInt32) -> String {
            let digits = String(number, radix: 16)
            return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
        }
    }
}

extension [Nftables.Value] {
    /// The bytes of a set's key or data: a concatenation pads each part to four bytes.
    func bytes(_ end: KeyPath<Nftables.Value, [UInt8]>) -> [UInt8] {
        guard count > 1 else { return first?[keyPath: end] ?? [] }
        return flatMap { value in
            let bytes = value[keyPath: end]
            return bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
        }
    }

    var text: String { map(\.description).joined(separator: " . ") }
}
