/// A running 64-bit sum over words and bytes: a check against damage, not against malice.
///
/// SQLite's write-ahead log has check sums, its database pages have none; sums of our own find what a
/// worn-out flash cell changes later. Each step can be undone, so two inputs that differ in one word never
/// have the same sum before it is folded; others have it once in four billion after. Its meaning is part of
/// the database's format.
struct Sum {
    private var state: UInt64 = 0x6B33_735F_7377_6966

    mutating func add(_ word: UInt64) {
        state = (state ^ word) &* 0x9E37_79B9_7F4A_7C15
        state ^= state >> 29
    }

    mutating func add(_ number: Int64) { add(UInt64(bitPattern: number)) }

    /// Adds bytes and their number, eight at a time.
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

    mutating func add(_ key: String) {
        KeyOrder.withBytes(of: key) { add(UnsafeRawBufferPointer($0)) }
    }

    var whole: Int64 { Int64(bitPattern: state) }

    /// Half as long, where it is stored with every row.
    var folded: Int64 { Int64((state ^ state >> 32) & 0xFFFF_FFFF) }
}
