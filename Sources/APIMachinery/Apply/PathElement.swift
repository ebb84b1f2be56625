/// One step from a value to a part of it, as server-side apply counts parts (KEP-555).
public enum PathElement: Hashable, Sendable {
    /// A field of an object, or an entry of a map.
    case field(String)
    /// The element of a list that has these key fields.
    case key(Fields)
    /// The element of a set of scalars.
    case value(Value)
    /// The element at a position.
    case index(Int)
}

extension PathElement: Comparable {
    public static func < (a: PathElement, b: PathElement) -> Bool { compare(a, b) < 0 }

    /// Negative, zero or positive as `a` comes before, is, or comes after `b` in a field set: fields, then keys, values
    /// and positions. Numbers stand in the order of their size, so this is not the order of the texts.
    static func compare(_ a: PathElement, _ b: PathElement) -> Int {
        switch (a, b) {
        case (.field(let a), .field(let b)): Fields.compare(a, b)
        case (.key(let a), .key(let b)): Value.apply(compare: a, b)
        case (.value(let a), .value(let b)): Value.apply(compare: a, b)
        case (.index(let a), .index(let b)): a < b ? -1 : a == b ? 0 : 1
        default: a.rank - b.rank
        }
    }

    private var rank: Int {
        switch self {
        case .field: 0
        case .key: 1
        case .value: 2
        case .index: 3
        }
    }
}

extension PathElement {
    /// The element as a field name of `FieldsV1`: `f:name`, `k:{"name":"a"}`, `v:"a"`, `i:0`.
    var fieldsV1: String {
        switch self {
        case .field(let name): "f:" + name
        case .key(let fields): "k:" + Value.object(fields).description
        case .value(let value): "v:" + value.description
        case .index(let index): "i:\(index)"
        }
    }

    /// Reads what ``fieldsV1`` wrote; `nil` for anything else.
    init?(fieldsV1 text: String) {
        let rest = String(text.dropFirst(2))
        switch text.prefix(2) {
        case "f:": self = .field(rest)
        case "k:":
            guard case .object(let fields)? = try? Value(json: rest) else { return nil }
            self = .key(fields)
        case "v:":
            guard let value = try? Value(json: rest) else { return nil }
            self = .value(value)
        case "i:":
            guard let index = Int(rest) else { return nil }
            self = .index(index)
        default: return nil
        }
    }
}

/// The way from an object to a part of it. Its text is what messages name: `.spec.containers[name="a"].image`.
public struct FieldPath: Hashable, Sendable, CustomStringConvertible {
    public var elements: [PathElement]

    public init(_ elements: [PathElement]) { self.elements = elements }

    /// A path of field names.
    public init(_ names: String...) { elements = names.map(PathElement.field) }

    public var description: String { elements.map(\.messageText).joined() }
}

extension PathElement {
    fileprivate var messageText: String {
        switch self {
        case .field(let name): "." + name
        case .key(let fields):
            "[" + fields.map { "\($0.key)=\($0.value)" }.joined(separator: ",") + "]"
        case .value(let value): "[=\(value)]"
        case .index(let index): "[\(index)]"
        }
    }
}

// MARK: - The order of values

extension Value {
    /// Numbers by size, then texts, flags, lists, objects, null.
    static func apply(compare a: Value, _ b: Value) -> Int {
        switch (a, b) {
        case (.integer(let a), .integer(let b)): a < b ? -1 : a == b ? 0 : 1
        case (.integer, .double), (.double, .integer), (.double, .double):
            a.number < b.number ? -1 : a.number == b.number ? 0 : 1
        case (.string(let a), .string(let b)): Fields.compare(a, b)
        case (.bool(let a), .bool(let b)): (a ? 1 : 0) - (b ? 1 : 0)
        case (.array(let a), .array(let b)):
            zip(a, b).lazy.map { apply(compare: $0, $1) }.first { $0 != 0 } ?? a.count - b.count
        case (.object(let a), .object(let b)): apply(compare: a, b)
        default: a.rank - b.rank
        }
    }

    /// Name by name, each with its value; the shorter of two with the same beginning comes first.
    static func apply(compare a: Fields, _ b: Fields) -> Int {
        for (left, right) in zip(a.entries, b.entries) {
            let order = Fields.compare(left.key, right.key)
            if order != 0 { return order }
            let inner = apply(compare: left.value, right.value)
            if inner != 0 { return inner }
        }
        return a.count - b.count
    }

    private var number: Double {
        switch self {
        case .integer(let number): Double(number)
        case .double(let number): number
        default: 0
        }
    }

    private var rank: Int {
        switch self {
        case .integer, .double: 0
        case .string: 1
        case .bool: 2
        case .array: 3
        case .object: 4
        case .null: 5
        }
    }
}
