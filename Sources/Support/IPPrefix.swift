/// A block of addresses in CIDR notation (RFC 4632), such as `10.42.0.0/24`.
///
/// Keeps the address as it was given (`10.42.0.1/24` is an interface's address with its network);
/// ``network`` is the same block with the host bits cleared.
public struct IPPrefix: Hashable, Sendable, CustomStringConvertible {
    public let address: IPAddress
    /// The number of leading bits that all addresses of the block share, 0 ... 32 or 128.
    public let length: Int

    /// `nil` when the length does not fit the family.
    public init?(_ address: IPAddress, length: Int) {
        guard (0...address.family.bitCount).contains(length) else { return nil }
        self.address = address
        self.length = length
    }

    /// The block of one address: `/32` or `/128`.
    public init(host address: IPAddress) {
        self.address = address
        length = address.family.bitCount
    }

    /// Reads `address/length`; the length is required and has no leading zero.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(parts[0]),
            let length = Int(parts[1]), String(length) == parts[1]
        else { return nil }
        self.init(address, length: length)
    }

    public var description: String { "\(address)/\(length)" }
    public var family: IPAddress.Family { address.family }

    /// The same block, written with its first address.
    public var network: IPPrefix { IPPrefix(unchecked: first, length: length) }

    /// The lowest address of the block.
    public var first: IPAddress {
        switch address {
        case .v4(let number):
            return .v4(number & (length == 0 ? 0 : UInt32.max << UInt32(32 - length)))
        case .v6(let high, let low):
            let mask = mask6
            return .v6(high: high & mask.high, low: low & mask.low)
        }
    }

    /// The highest address of the block (for IPv4 networks, the broadcast address).
    public var last: IPAddress {
        switch address {
        case .v4(let number):
            return .v4(number | (length == 32 ? 0 : UInt32.max >> UInt32(length)))
        case .v6(let high, let low):
            let mask = mask6
            return .v6(high: high | ~mask.high, low: low | ~mask.low)
        }
    }

    public func contains(_ other: IPAddress) -> Bool {
        other.family == family && other >= first && other <= last
    }

    /// Whether any address belongs to both.
    public func overlaps(_ other: IPPrefix) -> Bool {
        contains(other.first) || other.contains(first)
    }

    private init(unchecked address: IPAddress, length: Int) {
        self.address = address
        self.length = length
    }

    private var mask6: (high: UInt64, low: UInt64) {
        // Shifts by the full width yield 0 with Swift's smart shift.
        (UInt64.max << max(0, 64 - length), UInt64.max << min(64, 128 - length))
    }
}
