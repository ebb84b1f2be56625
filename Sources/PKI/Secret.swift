import CCrypto
import Support

/// Making and comparing secrets.
public enum Secret {
    /// Bytes from the kernel's generator.
    public static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// Lower-case hexadecimal text that stands for this many random bytes: twice as many characters.
    public static func randomHex(bytes count: Int) -> String { Hex.encode(randomBytes(count)) }

    /// Whether both are the same, in a time that depends on their lengths only.
    public static func isEqual(_ a: some Sequence<UInt8>, _ b: some Sequence<UInt8>) -> Bool {
        let (a, b) = (Array(a), Array(b))
        return a.count == b.count && (a.isEmpty || ccrypto_equal(a, b, a.count))
    }

    /// Whether both texts have the same bytes, in a time that depends on their lengths only.
    public static func isEqual(_ a: String, _ b: String) -> Bool { isEqual(a.utf8, b.utf8) }
}
