extension YAML {
    /// Block-style YAML with sorted keys, as `kubectl` prints it; reads back as the same value, whoever reads it.
    public static func emit(_ value: Value) -> String {
        var emitter = YAMLEmitter()
        emitter.emitDocument(value)
        return emitter.text
    }
}

/// Writes one document.
private struct YAMLEmitter {
    private(set) var text = ""

    /// Blanks. What begins further to the right is written in brackets, without lines: a large object that nests deeply
    /// would be blanks above all, hundreds of times its own size.
    private static let farthest = 128

    mutating func emitDocument(_ value: Value) {
        switch value {
        case .object(let fields) where !fields.isEmpty: emit(fields, indent: 0)
        case .array(let elements) where !elements.isEmpty: emit(elements, indent: 0)
        default:
            emitInline(value, indent: 0)
            text += "\n"
        }
    }

    /// Lines of a mapping. The first begins where the text ends, the others at `indent`.
    private mutating func emit(_ fields: Fields, indent: Int) {
        for (index, (key, value)) in fields.enumerated() {
            if index > 0 { pad(indent) }
            emitKey(key, indent: indent)
            switch value {
            case .object(let inner) where !inner.isEmpty && indent < Self.farthest:
                text += "\n"
                pad(indent + 2)
                emit(inner, indent: indent + 2)
            case .array(let elements) where !elements.isEmpty && indent < Self.farthest:
                text += "\n"
                pad(indent)
                emit(elements, indent: indent)
            default:
                text += " "
                emitInline(value, indent: indent)
                text += "\n"
            }
        }
    }

    /// Readers take a key for one only on a single line and up to 1024 characters; longer ones are announced.
    private mutating func emitKey(_ key: String, indent: Int) {
        let scalar = YAMLText.scalar(key)
        guard scalar.utf8.count > 1000 else {
            text += scalar + ":"
            return
        }
        text += "? " + scalar + "\n"
        pad(indent)
        text += ":"
    }

    private mutating func emit(_ elements: [Value], indent: Int) {
        for (index, value) in elements.enumerated() {
            if index > 0 { pad(indent) }
            text += "- "
            switch value {
            case .object(let inner) where !inner.isEmpty && indent < Self.farthest: emit(inner, indent: indent + 2)
            case .array(let inner) where !inner.isEmpty && indent < Self.farthest: emit(inner, indent: indent + 2)
            default:
                emitInline(value, indent: indent)
                text += "\n"
            }
        }
    }

    private mutating func emitInline(_ value: Value, indent: Int) {
        switch value {
        case .string(let string):
            if indent < Self.farthest, let header = YAMLText.blockHeader(string) {
                text += header
                for line in string.split(separator: "\n", omittingEmptySubsequences: false).dropLast(
                    string.hasSuffix("\n") ? 1 : 0)
                {
                    text += "\n"
                    if !line.isEmpty { pad(indent + 2) }
                    text += line
                }
            } else {
                text += YAMLText.scalar(string)
            }
        case .object, .array: emitInBrackets(value)
        case .null, .bool, .integer, .double: text += value.description
        }
    }

    private mutating func emitInBrackets(_ value: Value) {
        switch value {
        case .object(let fields):
            text += "{"
            for (index, (key, value)) in fields.enumerated() {
                if index > 0 { text += ", " }
                let name = YAMLText.doubleQuoted(key)
                text += name.utf8.count > 1000 ? "? \(name) : " : "\(name): "
                emitInBrackets(value)
            }
            text += "}"
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += ", " }
                emitInBrackets(element)
            }
            text += "]"
        case .string(let string): text += YAMLText.doubleQuoted(string)
        case .null, .bool, .integer, .double: text += value.description
        }
    }

    private mutating func pad(_ indent: Int) { text += String(repeating: " ", count: indent) }
}

/// How a text is written so that every reader of YAML takes it for the same text.
private enum YAMLText {
    static func scalar(_ text: String) -> String {
        // A text that has no value without quotes, as `.inf`, needs them no less than one that has another.
        if isNumberLike(text) || (try? YAMLScalar.resolve(text)) != .string(text) {
            return doubleQuoted(text)
        }
        if isPlain(text) { return text }
        return text.unicodeScalars.allSatisfy(isPrintable) ? singleQuoted(text) : doubleQuoted(text)
    }

    /// `|`, `|-` or `|+` when the text is best written as a block; `nil` when it is not.
    static func blockHeader(_ text: String) -> String? {
        guard text.contains("\n"), !text.hasPrefix(" "), !text.hasPrefix("\n"),
            text.unicodeScalars.allSatisfy({ $0 == "\n" || isPrintable($0) })
        else { return nil }
        if text.hasSuffix("\n\n") { return "|+" }
        return text.hasSuffix("\n") ? "|" : "|-"
    }

    /// Texts that some reader takes for a number, a date or a time.
    private static func isNumberLike(_ text: String) -> Bool {
        guard let first = text.utf8.first, ByteSet("0"..."9", and: "+-.=").contains(first) else {
            return text == "<<"
        }
        return text == "="
            || text.utf8.contains(where: ByteSet.digits.contains)
                && text.utf8.allSatisfy(ByteSet("0"..."9", and: "+-.:_eExXoObBtTzZ ").contains)
    }

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.unicodeScalars.allSatisfy(isPrintable) else { return false }
        if indicators.contains(first) { return false }
        if openers.contains(first) {
            guard let second = text.utf8.dropFirst().first, second != 0x20 else { return false }
            if text.hasPrefix("---") { return false }
        }
        if text.hasPrefix("...") || first == 0x20 || text.utf8.last == 0x20 { return false }
        if text.utf8.last == UInt8(ascii: ":") { return false }
        for (a, b) in zip(text.utf8, text.utf8.dropFirst()) {
            if a == UInt8(ascii: ":"), b == 0x20 { return false }
            if a == 0x20, b == UInt8(ascii: "#") { return false }
        }
        return true
    }

    private static let indicators = ByteSet(and: ",[]{}#&*!|>'\"%@`")
    /// These begin something else only before a space.
    private static let openers = ByteSet(and: "-?:")

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7E, 0xA0..<0x2028, 0x202A..<0xD800, 0xE000..<0xFEFF, 0xFF00...0xFFFD,
            0x10000...0x10FFFF:
            true
        default: false
        }
    }

    private static func singleQuoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }

    static func doubleQuoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isPrintable(scalar): result.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            }
        }
        return result + "\""
    }
}
