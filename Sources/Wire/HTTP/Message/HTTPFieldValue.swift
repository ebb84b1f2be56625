/// The grammar that most header fields share (RFC 9110, section 5.6).
public enum HTTPFieldValue {
    /// The elements of a list, as in `Accept: a, b`.
    public static func list(_ text: some StringProtocol) -> [String] { elements(text, UInt8(ascii: ",")) }

    /// A value and its parameters, as in `application/json; charset=utf-8`.
    public static func parameters(_ text: some StringProtocol) -> [String] { elements(text, UInt8(ascii: ";")) }

    /// Works on bytes: every request has such fields, and their grammar is ASCII.
    private static func elements(_ text: some StringProtocol, _ separator: UInt8) -> [String] {
        text.utf8.split(separator: separator).compactMap { element in
            let start = element.drop(while: isSpace)
            guard let last = start.lastIndex(where: { !isSpace($0) }) else { return nil }
            return String(decoding: start[...last], as: UTF8.self)
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
