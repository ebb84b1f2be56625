/// Ids that the administrator gave a user for namespaces of his own (subuid(5), subgid(5)).
public struct SubordinateIDs: Hashable, Sendable {
    public struct Range: Hashable, Sendable {
        public var first: UInt32
        public var count: UInt32

        public init(first: UInt32, count: UInt32) {
            self.first = first
            self.count = count
        }

        fileprivate func overlaps(_ other: Range) -> Bool {
            UInt64(first) < UInt64(other.first) + UInt64(other.count)
                && UInt64(other.first) < UInt64(first) + UInt64(count)
        }
    }

    /// In the order of the file. None has an id of another.
    public private(set) var ranges: [Range] = []

    /// Reads the lines `login:first:count` of one user, who is named, or told by number. A line of another
    /// form, and one with ids that were there already, counts as none.
    public init(file text: String, name: String, id: UInt32) {
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == name || parts[0] == String(id), let first = UInt32(parts[1]),
                let count = UInt32(parts[2]), count > 0, !first.addingReportingOverflow(count).overflow
            else { continue }
            let range = Range(first: first, count: count)
            if !ranges.contains(where: range.overlaps) { ranges.append(range) }
        }
    }

    /// As many ids in all.
    public var count: UInt64 { ranges.reduce(0) { $0 + UInt64($1.count) } }

    /// Which id of the namespace is which outside, as arguments of newuidmap(1) and newgidmap(1) behind the
    /// process: root is the user himself, the others follow from 1 on.
    public func map(own id: UInt32) -> [String] {
        var (words, inside) = (["0", "\(id)", "1"], UInt32(1))
        for range in ranges {
            // No process can have the last id of all.
            let count = min(range.count, UInt32.max - 1 - inside)
            guard count > 0 else { break }
            words += ["\(inside)", "\(range.first)", "\(count)"]
            inside += count
        }
        return words
    }
}
