/// References to variables in `command`, `args`, the values of variables, and `subPathExpr`.
///
/// `$(NAME)` is the variable's value, or stays as it is when there is none; `$$` is one `$`, so that
/// `$$(NAME)` stays a reference in the result.
enum VariableExpansion {
    static func expand(_ text: String, _ lookup: (String) -> String?) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var position = 0
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
                guard let end = bytes[position...].firstIndex(of: UInt8(ascii: ")")) else {
                    result += bytes[position..<position + 2]
                    position += 2
                    continue
                }
                let name = String(decoding: bytes[position + 2..<end], as: UTF8.self)
                if let value = lookup(name) { result += value.utf8 } else { result += bytes[position...end] }
                position = end + 1
            default:
                result += bytes[position..<position + 2]
                position += 2
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The first name that is referred to and not known; `nil` when everything can be expanded.
    static func firstUnknown(_ text: String, _ variables: [String: String]) -> String? {
        var unknown: String?
        _ = expand(text) { name in
            if variables[name] == nil, unknown == nil { unknown = name }
            return variables[name]
        }
        return unknown
    }
}
