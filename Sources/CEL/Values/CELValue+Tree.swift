public import APIMachinery
import Support

extension CELValue {
    /// A tree without a schema: what JSON says it is.
    public init(_ value: Value) {
        switch value {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .integer(let number): self = .int(number)
        case .double(let number): self = .double(number)
        case .string(let text): self = .string(text)
        case .array(let elements): self = .list(CELList(elements))
        case .object(let fields): self = .map(CELMap(fields))
        }
    }

    /// An object of a type.
    public init(_ value: Value, type: TypeSchema) {
        if case .object(let fields) = value {
            self = .object(CELObject(fields, type: type))
        } else {
            self = CELValue(value)
        }
    }

    /// What a field holds, as its schema says. What does not fit the schema is taken as JSON says.
    public init(_ value: Value, field: FieldSchema) {
        switch (field.kind, value) {
        case (.object(let type), .object(let fields)): self = .object(CELObject(fields, type: type))
        case (.list, .array(let elements)): self = .list(CELList(elements, schema: field))
        case (.map(let schema), .object(let fields)): self = .map(CELMap(fields, values: schema))
        case (.float64, .integer(let number)): self = .double(Double(number))
        case (.int32, .double(let number)), (.int64, .double(let number)):
            self = Int64(exactly: number).map(CELValue.int) ?? .double(number)
        case (.time, .string(let text)), (.microTime, .string(let text)):
            self = Timestamp(text).map(CELValue.timestamp) ?? .string(text)
        case (.bytes, .string(let text)): self = Base64.decode(text).map(CELValue.bytes) ?? .string(text)
        case (.string, .string(let text)):
            self = TextFormat(field).flatMap { CELValue(text, format: $0) } ?? .string(text)
        default: self = CELValue(value)
        }
    }

    init(_ value: Value, elementOf list: FieldSchema?) {
        if let list, case .list(let element) = list.kind {
            self.init(value, field: element)
        } else {
            self.init(value)
        }
    }

    init(_ value: Value, valueOf schema: FieldSchema?) {
        if let schema { self.init(value, field: schema) } else { self.init(value) }
    }

    private init?(_ text: String, format: TextFormat) {
        switch format {
        case .dateTime:
            guard let time = Timestamp(text) else { return nil }
            self = .timestamp(time)
        case .date:
            guard let time = Timestamp(text + "T00:00:00Z") else { return nil }
            self = .timestamp(time)
        case .duration:
            guard let nanoseconds = try? GoDuration.nanoseconds(text) else { return nil }
            self = .duration(nanoseconds)
        case .byte:
            guard let bytes = Base64.decode(text) else { return nil }
            self = .bytes(bytes)
        }
    }

    /// The tree of this value; fails for what JSON has no form for.
    public func tree() throws(CELError) -> Value {
        switch self {
        case .null: return .null
        case .bool(let flag): return .bool(flag)
        case .int(let number): return .integer(number)
        case .uint(let number):
            guard let signed = Int64(exactly: number) else { return .double(Double(number)) }
            return .integer(signed)
        case .double(let number):
            guard number.isFinite else { throw CELError("no JSON number is \(number)") }
            return .double(number)
        case .string(let text): return .string(text)
        case .bytes(let bytes): return .string(Base64.encode(bytes))
        case .timestamp(let time): return .string(time.text)
        case .duration(let nanoseconds): return .string(GoDuration.format(nanoseconds: nanoseconds))
        case .list(let list):
            if case .tree(let elements) = list.storage { return .array(elements) }
            var elements: [Value] = []
            for value in list.values { elements.append(try value.tree()) }
            return .array(elements)
        case .map(let map):
            if case .tree(let fields) = map.storage { return .object(fields) }
            var entries: [(String, Value)] = []
            for key in map.keys {
                guard let value = map[key] else { continue }
                entries.append((try key.value.text(), try value.tree()))
            }
            return .object(Fields(entries))
        case .object(let object):
            switch object.storage {
            case .tree(let fields, _): return .object(fields)
            case .made(_, let fields):
                var entries: [(String, Value)] = []
                for field in fields {
                    entries.append((PropertyName.unescaped(field.name) ?? field.name, try field.value.tree()))
                }
                return .object(Fields(entries))
            }
        case .optional(let optional): return try optional.value?.tree() ?? .null
        case .type, .opaque: throw CELError("unsupported conversion from '\(typeName)' to JSON")
        }
    }

    /// The value of a field or of a text key, whatever kind of object this is.
    func field(named name: String) -> CELValue? {
        switch self {
        case .object(let object): object.value(ofField: name)
        case .map(let map): map[name]
        default: nil
        }
    }
}
