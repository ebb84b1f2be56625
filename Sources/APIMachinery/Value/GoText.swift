import Support

/// How Go prints values, for the messages whose wording clients know by heart.
public enum GoText {
    /// `text` in double quotes, as the verb `%q` prints it.
    public static func quoted(_ text: some StringProtocol) -> String {
        QuotedText.quoted(text)
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

    /// The same of a value in a box that a pointer leads to, as server-side apply holds values: `&{map[a:b]}`.
    static func boxed(_ value: Value) -> String { "&{\(plain(value))}" }

    /// A decoded JSON value as the verb `%#v` prints it: `map[string]interface {}{"ports":[]interface {}{80}}`.
    static func syntax(_ value: Value) -> String {
        switch value {
        case .null: "interface {}(nil)"
        case .bool, .integer, .double: value.description
        case .string(let text): quoted(text)
        case .array(let elements):
            typeName(value) + "{" + elements.map(syntax).joined(separator: ", ") + "}"
        case .object(let fields):
            typeName(value) + "{"
                + fields.map { "\(quoted($0.key)):\(syntax($0.value))" }.joined(separator: ", ") + "}"
        }
    }

    /// A number with six digits behind the point, as the verb `%f` prints it.
    public static func fixed(_ number: Double) -> String {
        let millionths = (number.magnitude * 1_000_000).rounded(.toNearestOrEven)
        guard millionths < 1e18 else {
            return Int128(exactly: number.rounded()).map { "\($0).000000" } ?? number.description
        }
        let (whole, rest) = Int64(millionths).quotientAndRemainder(dividingBy: 1_000_000)
        let digits = String(rest)
        let sign = number < 0 && millionths > 0 ? "-" : ""
        return "\(sign)\(whole).\(String(repeating: "0", count: 6 - digits.count))\(digits)"
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
}
