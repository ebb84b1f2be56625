/// One row of the table `log`: what one write did to one key.
struct Row: Equatable {
    var revision: Revision
    /// The revision of the version that was replaced; 0 when there was none.
    var previous: Revision
    /// The revision that created the key.
    var created: Revision
    var key: String
    /// `nil` when the key was deleted.
    var value: [UInt8]?

    /// The version this row holds; `nil` for a deletion.
    var entry: Entry? {
        value.map { Entry(key: key, value: $0, revision: revision, createdRevision: created) }
    }

    /// A 32-bit sum of all that the row says.
    ///
    /// SQLite's write-ahead log has check sums, its database pages have none: this finds what a worn-out flash cell
    /// changes later. Each step is invertible, so any change within eight bytes that stand together is found for
    /// certain before the last fold, and others by chance of one in four billion of going unseen.
    var sum: Int64 {
        var sum = Sum()
        for word in [revision, previous, created, value == nil ? 0 : 1] { sum.add(UInt64(bitPattern: word)) }
        KeyOrder.withBytes(of: key) { sum.add(UnsafeRawBufferPointer($0)) }
        value?.withUnsafeBytes { sum.add($0) }
        return sum.folded
    }

    private struct Sum {
        private var state: UInt64 = 0x6B33_735F_7377_6966

        mutating func add(_ word: UInt64) {
            state = (state ^ word) &* 0x9E37_79B9_7F4A_7C15
            state ^= state >> 29
        }

        mutating func add(_ bytes: UnsafeRawBufferPointer) {
            let whole = bytes.count & ~7
            for offset in stride(from: 0, to: whole, by: 8) {
                add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            }
            var rest: UInt64 = 0
            for offset in whole..<bytes.count { rest = rest << 8 | UInt64(bytes[offset]) }
            add(rest)
            add(UInt64(bytes.count))
        }

        var folded: Int64 { Int64((state ^ state >> 32) & 0xFFFF_FFFF) }
    }
}
