/// The character classes of HTTP's grammar (RFC 9110, section 5.6).
enum HTTPCharacter {
    /// A bit for each ASCII character that may stand in a token: letters, digits and ``!#$%&'*+-.^_`|~``.
    private static let tokens: (UInt64, UInt64) = (0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE)

    /// Whether the byte may stand in a method or a field's name.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case ..<64: tokens.0 >> UInt64(byte) & 1 == 1
        case ..<128: tokens.1 >> UInt64(byte - 64) & 1 == 1
        default: false
        }
    }

    /// Whether the byte may stand in a field's value: no controls but the tab.
    @inline(__always)
    static func isValue(_ byte: UInt8) -> Bool { byte >= 32 ? byte != 127 : byte == 9 }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte | 32 : byte }

    /// Whether both spell the same when ASCII letters' case is ignored.
    static func isSame(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Bool {
        guard a.count == b.count else { return false }
        return a.elementsEqual(b) { $0 == $1 || lowercased($0) == lowercased($1) }
    }
}
