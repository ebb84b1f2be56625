/// Looks through JSON for the ends of plain text, eight bytes at a time.
enum TextScan {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080
    private static let quotes = ones &* UInt64(UInt8(ascii: "\""))
    private static let backslashes = ones &* UInt64(UInt8(ascii: "\\"))
    private static let spaces = ones &* 0x20

    /// The offset, from `start` on, of the first quote, backslash or control character; the number of bytes if there is none.
    static func endOfPlainText(from start: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
        var position = start
        let raw = UnsafeRawBufferPointer(bytes)
        while position + 8 <= raw.count {
            // The first byte is the lowest, so a borrow that runs on from a byte that was found spoils none before it.
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let found = zeroBytes(word ^ quotes) | zeroBytes(word ^ backslashes) | ((word &- spaces) & ~word & tops)
            if found != 0 { return position + found.trailingZeroBitCount / 8 }
            position += 8
        }
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
            position += 1
        }
        return position
    }

    /// Whether JSON has a string that is just this text, which needs no escapes.
    static func hasQuoted(_ text: UnsafeBufferPointer<UInt8>, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let quote = UInt8(ascii: "\"")
        var position = 0
        while true {
            position = endOfPlainText(from: position, in: bytes)
            let end = position + 1 + text.count
            guard end < bytes.count else { return false }
            if bytes[position] == quote, bytes[end] == quote, bytes[(position + 1)..<end].elementsEqual(text) { return true }
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
    }

    /// The top bits of the bytes that are zero, of which the lowest is right.
    private static func zeroBytes(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & tops }
}
