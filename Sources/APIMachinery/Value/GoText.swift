/// How Go prints values, for the messages whose wording clients know by heart.
public enum GoText {
    /// `text` in double quotes, as the verb `%q` prints it.
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

    /// A decoded JSON value as the verb `%v` prints it: `map[image:nginx ports:[80 443]]`.
    public static func plain(_ value: Value) -> String {
        switch value {
        case .null: "<nil>"
        case .bool, .integer, .double: value.description
        case .string(let text): text
        case .array(let elements): "[" + elements.map(plain).joined(separator: " ") + "]"
        case .object(let fields):
            "map[" + fields.map { "\($0.key):\(plain($0.value))" }.joined(separator: " ") + "]"
        }
    }

    /// The type that Go's decoder gives to a JSON value, as the verb `%T` prints it.
    public static func typeName(_ value: Value?) -> String {
        switch value {
        case .none, .null: "<nil>"
        case .bool: "bool"
        case .integer: "int64"
        case .double: "float64"
        case .string: "string"
        case .array: "[]interface {}"
        case .object: "map[string]interface {}"
        }
    }

    private static func hex(_ number: UInt32, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
