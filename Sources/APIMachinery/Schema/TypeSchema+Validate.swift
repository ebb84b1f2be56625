extension TypeSchema {
    /// What the table itself says is wrong with a decoded object: values outside of closed enums, numbers and lengths
    /// out of bounds, and, with `checksRequired`, required fields that are absent.
    ///
    /// `path` is the object's own; `skipping` names fields of the object that are not looked at. Built-in kinds check
    /// what is required by hand, because Go takes an absent field for a zero value; custom resources have no such code.
    public func validate(
        _ object: Value, at path: String = "", skipping: Set<String> = [], checksRequired: Bool = false
    ) -> [FieldError] {
        var validator = SchemaValidator(checksRequired: checksRequired)
        validator.check(object, as: self, at: path, skipping: skipping)
        return validator.errors
    }
}

/// One walk down a tree.
private struct SchemaValidator {
    let checksRequired: Bool
    private(set) var errors: [FieldError] = []

    init(checksRequired: Bool) { self.checksRequired = checksRequired }

    mutating func check(_ object: Value, as type: TypeSchema, at path: String, skipping: Set<String> = []) {
        guard case .object(let fields) = object else { return }
        var position = 0
        for field in type.fields {
            while position < fields.count, field.compareName(with: fields.entries[position].key) > 0 { position += 1 }
            guard position < fields.count, field.compareName(with: fields.entries[position].key) == 0 else {
                if checksRequired, field.flags.contains(.required) { errors.append(.required(join(path, field.name))) }
                continue
            }
            let entry = fields.entries[position]
            guard !skipping.contains(entry.key) else { continue }
            check(entry.value, as: field, at: path, entry.key)
        }
    }

    /// `name` is joined to `path` only where something is wrong, or further down.
    private mutating func check(_ value: Value, as field: FieldSchema, at path: String, _ name: String) {
        switch (field.kind, value) {
        case (.object(let type), .object): check(value, as: type, at: join(path, name))
        case (.list(let element), .array(let items)):
            checkCount(items.count, of: value, field, at: path, name, least: "minItems", most: "maxItems")
            guard element.isWorthChecking else { return }
            let path = join(path, name)
            for (index, item) in items.enumerated() { check(item, as: element, at: path + "[\(index)]", "") }
        case (.map(let element), .object(let entries)):
            guard element.isWorthChecking else { return }
            let path = join(path, name)
            for entry in entries.entries { check(entry.value, as: element, at: path + "[\(entry.key)]", "") }
        case (.string, .string(let text)): checkText(text, field, at: path, name)
        case (_, .integer(let number)): checkBounds(Double(number), value, field, at: path, name)
        case (_, .double(let number)): checkBounds(number, value, field, at: path, name)
        default: break
        }
    }

    private mutating func checkText(_ text: String, _ field: FieldSchema, at path: String, _ name: String) {
        if !text.isEmpty || field.flags.contains(.pointer), field.hasExtras {
            let allowed = field.enumValues
            if !allowed.isEmpty, !allowed.contains(text) {
                errors.append(.notSupported(join(path, name), value: .string(text), supported: allowed.sorted()))
            }
        }
        guard let constraints = field.constraints else { return }
        if let limit = constraints["maxLength"]?.integer, text.unicodeScalars.count > limit {
            errors.append(.tooLong(join(path, name), limit: Int(limit)))
        }
        if let limit = constraints["minLength"]?.integer, text.unicodeScalars.count < limit {
            errors.append(.invalid(join(path, name), value: .string(text), "should be at least \(limit) chars long"))
        }
    }

    private mutating func checkBounds(
        _ number: Double, _ value: Value, _ field: FieldSchema, at path: String, _ name: String
    ) {
        guard let constraints = field.constraints else { return }
        if let bound = constraints["minimum"], let least = bound.number, number < least {
            errors.append(
                .invalid(join(path, name), value: value, "should be greater than or equal to \(bound)"))
        }
        if let bound = constraints["maximum"], let most = bound.number, number > most {
            errors.append(.invalid(join(path, name), value: value, "should be less than or equal to \(bound)"))
        }
    }

    private mutating func checkCount(
        _ count: Int, of value: Value, _ field: FieldSchema, at path: String, _ name: String, least: String, most: String
    ) {
        guard let constraints = field.constraints else { return }
        if let limit = constraints[most]?.integer, count > limit {
            errors.append(FieldError(.tooMany, join(path, name), value: .integer(Int64(count)), "must have at most \(limit) items"))
        }
        if let limit = constraints[least]?.integer, count < limit {
            errors.append(.invalid(join(path, name), value: value, "should have at least \(limit) items"))
        }
    }

    private func join(_ path: String, _ name: String) -> String {
        path.isEmpty ? name : name.isEmpty ? path : path + "." + name
    }
}

extension FieldSchema {
    /// Whether anything can be wrong with a value of this kind, or inside it.
    fileprivate var isWorthChecking: Bool {
        switch kind {
        case .object, .list, .map: true
        default: hasExtras
        }
    }
}

extension Value {
    fileprivate var number: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }
}
