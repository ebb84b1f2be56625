import Support

/// Names and identities that the server makes up. Randomness is handed in, so that a seed reproduces them.
public enum GeneratedName {
    /// No vowels and nothing that looks like one: generated names spell no words (API conventions, "Names").
    private static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)

    /// How many characters are appended.
    public static let suffixLength = 5
    /// The base is cut so that base and suffix fit a DNS label.
    public static let longestBase = 63 - suffixLength

    /// `base` and five random characters, as `metadata.generateName` asks for.
    public static func make(base: String, using random: inout some RandomNumberGenerator) -> String {
        var bytes = Array(base.utf8.prefix(longestBase))
        bytes += randomText(length: suffixLength, using: &random)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `length` random characters that are safe in names.
    public static func randomText(length: Int, using random: inout some RandomNumberGenerator) -> [UInt8] {
        (0..<length).map { _ in alphabet[Int.random(in: alphabet.indices, using: &random)] }
    }

    /// A number as text of the same alphabet, as hashes of pod templates are written.
    public static func encode(_ decimal: UInt32) -> String {
        let digits = String(decimal).utf8.map { alphabet[Int($0) % alphabet.count] }
        return String(decoding: digits, as: UTF8.self)
    }

    /// A random UUID, version 4 (RFC 9562, section 5.4): `metadata.uid`.
    public static func uuid(using random: inout some RandomNumberGenerator) -> String {
        let high = random.next() & ~0xF000 | 0x4000
        let low = random.next() & ~(0b11 << 62) | 0b10 << 62
        var bytes: [UInt8] = []
        for word in [high, low] {
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        let digits = Hex.encode(bytes).utf8
        var text: [UInt8] = []
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append(UInt8(ascii: "-")) }
            text.append(digit)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
