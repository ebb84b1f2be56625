import Support

/// References to variables in `command`, `args`, the values of variables, and `subPathExpr`.
///
/// `$(NAME)` is the variable's value, or stays as it is when there is none; `$$` is one `$`, so that
/// `$$(NAME)` stays a reference in the result.
///
/// References multiply: thirty variables that each name the one before them twice would be a thousand million times the
/// first. What no program could be started with is refused.
enum VariableExpansion {
    /// What Linux takes as one argument or one variable, in bytes (`MAX_ARG_STRLEN`).
    static let longest = 128 << 10
    /// More than it takes of all of them together, in bytes (three quarters of the usual limit of the stack).
    static let mostTogether = 8 << 20

    static func expand(_ text: String, _ lookup: (String) -> String?) throws(Fault) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var position = 0
        // Behind the last one nothing is a reference.
        let lastEnd = bytes.lastIndex(of: UInt8(ascii: ")")) ?? -1
        while position < bytes.count {
            guard bytes[position] == UInt8(ascii: "$"), position + 1 < bytes.count else {
                result.append(bytes[position])
                position += 1
                continue
            }
            switch bytes[position + 1] {
            case UInt8(ascii: "$"):
                result.append(UInt8(ascii: "$"))
                position += 2
            case UInt8(ascii: "("):
                guard position < lastEnd, let end = bytes[position...].firstIndex(of: UInt8(ascii: ")")) else {
                    result += bytes[position..<position + 2]
                    position += 2
                    continue
                }
                let name = String(decoding: bytes[position + 2..<end], as: UTF8.self)
                if let value = lookup(name) { result += value.utf8 } else { result += bytes[position...end] }
                guard result.count <= max(longest, bytes.count) else {
                    throw Fault(.invalid, "a text is longer than \(longest) bytes with what its references stand for")
                }
                position = end + 1
            default:
                result += bytes[position..<position + 2]
                position += 2
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Each of the texts, if they have room together.
    static func expand(all texts: [String], _ lookup: (String) -> String?) throws(Fault) -> [String] {
        var (expanded, size): ([String], Int) = ([], 0)
        for text in texts {
            expanded.append(try expand(text, lookup))
            size += expanded[expanded.count - 1].utf8.count
            guard size <= mostTogether else {
                throw Fault(.invalid, "a command is longer than \(mostTogether) bytes with what its references stand for")
            }
        }
        return expanded
    }

    /// The first name that is referred to and not known; `nil` when everything can be expanded.
    static func firstUnknown(_ text: String, _ variables: [String: String]) throws(Fault) -> String? {
        var unknown: String?
        _ = try expand(text) { name in
            if variables[name] == nil, unknown == nil { unknown = name }
            return variables[name]
        }
        return unknown
    }
}
