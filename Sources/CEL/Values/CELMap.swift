public import APIMachinery

/// A map: entries that an expression made, or the fields of a tree.
public struct CELMap: Sendable {
    enum Storage: Sendable {
        case entries([CELMapKey: CELValue], order: [CELMapKey])
        case tree(Fields)
    }

    private(set) var storage: Storage
    /// The schema of the values.
    let valueSchema: FieldSchema?

    /// An empty map.
    public init() {
        storage = .entries([:], order: [])
        valueSchema = nil
    }

    /// The fields of an object without a schema, or of a map whose values have one.
    public init(_ fields: Fields, values: FieldSchema? = nil) {
        storage = .tree(fields)
        valueSchema = values
    }

    /// With texts as keys.
    public init(_ entries: [String: CELValue]) {
        self.init()
        for (key, value) in entries.sorted(by: { $0.key < $1.key }) { _ = insert(value, for: .string(Text(key))) }
    }

    public var count: Int {
        switch storage {
        case .entries(_, let order): order.count
        case .tree(let fields): fields.count
        }
    }

    /// The keys, in the order of a tree, or as they were added.
    var keys: [CELMapKey] {
        switch storage {
        case .entries(_, let order): order
        case .tree(let fields): fields.map { .string(Text($0.key)) }
        }
    }

    /// The value of a text key.
    public subscript(name: String) -> CELValue? {
        switch storage {
        case .entries(let entries, _): entries[.string(Text(name))]
        case .tree(let fields): fields[name].map { CELValue($0, valueOf: valueSchema) }
        }
    }

    subscript(key: CELMapKey) -> CELValue? {
        switch (storage, key) {
        case (.entries(let entries, _), _): entries[key]
        case (.tree, .string(let text)): self[text.text]
        case (.tree, _): nil
        }
    }

    /// Adds an entry to a map that an expression makes; `false`, and no change, when the key is there.
    mutating func insert(_ value: CELValue, for key: CELMapKey) -> Bool {
        guard case .entries(var entries, var order) = storage else {
            var copy = CELMap()
            for key in keys { _ = copy.insert(self[key] ?? .null, for: key) }
            self = copy
            return insert(value, for: key)
        }
        guard entries[key] == nil else { return false }
        storage = .entries([:], order: [])
        entries[key] = value
        order.append(key)
        storage = .entries(entries, order: order)
        return true
    }

    func isEqual(to other: CELMap) -> Bool {
        count == other.count
            && keys.allSatisfy { key in
                guard let own = self[key], let theirs = other[key] else { return false }
                return own.isEqual(to: theirs)
            }
    }
}

/// What can be the key of a map. Numbers of all types that are equal are the same key.
enum CELMapKey: Hashable, Sendable {
    case bool(Bool)
    case int(Int64)
    /// Beyond the range of `int`.
    case uint(UInt64)
    case string(Text)

    init?(_ value: CELValue) {
        switch value {
        case .bool(let flag): self = .bool(flag)
        case .int(let number): self = .int(number)
        case .uint(let number): self = Int64(exactly: number).map(CELMapKey.int) ?? .uint(number)
        case .double(let number):
            if let whole = Int64(exactly: number) {
                self = .int(whole)
            } else if let whole = UInt64(exactly: number) {
                self = .uint(whole)
            } else {
                return nil
            }
        case .string(let text): self = .string(Text(text))
        default: return nil
        }
    }

    var value: CELValue {
        switch self {
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .uint(let number): .uint(number)
        case .string(let text): .string(text.text)
        }
    }
}

/// A string that is equal to another one when its bytes are. Swift's own equality is that of Unicode's canonical
/// equivalence, which the language does not have.
struct Text: Hashable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (a: Text, b: Text) -> Bool { a.text.hasSameBytes(as: b.text) }

    func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
}

extension String {
    func hasSameBytes(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }

    /// Order by code points, which is that of the bytes.
    func isBefore(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}
