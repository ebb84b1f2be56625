/// Writes DER (X.690), from the inside out: each function answers one complete value.
enum DER {
    /// A value of this tag around `content`.
    static func value(_ tag: UInt8, _ content: some Collection<UInt8>) -> [UInt8] {
        [tag] + length(content.count) + content
    }

    static func sequence(_ parts: [UInt8]...) -> [UInt8] { value(DERTag.sequence, parts.joined()) }
    static func sequence(of parts: [[UInt8]]) -> [UInt8] { value(DERTag.sequence, Array(parts.joined())) }

    /// A SET OF: its members are ordered by their bytes (X.690, 11.6).
    static func set(of parts: [[UInt8]]) -> [UInt8] {
        value(DERTag.set, Array(parts.sorted { $0.lexicographicallyPrecedes($1) }.joined()))
    }

    /// A non-negative number, given as big-endian bytes.
    static func unsigned(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let digits = Array(bytes.drop { $0 == 0 })
        return value(DERTag.integer, digits.first.map { $0 >= 0x80 } ?? true ? [0] + digits : digits)
    }

    static func integer(_ number: UInt8) -> [UInt8] { unsigned([number]) }

    static func boolean(_ isTrue: Bool) -> [UInt8] { value(DERTag.boolean, [isTrue ? 0xFF : 0]) }
    static func octets(_ bytes: some Collection<UInt8>) -> [UInt8] { value(DERTag.octetString, bytes) }

    /// A BIT STRING; the last `unused` bits of the last byte do not count.
    static func bits(_ bytes: some Collection<UInt8>, unused: UInt8 = 0) -> [UInt8] {
        value(DERTag.bitString, [unused] + bytes)
    }

    /// Text in the narrowest type that holds it, as Go's encoder chooses.
    static func text(_ text: String) -> [UInt8] {
        value(
            text.utf8.allSatisfy(isPrintable) ? DERTag.printableString : DERTag.utf8String, Array(text.utf8))
    }

    private static func isPrintable(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: " '()+,-./:=?".utf8.contains(byte)
        }
    }

    private static func length(_ count: Int) -> [UInt8] {
        guard count >= 0x80 else { return [UInt8(count)] }
        var digits: [UInt8] = []
        var rest = count
        while rest > 0 {
            digits.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        return [0x80 | UInt8(digits.count)] + digits
    }
}
