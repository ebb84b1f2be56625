import Support

extension CELLibrary {
    /// Texts: the standard functions and version 2 of the extension for strings. Positions count Unicode scalars.
    static let strings: [CELFunction] = [
        CELFunction("startsWith", "string.(string) bool", cost: .secondText) { arguments throws(CELError) in
            let (text, prefix) = try twoTexts(arguments)
            return .bool(text.utf8.starts(with: prefix.utf8))
        },
        CELFunction("endsWith", "string.(string) bool", cost: .secondText) { arguments throws(CELError) in
            let (text, suffix) = try twoTexts(arguments)
            return .bool(text.utf8.reversed().starts(with: suffix.utf8.reversed()))
        },
        CELFunction("contains", "string.(string) bool", cost: .contains, effort: .search) { arguments throws(CELError) in
            let (text, part) = try twoTexts(arguments)
            return .bool(Array(text.utf8).firstPosition(of: Array(part.utf8)) != nil)
        },
        CELFunction("charAt", "string.(int) string") { arguments throws(CELError) in
            guard case .string(let text) = arguments[0], case .int(let position) = arguments[1] else {
                throw .noSuchOverload
            }
            let scalars = Array(text.unicodeScalars)
            guard position >= 0, position <= scalars.count else { throw CELError("index out of range: \(position)") }
            return .string(position == scalars.count ? "" : String(scalars[Int(position)]))
        },
        CELFunction("lowerAscii", "string.() string", cost: .text) { arguments throws(CELError) in
            let text = try oneText(arguments)
            return .string(
                String(decoding: text.utf8.map { (65...90).contains($0) ? $0 + 32 : $0 }, as: UTF8.self))
        },
        CELFunction("upperAscii", "string.() string", cost: .text) { arguments throws(CELError) in
            let text = try oneText(arguments)
            return .string(
                String(decoding: text.utf8.map { (97...122).contains($0) ? $0 - 32 : $0 }, as: UTF8.self))
        },
        CELFunction("trim", "string.() string", cost: .text) { arguments throws(CELError) in
            let scalars = Array(try oneText(arguments).unicodeScalars)
            let isBlank = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace }
            let kept = scalars.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
            return .string(String(scalars: kept))
        },
        CELFunction("reverse", "string.() string", "list(T).() list(T)", cost: .elements) {
            arguments throws(CELError) in
            switch arguments[0] {
            case .string(let text): return .string(String(scalars: text.unicodeScalars.reversed()))
            case .list(let list): return .made(list.values.reversed())
            default: throw .noSuchOverload
            }
        },
        CELFunction(
            "substring", "string.(int) string", "string.(int, int) string", cost: .text
        ) { arguments throws(CELError) in
            guard case .string(let text) = arguments[0], case .int(let start) = arguments[1] else {
                throw .noSuchOverload
            }
            let scalars = Array(text.unicodeScalars)
            var end = Int64(scalars.count)
            if arguments.count > 2 {
                guard case .int(let given) = arguments[2] else { throw .noSuchOverload }
                end = given
            }
            guard start >= 0, start <= scalars.count else { throw CELError("index out of range: \(start)") }
            guard end >= 0, end <= scalars.count else { throw CELError("index out of range: \(end)") }
            guard start <= end else { throw CELError("invalid substring range. start: \(start), end: \(end)") }
            return .string(String(scalars: scalars[Int(start)..<Int(end)]))
        },
        CELFunction(
            "replace", "string.(string, string) string", "string.(string, string, int) string", cost: .twiceText,
            effort: .replace
        ) { arguments throws(CELError) in try replace(arguments) },
        CELFunction(
            "split", "string.(string) list(string)", "string.(string, int) list(string)", cost: .twiceText,
            effort: .search
        ) { arguments throws(CELError) in try split(arguments) },
        CELFunction("join", "list(string).() string", "list(string).(string) string", cost: .result, effort: .join) {
            arguments throws(CELError) in
            guard case .list(let list) = arguments[0] else { throw .noSuchOverload }
            var texts: [String] = []
            for value in list.values {
                guard case .string(let text) = value else { throw .noSuchOverload }
                texts.append(text)
            }
            guard arguments.count > 1 else { return .string(texts.joined()) }
            guard case .string(let separator) = arguments[1] else { throw .noSuchOverload }
            return .string(texts.joined(separator: separator))
        },
        CELFunction("strings.quote", "(string) string", cost: .text) { arguments throws(CELError) in
            .string(quoted(try oneText(arguments)))
        },
        CELFunction("format", "string.(list(dyn)) string", cost: .text, effort: .printing) { arguments throws(CELError) in
            guard case .string(let pattern) = arguments[0], case .list(let list) = arguments[1] else {
                throw .noSuchOverload
            }
            return .string(try FormattedText(pattern, list.values).text())
        },
        CELFunction("jsonpatch.escapeKey", "(string) string", cost: .text) { arguments throws(CELError) in
            // RFC 6901, section 3
            let text = try oneText(arguments)
            var escaped = ""
            for scalar in text.unicodeScalars {
                escaped += scalar == "~" ? "~0" : scalar == "/" ? "~1" : String(scalar)
            }
            return .string(escaped)
        },
    ]

    static func oneText(_ arguments: [CELValue]) throws(CELError) -> String {
        guard case .string(let text) = arguments[0] else { throw .noSuchOverload }
        return text
    }

    static func twoTexts(_ arguments: [CELValue]) throws(CELError) -> (String, String) {
        guard case .string(let first) = arguments[0], case .string(let second) = arguments[1] else {
            throw .noSuchOverload
        }
        return (first, second)
    }

    private static func limit(_ arguments: [CELValue], at position: Int) throws(CELError) -> Int64 {
        guard arguments.count > position else { return -1 }
        guard case .int(let limit) = arguments[position] else { throw .noSuchOverload }
        return limit
    }

    private static func replace(_ arguments: [CELValue]) throws(CELError) -> CELValue {
        let (text, old) = try twoTexts(arguments)
        guard case .string(let new) = arguments[2] else { throw .noSuchOverload }
        var left = try limit(arguments, at: 3)
        let (scalars, part) = (Array(text.unicodeScalars), Array(old.unicodeScalars))
        var result = String.UnicodeScalarView()
        var position = 0
        while position <= scalars.count {
            let isHere = left != 0 && scalars[position...].starts(with: part)
            if isHere {
                result.append(contentsOf: new.unicodeScalars)
                // Below zero means without a limit.
                if left > 0 { left -= 1 }
                if !part.isEmpty {
                    position += part.count
                    continue
                }
            }
            if position < scalars.count { result.append(scalars[position]) }
            position += 1
        }
        return .string(String(result))
    }

    private static func split(_ arguments: [CELValue]) throws(CELError) -> CELValue {
        let (text, separator) = try twoTexts(arguments)
        let limit = try limit(arguments, at: 2)
        guard limit != 0 else { return .texts([]) }
        let (scalars, part) = (Array(text.unicodeScalars), Array(separator.unicodeScalars))
        let most = limit < 0 ? Int.max : Int(limit)
        var (parts, start): ([String], Int) = ([], 0)
        if part.isEmpty {
            while start < scalars.count, parts.count < most - 1 {
                parts.append(String(scalars[start]))
                start += 1
            }
            if start < scalars.count { parts.append(String(scalars: scalars[start...])) }
            return .texts(parts)
        }
        var position = 0
        while position + part.count <= scalars.count, parts.count < most - 1 {
            if scalars[position...].starts(with: part) {
                parts.append(String(scalars: scalars[start..<position]))
                position += part.count
                start = position
            } else {
                position += 1
            }
        }
        parts.append(String(scalars: scalars[start...]))
        return .texts(parts)
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\u{07}": result += "\\a"
            case "\u{08}": result += "\\b"
            case "\u{0C}": result += "\\f"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0B}": result += "\\v"
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension String {
    init(scalars: some Sequence<Unicode.Scalar>) {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        self = String(view)
    }
}

extension Array where Element: Equatable {
    /// Where `part` begins for the first time, at or behind `start`.
    func firstPosition(of part: [Element], from start: Int = 0) -> Int? {
        guard part.count <= count - start else { return nil }
        return (start...(count - part.count)).first { self[$0...].starts(with: part) }
    }

    /// Where `part` begins for the last time, at or before `end`.
    func lastPosition(of part: [Element], to end: Int) -> Int? {
        guard part.count <= count else { return nil }
        return (0...Swift.min(end, count - part.count)).last { self[$0...].starts(with: part) }
    }
}
