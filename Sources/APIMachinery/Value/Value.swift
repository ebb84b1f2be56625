/// A JSON value as a tree: the form in which objects are changed.
///
/// Objects at rest are canonical JSON bytes (``StoredObject``); a tree exists only while something is decided or
/// changed. Trees are values: cheap to copy, safe to send, never shared mutable state.
public enum Value: Hashable, Sendable {
    case null
    case bool(Bool)
    /// A number written without fraction and exponent that fits 64 bits.
    case integer(Int64)
    /// Any other number.
    case double(Double)
    case string(String)
    case array([Value])
    case object(Fields)

    /// An empty object.
    public static let emptyObject = Value.object(Fields())
}

// MARK: - Reading

extension Value {
    public var isNull: Bool { self == .null }

    /// The text, if this is a string.
    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The number, if this is one without fraction.
    public var integer: Int64? {
        switch self {
        case .integer(let number): number
        case .double(let number): Int64(exactly: number)
        default: nil
        }
    }

    public var bool: Bool? {
        if case .bool(let flag) = self { flag } else { nil }
    }

    public var array: [Value]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    public var fields: Fields? {
        if case .object(let fields) = self { fields } else { nil }
    }

    /// How deep arrays and objects nest; 0 for a scalar.
    public var depth: Int {
        var deepest = 0
        switch self {
        case .array(let elements): for element in elements { deepest = max(deepest, element.depth) }
        case .object(let fields): for entry in fields.entries { deepest = max(deepest, entry.value.depth) }
        default: return 0
        }
        return 1 + deepest
    }

    /// How many values it is made of, itself counted.
    var valueCount: Int {
        switch self {
        case .array(let elements): elements.reduce(1) { $0 + $1.valueCount }
        case .object(let fields): fields.reduce(1) { $0 + $1.value.valueCount }
        default: 1
        }
    }

    /// What a person calls this kind of value, for messages.
    public var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .integer, .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// The field `key` of an object; `nil` when it is absent or this is no object.
    ///
    /// Setting makes an object of anything that is none; setting `nil` removes the field.
    public subscript(key: String) -> Value? {
        get {
            if case .object(let fields) = self { fields[key] } else { nil }
        }
        set {
            var fields = Fields()
            if case .object(let present) = self { fields = present }
            // Frees this value's reference, so that the fields are changed in place and not copied.
            self = .null
            fields[key] = newValue
            self = .object(fields)
        }
    }

    /// Follows field names from object to object. Setting makes the objects on the way.
    public subscript(path path: [String]) -> Value? {
        get {
            var value = self
            for key in path {
                guard let next = value[key] else { return nil }
                value = next
            }
            return value
        }
        set {
            guard let key = path.first else {
                self = newValue ?? .null
                return
            }
            guard path.count > 1 else {
                self[key] = newValue
                return
            }
            guard newValue != nil || self[key] != nil else { return }
            var child = self[key] ?? .emptyObject
            child[path: Array(path.dropFirst())] = newValue
            self[key] = child
        }
    }

    /// Follows field names from object to object: `value.at("metadata", "name")`.
    public func at(_ path: String...) -> Value? { self[path: path] }
}

// MARK: - Literals, so that tests and bootstrap objects read like JSON

extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral text: String) { self = .string(text) }
    public init(integerLiteral number: Int64) { self = .integer(number) }
    public init(booleanLiteral flag: Bool) { self = .bool(flag) }
    public init(floatLiteral number: Double) { self = .double(number) }
    public init(arrayLiteral elements: Value...) { self = .array(elements) }
    public init(dictionaryLiteral pairs: (String, Value)...) { self = .object(Fields(pairs)) }
}

extension Value {
    /// An object of strings, as labels and annotations are.
    public init(_ strings: [String: String]) {
        self = .object(Fields(strings.map { ($0.key, .string($0.value)) }))
    }

    public init(_ strings: [String]) { self = .array(strings.map(Value.string)) }

    /// The members of an object whose values are strings; others are left out.
    public var strings: [String: String] {
        guard case .object(let fields) = self else { return [:] }
        var result: [String: String] = [:]
        for (key, value) in fields {
            if case .string(let text) = value { result[key] = text }
        }
        return result
    }
}
