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
