public import Support

/// A range of pod addresses, cut into blocks of which each node gets one.
public struct PodRange: Hashable, Sendable {
    /// More blocks than this are not handed out, however large the range: Kubernetes refuses such ranges.
    static let most = 1 << 16

    public let cluster: IPPrefix
    /// The length of a node's block.
    public let nodeLength: Int

    /// The length that Kubernetes gives each node: 24, or 64 of IPv6.
    public static func usualLength(_ family: Support.IPAddress.Family) -> Int { family == .v4 ? 24 : 64 }

    /// `nil` when the range is smaller than one block.
    public init?(_ cluster: IPPrefix, nodeLength: Int? = nil) {
        let length = nodeLength ?? Self.usualLength(cluster.family)
        guard cluster.length <= length, length <= cluster.family.bitCount else { return nil }
        (self.cluster, self.nodeLength) = (cluster.network, length)
    }

    public var count: Int { 1 << min(nodeLength - cluster.length, 16) }

    /// The block with this number, counted from the range's beginning.
    public func block(_ index: Int) -> IPPrefix {
        precondition((0..<count).contains(index), "a range has no blocks beyond its end")
        let address: Support.IPAddress =
            switch cluster.first {
            case .v4(let number): .v4(number + UInt32(index) << UInt32(32 - nodeLength))
            case .v6(let high, let low) where nodeLength <= 64:
                .v6(high: high + UInt64(index) << UInt64(64 - nodeLength), low: low)
            case .v6(let high, let low): .v6(high: high, low: low + UInt64(index) << UInt64(128 - nodeLength))
            }
        // The length is one of the family's, as was checked.
        return IPPrefix(address, length: nodeLength) ?? cluster
    }

    /// The numbers of the blocks that share an address with `other`.
    func blocks(overlapping other: IPPrefix) -> Range<Int> {
        guard other.family == cluster.family, cluster.overlaps(other) else { return 0..<0 }
        let first = max(other.first, cluster.first), last = min(other.last, cluster.last)
        return number(of: first)..<(number(of: last) + 1)
    }

    private func number(of address: Support.IPAddress) -> Int {
        let distance: UInt64 =
            switch (address, cluster.first) {
            case (.v4(let a), .v4(let b)): UInt64((a - b) >> UInt32(32 - nodeLength))
            case (.v6(let a, _), .v6(let b, _)) where nodeLength <= 64: (a - b) >> UInt64(64 - nodeLength)
            case (.v6(_, let a), .v6(_, let b)): (a &- b) >> UInt64(128 - nodeLength)
            default: 0
            }
        return Int(min(distance, UInt64(count - 1)))
    }
}
