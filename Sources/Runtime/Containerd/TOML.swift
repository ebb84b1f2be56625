/// Writes TOML (version 1.0): the language of containerd's files. Only what they need of it.
struct TOML {
    private(set) var text: String

    /// `comment` is the first line of the file.
    init(comment: String) { text = "# \(comment)\n" }

    /// A value of a key.
    enum Value {
        case string(String)
        case bool(Bool)
        case integer(Int)
        case real(Double)
        case list([Value])

        static func strings(_ values: [String]) -> Value { .list(values.map(Value.string)) }

        fileprivate var text: String {
            switch self {
            case .string(let value): TOML.quote(value)
            case .bool(let value): value ? "true" : "false"
            case .integer(let value): String(value)
            case .real(let value): String(value)
            case .list(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
            }
        }
    }

    /// `key = value`, in the table begun last.
    mutating func set(_ key: String, _ value: Value) {
        text += "\(Self.key(key)) = \(value.text)\n"
    }

    /// Begins a table; keys that are not bare words are quoted.
    mutating func table(_ path: String...) {
        text += "\n[\(path.map(Self.key).joined(separator: "."))]\n"
    }

    private static func key(_ key: String) -> String {
        let isBare = !key.isEmpty && key.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return isBare ? key : quote(key)
    }

    /// A basic string: quotation mark, backslash and control characters are escaped.
    private static func quote(_ value: String) -> String {
        var quoted = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\r": quoted += "\\r"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
