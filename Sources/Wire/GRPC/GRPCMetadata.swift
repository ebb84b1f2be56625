import Support

/// Named values beside the messages of a call. Names are lower case; a name may occur more than once.
public struct GRPCMetadata: Hashable, Sendable {
    struct Field: Hashable, Sendable {
        var name: String
        var value: String
    }

    private(set) var fields: [Field] = []

    public init() {}

    public var isEmpty: Bool { fields.isEmpty }

    /// Adds a value of printable ASCII.
    public mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name.lowercased(), value: value))
    }

    /// Adds any bytes under a name that ends in `-bin`; they travel as Base64.
    public mutating func addBinary(_ name: String, _ value: [UInt8]) {
        precondition(name.hasSuffix("-bin"), "the name of binary metadata ends in -bin")
        // The specification asks for no padding.
        add(name, String(Base64.encode(value).prefix { $0 != "=" }))
    }

    /// The first value under this name.
    public func first(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    /// The first value under this name, which ends in `-bin`; `nil` also when it is no Base64.
    public func firstBinary(_ name: String) -> [UInt8]? {
        guard let value = first(name) else { return nil }
        // Servers send it padded or not.
        return Base64.decode(value)
    }

    /// All names and values, in the order they came in.
    public var all: [(name: String, value: String)] { fields.map { ($0.name, $0.value) } }
}

extension GRPCMetadata: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { add(name, value) }
    }
}
