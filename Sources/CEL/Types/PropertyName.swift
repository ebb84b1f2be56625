/// How field names that are no identifiers are written in expressions: `x.y` as `x__dot__y`, `for` as `__for__`.
public enum PropertyName {
    private static let reserved: Set<String> = [
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
        "let", "loop", "package", "namespace", "return", "var", "void", "while",
    ]

    /// The name in an expression; `nil` for a field that no expression can name.
    public static func escaped(_ name: String) -> String? {
        if reserved.contains(name) { return "__\(name)__" }
        var result = ""
        let scalars = Array(name.unicodeScalars)
        var position = 0
        while position < scalars.count {
            let scalar = scalars[position]
            position += 1
            switch scalar {
            case "a"..."z", "A"..."Z": result.unicodeScalars.append(scalar)
            case "0"..."9":
                guard position > 1 else { return nil }
                result.unicodeScalars.append(scalar)
            case "_" where position < scalars.count && scalars[position] == "_":
                position += 1
                result += "__underscores__"
            case "_": result += "_"
            case ".": result += "__dot__"
            case "-": result += "__dash__"
            case "/": result += "__slash__"
            default: return nil
            }
        }
        return result.isEmpty ? nil : result
    }

    /// Whether a name has two underscores in a row.
    static func hasEscapes(_ name: String) -> Bool {
        var previous: UInt8 = 0
        for byte in name.utf8 {
            if byte == UInt8(ascii: "_"), previous == byte { return true }
            previous = byte
        }
        return false
    }

    /// The field that an expression names; `nil` when no field is written so.
    public static func unescaped(_ name: String) -> String? {
        guard hasEscapes(name) else { return reserved.contains(name) ? nil : name }
        if name.hasPrefix("__"), name.hasSuffix("__"), reserved.contains(String(name.dropFirst(2).dropLast(2))) {
            return String(name.dropFirst(2).dropLast(2))
        }
        var (result, rest) = ([UInt8](), Array(name.utf8)[...])
        while let byte = rest.first {
            guard rest.starts(with: "__".utf8) else {
                result.append(byte)
                rest = rest.dropFirst()
                continue
            }
            guard let escape = escapes.first(where: { rest.starts(with: $0.written.utf8) }) else { return nil }
            result += Array(escape.meant.utf8)
            rest = rest.dropFirst(escape.written.utf8.count)
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static let escapes = [
        (written: "__underscores__", meant: "__"), (written: "__dot__", meant: "."), (written: "__dash__", meant: "-"),
        (written: "__slash__", meant: "/"),
    ]
}
