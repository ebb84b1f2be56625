/// Checks a tree against the table of a structural schema, in one walk.
///
/// Messages are those that Kubernetes has from the OpenAPI validator it uses: people and tools search for them.
struct StructuralValidator {
    let patterns: PatternCache
    private(set) var errors: [FieldError] = []
    private var path = ValuePath()

    /// Nobody reads more; a large object can have as many as it has parts.
    private static let mostErrors = 1000

    init(patterns: PatternCache) { self.patterns = patterns }

    /// `current` is the value that is replaced, if it is known which: one that stays is not looked at. `skipping` names a
    /// field of the object itself that is not looked at either.
    mutating func check(
        _ value: Value, as field: FieldSchema, replacing current: Value? = nil, skipping: String? = nil
    ) {
        guard errors.count < Self.mostErrors else { return }
        if let current, current == value { return }
        if value.isNull {
            if !field.flags.contains(.nullable), let type = field.jsonTypes {
                errors.append(.wrongType(path, type, value))
            }
            return
        }
        guard field.takes(value) else {
            errors.append(.wrongType(path, field.jsonTypes ?? "", value))
            return
        }
        if field.hasExtras, let constraints = field.constraints?.fields {
            errors += ValueRules(patterns: patterns).errors(value, constraints, path)
        }
        switch (field.kind, value) {
        case (.object(let type), .object(let fields)):
            checkFields(fields, as: type, replacing: current?.fields, skipping: skipping)
        case (.list(let element), .array(let items)):
            let before = currentItems(current, field)
            for (index, item) in items.enumerated() {
                check(item, as: element, replacing: before[identity(of: item, field)], at: .index(index))
            }
            checkUniqueness(items, field)
        case (.map(let element), .object(let entries)):
            let before = current?.fields
            for entry in entries.entries {
                check(entry.value, as: element, replacing: before?[entry.key], at: .field(entry.key))
            }
        default: break
        }
    }

    private mutating func check(
        _ value: Value, as field: FieldSchema, replacing current: Value?, at step: ValuePath.Step
    ) {
        path.steps.append(step)
        check(value, as: field, replacing: current)
        path.steps.removeLast()
    }

    /// The elements that are replaced, by what they are known by: of a list that is a map alone.
    private func currentItems(_ current: Value?, _ field: FieldSchema) -> [Value: Value] {
        guard field.listType == .map, let items = current?.array else { return [:] }
        return Dictionary(items.map { (identity(of: $0, field), $0) }) { $1 }
    }

    /// What an element of a list that is a set or a map is known by.
    private func identity(of item: Value, _ field: FieldSchema) -> Value {
        guard field.listType == .map, item.fields != nil else { return item }
        var identity = Value.emptyObject
        for key in field.listMapKeys { identity[key] = item[key] }
        return identity
    }

    private mutating func checkFields(
        _ fields: Fields, as type: TypeSchema, replacing current: Fields?, skipping: String?
    ) {
        var position = 0
        for field in type.fields {
            while position < fields.count, field.compareName(with: fields.entries[position].key) > 0 {
                position += 1
            }
            guard position < fields.count, field.compareName(with: fields.entries[position].key) == 0 else {
                if field.flags.contains(.required), field.name != skipping {
                    errors.append(.required(path.text(field.name)))
                }
                continue
            }
            let entry = fields.entries[position]
            guard entry.key != skipping else { continue }
            check(entry.value, as: field, replacing: current?[entry.key], at: .field(entry.key))
        }
    }

    /// Lists that are sets or maps hold each element, or each key, once.
    private mutating func checkUniqueness(_ items: [Value], _ field: FieldSchema) {
        guard items.count > 1, field.listType != .atomic else { return }
        var seen: Set<Value> = []
        for (index, item) in items.enumerated() {
            let identity = identity(of: item, field)
            if !seen.insert(identity).inserted, errors.count < Self.mostErrors {
                errors.append(.duplicate(path.text(index), value: identity))
            }
        }
    }
}

/// Where in an object a value stands, written out only when something is wrong there.
struct ValuePath {
    enum Step {
        case field(String)
        case index(Int)
    }

    var steps: [Step] = []

    /// Such as `spec.containers[0].name`; empty for the object itself.
    var text: String {
        var text = ""
        for step in steps {
            switch step {
            case .field(let name): text += text.isEmpty ? name : "." + name
            case .index(let index): text += "[\(index)]"
            }
        }
        return text
    }

    func text(_ field: String) -> String { steps.isEmpty ? field : text + "." + field }
    func text(_ index: Int) -> String { text + "[\(index)]" }
}

extension FieldSchema {
    /// The types that the schema names, as messages list them; `nil` when it names none.
    var jsonTypes: String? {
        if flags.contains(.untyped), !isIntOrString { return nil }
        return switch kind {
        case .string, .bytes, .time, .microTime, .duration, .quantity: "string"
        case .bool: "boolean"
        case .int32, .int64, .uint32, .uint64: "integer"
        case .float64: "number"
        case .intOrString: "integer,string"
        case .list: "array"
        case .map, .object, .rawExtension, .fieldsV1: "object"
        case .any, .json, .union: nil
        }
    }

    private var isIntOrString: Bool { if case .intOrString = kind { true } else { false } }

    /// Whether the value is of the field's type.
    func takes(_ value: Value) -> Bool {
        guard let types = jsonTypes else { return true }
        let type = value.jsonType
        if types == type { return true }
        switch types {
        case "number": return type == "integer"
        case "integer": return value.integer != nil
        case "integer,string": return type == "string" || value.integer != nil
        default: return false
        }
    }
}

extension Value {
    /// What JSON Schema calls the type of this value.
    var jsonType: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

extension FieldError {
    static func wrongType(_ path: ValuePath, _ type: String, _ value: Value) -> FieldError {
        let path = path.text
        return FieldError(
            .typeInvalid, path, value: .string(value.jsonType),
            "\(path) in body must be of type \(type): \"\(value.jsonType)\"")
    }
}
