/// An Internet address of either family, without port and zone.
///
/// Ordered with all of IPv4 before all of IPv6, each by number.
public enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64)

    /// The two families, named as the API's `ipFamilies` field names them.
    public enum Family: String, Hashable, Sendable, CaseIterable {
        case v4 = "IPv4"
        case v6 = "IPv6"

        /// The number of bits of an address: 32 or 128.
        public var bitCount: Int { self == .v4 ? 32 : 128 }
    }

    /// From 4 or 16 bytes in network order; `nil` for any other number.
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4:
            self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            self = .v6(
                high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
                low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) })
        default:
            return nil
        }
    }

    public var family: Family {
        switch self {
        case .v4: .v4
        case .v6: .v6
        }
    }

    /// 4 or 16 bytes in network order.
    public var bytes: [UInt8] {
        switch self {
        case .v4(let number): bigEndianBytes(number)
        case .v6(let high, let low): bigEndianBytes(high) + bigEndianBytes(low)
        }
    }

    /// The all-zero address of a family: `0.0.0.0` or `::`.
    public static func unspecified(_ family: Family) -> IPAddress {
        family == .v4 ? .v4(0) : .v6(high: 0, low: 0)
    }

    public var isUnspecified: Bool { self == .unspecified(family) }

    /// `127.0.0.0/8` and `::1`.
    public var isLoopback: Bool {
        switch self {
        case .v4(let number): number >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }

    /// `169.254.0.0/16` and `fe80::/10`.
    public var isLinkLocal: Bool {
        switch self {
        case .v4(let number): number >> 16 == 0xA9FE
        case .v6(let high, _): high >> 54 == 0xFE80 >> 6
        }
    }

    /// `224.0.0.0/4` and `ff00::/8`.
    public var isMulticast: Bool {
        switch self {
        case .v4(let number): number >> 28 == 0xE
        case .v6(let high, _): high >> 56 == 0xFF
        }
    }

    /// One host's address that is routed: not unspecified, loopback, link-local, multicast or broadcast.
    /// Private addresses count.
    public var isGlobalUnicast: Bool {
        !isUnspecified && !isLoopback && !isLinkLocal && !isMulticast && self != .v4(.max)
    }

    /// The address `distance` further on; `nil` when that leaves the family's range.
    public func advanced(by distance: UInt64) -> IPAddress? {
        switch self {
        case .v4(let number):
            guard let step = UInt32(exactly: distance) else { return nil }
            let (sum, isOver) = number.addingReportingOverflow(step)
            return isOver ? nil : .v4(sum)
        case .v6(let high, let low):
            let (sum, carries) = low.addingReportingOverflow(distance)
            guard carries else { return .v6(high: high, low: sum) }
            return high == .max ? nil : .v6(high: high + 1, low: sum)
        }
    }
}

extension IPAddress: Comparable {
    public static func < (a: IPAddress, b: IPAddress) -> Bool {
        switch (a, b) {
        case (.v4(let a), .v4(let b)): a < b
        case (.v6(let aHigh, let aLow), .v6(let bHigh, let bLow)): (aHigh, aLow) < (bHigh, bLow)
        case (.v4, .v6): true
        case (.v6, .v4): false
        }
    }
}

private func bigEndianBytes<N: FixedWidthInteger>(_ number: N) -> [UInt8] {
    stride(from: N.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
}
