/// The headers of a stream: names in lower case, each with one or more values.
public struct SPDYHeaders: Hashable, Sendable {
    struct Field: Hashable, Sendable {
        var name: String
        var values: [String]
    }

    private(set) var fields: [Field] = []

    public init() {}

    /// The first value under this name, whatever its case.
    public subscript(name: String) -> String? { values(name).first }

    /// All values under this name, whatever its case.
    public func values(_ name: String) -> [String] {
        let name = name.lowercased()
        return fields.first { $0.name == name }?.values ?? []
    }

    /// Adds a value; a name that is there gets one more.
    public mutating func add(_ name: String, _ value: String) {
        let name = name.lowercased()
        if let index = fields.firstIndex(where: { $0.name == name }) {
            fields[index].values.append(value)
        } else {
            fields.append(Field(name: name, values: [value]))
        }
    }

    /// The block before compression: a count, then names and values behind their lengths; a zero byte parts
    /// the values of one name.
    func encode() -> [UInt8] {
        var block = bytes(UInt32(fields.count))
        for field in fields {
            for text in [field.name, field.values.joined(separator: "\0")] {
                block += bytes(UInt32(text.utf8.count)) + text.utf8
            }
        }
        return block
    }

    /// Reads a block; `nil` when it is no such thing, or a name is empty or comes twice.
    init?(decoding block: [UInt8]) {
        var rest = block[...]
        func number() -> Int? {
            guard rest.count >= 4 else { return nil }
            defer { rest = rest.dropFirst(4) }
            return rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        }
        func text() -> ArraySlice<UInt8>? {
            guard let count = number(), count <= rest.count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        guard let count = number() else { return nil }
        var names: Set<String> = []
        for _ in 0..<count {
            guard let name = text(), let value = text(), !name.isEmpty else { return nil }
            let field = Field(
                name: String(decoding: name, as: UTF8.self).lowercased(),
                values: value.split(separator: 0, omittingEmptySubsequences: false).map {
                    String(decoding: $0, as: UTF8.self)
                })
            guard names.insert(field.name).inserted else { return nil }
            fields.append(field)
        }
        guard rest.isEmpty else { return nil }
    }
}

extension SPDYHeaders: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { add(name, value) }
    }
}

/// A number as its bytes, the most significant first.
func bytes(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }
