import Support

/// A scalar as it was written, and what it means (YAML 1.1, as Kubernetes reads it).
struct YAMLScalar {
    var text: String
    /// The full form of a tag such as `!!str`; `nil` when none was written.
    var tag: String?
    /// Written without quotes and not as a block.
    var isPlain: Bool

    /// Why a scalar has no value.
    enum Problem: Error, CustomStringConvertible {
        case notOfTag(String, tag: String)
        case notFinite(String)

        var description: String {
            switch self {
            case .notOfTag(let text, let tag): "cannot decode \(GoText.quoted(text)) as a \(tag)"
            case .notFinite(let text): "JSON has no number \(text)"
            }
        }
    }

    var isMergeKey: Bool { text == "<<" && isPlain && (tag == nil || tag == Self.prefix + "merge") }

    private static let prefix = "tag:yaml.org,2002:"

    var value: Value {
        get throws(Problem) {
            guard let tag else { return isPlain ? try Self.resolve(text) : .string(text) }
            guard tag.hasPrefix(Self.prefix) else { return .string(text) }
            let name = String(tag.dropFirst(Self.prefix.count))
            let problem = Problem.notOfTag(text, tag: "!!" + name)
            switch name {
            case "binary":
                guard let bytes = Base64.decode(text) else { throw problem }
                return .string(String(decoding: bytes, as: UTF8.self))
            case "null", "bool", "int", "float":
                let value = try Self.resolve(text)
                switch (name, value) {
                case ("null", .null), ("bool", .bool), ("int", .integer), ("float", .double): return value
                case ("float", .integer(let number)): return .double(Double(number))
                default: throw problem
                }
            default: return .string(text)
            }
        }
    }

    /// What a plain scalar means. The emitter puts quotes around every text that would mean something else.
    static func resolve(_ text: String) throws(Problem) -> Value {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": return .bool(true)
        case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": return .bool(false)
        case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf",
            "-.INF":
            throw .notFinite(text)
        default: break
        }
        guard let first = text.utf8.first, numberStart.contains(first) else { return .string(text) }
        let digits = text.utf8.contains(UInt8(ascii: "_")) ? String(text.filter { $0 != "_" }) : text
        if let number = integer(digits) { return .integer(number) }
        guard isFloat(digits.utf8[...]), let number = Double(digits) else { return .string(text) }
        guard number.isFinite else { throw .notFinite(text) }
        return .double(number)
    }

    private static let numberStart = ByteSet("0"..."9", and: "+-.")

    /// Decimal, or `0x`, `0o`, `0b`, or octal by a leading zero.
    private static func integer(_ text: String) -> Int64? {
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let hasSign = isNegative || text.utf8.first == UInt8(ascii: "+")
        var digits = text.utf8.dropFirst(hasSign ? 1 : 0)
        var radix = 10
        if digits.count > 1, digits.first == UInt8(ascii: "0") {
            switch digits.dropFirst().first {
            case UInt8(ascii: "x"), UInt8(ascii: "X"): (radix, digits) = (16, digits.dropFirst(2))
            case UInt8(ascii: "o"), UInt8(ascii: "O"): (radix, digits) = (8, digits.dropFirst(2))
            case UInt8(ascii: "b"), UInt8(ascii: "B"): (radix, digits) = (2, digits.dropFirst(2))
            default: (radix, digits) = (8, digits.dropFirst())
            }
        }
        // The initialiser would take a second sign.
        guard let first = digits.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else {
            return nil
        }
        return Int64((isNegative ? "-" : "") + String(Substring(digits)), radix: radix)
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private static func isFloat(_ text: Substring.UTF8View) -> Bool {
        var rest = text
        func skipDigits() -> Bool {
            let count = rest.prefix(while: ByteSet.digits.contains).count
            rest = rest.dropFirst(count)
            return count > 0
        }
        func skipSign() {
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        }
        skipSign()
        let hasWhole = skipDigits()
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard skipDigits() || hasWhole else { return false }
        } else if !hasWhole {
            return false
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            skipSign()
            guard skipDigits() else { return false }
        }
        return rest.isEmpty
    }
}
