import APIMachinery

/// The `fieldPath` of a rule: where, below the value that the rule is about, an error is shown.
enum RuleFieldPath {
    struct Problem: Error {
        var why: String

        static let noField = Problem(why: "does not refer to a valid field")
        static let end = Problem(why: "unexpected end of JSON path")
    }

    /// As messages write the path (`.a['b.c']` is `a.b.c`, or `a[b.c]` in a map); empty for none. Throws for one that
    /// leads to nothing that the schema knows.
    static func normalised(_ path: String, from field: FieldSchema) throws(Problem) -> String {
        var (rest, field, text) = (path[...], field, "")
        while let first = rest.first {
            let name: String
            switch first {
            case ".":
                rest.removeFirst()
                name = String(rest.prefix { $0 != "." && $0 != "[" && $0 != "]" })
                guard !rest.isEmpty else { throw .end }
                guard !name.isEmpty else { throw .noField }
                rest = rest.dropFirst(name.count)
            case "[": name = try bracket(&rest)
            default:
                let part = rest.prefix { $0 != "." && $0 != "[" && $0 != "]" }
                throw Problem(why: "expected [ or . but got: \(part.isEmpty ? rest.prefix(1) : part)")
            }
            switch field.kind {
            case .object(let type):
                guard let next = type.field(named: name) else { throw .noField }
                field = next
                text += text.isEmpty ? name : "." + name
            case .map(let value):
                field = value
                text += "[\(name)]"
            default: throw .noField
            }
        }
        return text
    }

    /// A name in brackets and single quotation marks.
    private static func bracket(_ rest: inout Substring) throws(Problem) -> String {
        rest.removeFirst()
        guard rest.first == "'" else {
            guard !rest.isEmpty else { throw .end }
            let part = rest.prefix { $0 != "." && $0 != "[" && $0 != "]" }
            throw Problem(why: "expected single quoted string but got \(part)")
        }
        rest.removeFirst()
        var name = ""
        while let next = rest.popFirst(), next != "'" {
            guard next == "\\" else {
                name.append(next)
                continue
            }
            guard let escaped = rest.popFirst() else { throw .end }
            guard let meant = escapes[escaped] else {
                throw Problem(why: "invalid string literal: invalid escape char \\\(escaped)")
            }
            name.append(meant)
        }
        guard let close = rest.popFirst() else { throw .end }
        guard close == "]" else { throw Problem(why: "expected ] but got \(close)") }
        return name
    }

    private static let escapes: [Character: Character] = [
        "a": "\u{7}", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t", "v": "\u{B}", "'": "'", "\\": "\\",
    ]
}
