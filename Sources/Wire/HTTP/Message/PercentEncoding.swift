/// Percent encoding of paths and queries (RFC 3986, section 2.1).
public enum PercentEncoding {
    /// Replaces `%XX`, and with `plusIsSpace` also `+` (the form encoding of queries). `nil` when a `%` is
    /// not followed by two hexadecimal digits.
    public static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        let plus = plusIsSpace ? UInt8(ascii: "+") : UInt8(ascii: "%")
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == plus }) else {
            return String(text)
        }
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count)
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.next().flatMap(digit), let low = rest.next().flatMap(digit) else {
                    return nil
                }
                out.append(high << 4 | low)
            } else {
                out.append(byte == plus ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Encodes everything but unreserved characters (letters, digits, `-._~`), so that the result may stand
    /// as one path segment, query name or query value.
    public static func encode(_ text: some StringProtocol) -> String {
        let digits = StaticString("0123456789ABCDEF").utf8Start
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.append(byte)
            default:
                out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}
