/// What one overload of a function takes and gives, written as `list(T).(T) int`: receiver, arguments, result. Capital
/// letters stand for any type, the same one at each place.
struct Signature: Sendable {
    /// Whether the first parameter is the receiver.
    let isMember: Bool
    let parameters: [CELType]
    let result: CELType
    /// How many different capital letters occur.
    let unknownCount: Int

    /// Signatures are constants of this module: one that cannot be read is a mistake of it.
    init(_ text: String) {
        var reader = SignatureReader(text)
        guard let signature = reader.read() else { preconditionFailure("\(text) is no signature") }
        (isMember, parameters, result) = signature
        unknownCount = reader.unknownCount
    }
}

private struct SignatureReader {
    private var rest: Substring
    private var letters: [Substring] = []

    init(_ text: String) { rest = text[...] }

    var unknownCount: Int { letters.count }

    mutating func read() -> (isMember: Bool, parameters: [CELType], result: CELType)? {
        var parameters: [CELType] = []
        let isMember = rest.first != "("
        if isMember {
            guard let receiver = readType(), take(".") else { return nil }
            parameters.append(receiver)
        }
        guard take("(") else { return nil }
        while !take(")") {
            guard let type = readType() else { return nil }
            parameters.append(type)
            _ = take(",")
        }
        guard let result = readType(), rest.isEmpty else { return nil }
        return (isMember, parameters, result)
    }

    private mutating func take(_ character: Character) -> Bool {
        rest = rest.drop { $0 == " " }
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func readType() -> CELType? {
        rest = rest.drop { $0 == " " }
        // A dot inside of a name is followed by a letter, one behind a receiver by a parenthesis.
        var end = rest.startIndex
        while end < rest.endIndex {
            let character = rest[end]
            let following = rest.index(after: end)
            let isInside =
                character.isLetter || character == "_"
                || (character == "." && following < rest.endIndex && rest[following].isLetter)
            guard isInside else { break }
            end = following
        }
        let name = rest[..<end]
        rest = rest[end...]
        switch name {
        case "dyn": return .dyn
        case "null": return .null
        case "bool": return .bool
        case "int": return .int
        case "uint": return .uint
        case "double": return .double
        case "string": return .string
        case "bytes": return .bytes
        case "timestamp": return .timestamp
        case "duration": return .duration
        case "type": return .type
        case "list":
            guard take("("), let element = readType(), take(")") else { return nil }
            return .list(element)
        case "optional":
            guard take("("), let wrapped = readType(), take(")") else { return nil }
            return .optional(wrapped)
        case "map":
            guard take("("), let key = readType(), take(","), let value = readType(), take(")") else { return nil }
            return .map(key, value)
        default: return name.count == 1 ? unknown(name) : name.isEmpty ? nil : .opaque(String(name))
        }
    }

    private mutating func unknown(_ letter: Substring) -> CELType {
        if let index = letters.firstIndex(of: letter) { return .unknown(index) }
        letters.append(letter)
        return .unknown(letters.count - 1)
    }
}
