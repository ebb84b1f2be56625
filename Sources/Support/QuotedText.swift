/// Text in double quotes, as Go's `%q` prints it: in log lines, and in messages whose wording clients know by heart.
public enum QuotedText {
    /// Quotes, backslashes and everything that moves a terminal's cursor are escaped.
    public static func quoted(_ text: some StringProtocol) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{07}": result += "\\a"
            case "\u{08}": result += "\\b"
            case "\u{0B}": result += "\\v"
            case "\u{0C}": result += "\\f"
            case "\u{00}"..<" ", "\u{7F}": result += "\\x" + hex(scalar.value, digits: 2)
            case "\u{80}"..<"\u{A0}", "\u{AD}", "\u{2028}", "\u{2029}", "\u{FEFF}":
                result += "\\u" + hex(scalar.value, digits: 4)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func hex(_ number: UInt32, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
