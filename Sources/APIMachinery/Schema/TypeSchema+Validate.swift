extension TypeSchema {
    /// What the table itself says is wrong with a decoded object: values outside of closed enums, numbers and
    /// lengths out of bounds, and, with `checksRequired`, required fields that are absent.
    ///
    /// `skipping` names fields of the object that are not looked at. Built-in kinds check what is required by
    /// hand, because Go takes an absent field for a zero value; custom resources have no such code.
    public func validate(
        _ object: Value, skipping: Set<String> = [], checksRequired: Bool = false
    ) -> [FieldError] {
        var validator = SchemaValidator(checksRequired: checksRequired)
        validator.check(object, as: self, skipping: skipping)
        return validator.errors
    }
}

/// One walk down a tree.
private struct SchemaValidator {
    let checksRequired: Bool
    private(set) var errors: [FieldError] = []

    init(checksRequired: Bool) { self.checksRequired = checksRequired }

    mutating func check(_ object: Value, as type: TypeSchema, skipping: Set<String> = []) {
        guard case .object(let fields) = object else { return }
        var position = 0
        for field in type.fields {
            while position < fields.count, field.compareName(with: fields.entries[position].key) > 0 {
                position += 1
            }
            guard position < fields.count, field.compareName(with: fields.entries[position].key) == 0 else {
                if checksRequired, field.flags.contains(.required) { errors.append(.required(field.name)) }
                continue
            }
            let entry = fields.entries[position]
            guard skipping.isEmpty || !skipping.contains(entry.key) else { continue }
            let start = errors.count
            check(entry.value, as: field)
            prefix(from: start, with: entry.key)
        }
    }

    /// Errors get their paths on the way back, so that what is right costs no text.
    private mutating func check(_ value: Value, as field: FieldSchema) {
        switch (field.kind, value) {
        case (.object(let type), .object): check(value, as: type)
        case (.list(let element), .array(let items)):
            checkCount(items.count, of: value, field)
            guard element.isWorthChecking else { return }
            for (index, item) in items.enumerated() {
                let start = errors.count
                check(item, as: element)
                prefix(from: start, with: "[\(index)]")
            }
        case (.map(let element), .object(let entries)):
            guard element.isWorthChecking else { return }
            for entry in entries.entries {
                let start = errors.count
                check(entry.value, as: element)
                prefix(from: start, with: "[\(entry.key)]")
            }
        case (.string, .string(let text)): checkText(text, field)
        case (_, .integer(let number)): checkBounds(Double(number), value, field)
        case (_, .double(let number)): checkBounds(number, value, field)
        default: break
        }
    }

    private mutating func prefix(from start: Int, with step: @autoclosure () -> String) {
        guard start < errors.count else { return }
        let step = step()
        for index in start..<errors.count {
            let path = errors[index].field
            let isJoined = path.isEmpty || path.utf8.first == UInt8(ascii: "[")
            errors[index].field = isJoined ? step + path : step + "." + path
        }
    }

    private mutating func checkText(_ text: String, _ field: FieldSchema) {
        guard field.hasExtras else { return }
        if !text.isEmpty || field.flags.contains(.pointer), !field.allows(text) {
            errors.append(.notSupported("", value: .string(text), supported: field.enumValues.sorted()))
        }
        guard let constraints = field.constraints else { return }
        if let limit = constraints["maxLength"]?.integer, text.unicodeScalars.count > limit {
            errors.append(.tooLong("", limit: Int(limit)))
        }
        if let limit = constraints["minLength"]?.integer, text.unicodeScalars.count < limit {
            errors.append(.invalid("", value: .string(text), "should be at least \(limit) chars long"))
        }
    }

    private mutating func checkBounds(_ number: Double, _ value: Value, _ field: FieldSchema) {
        guard field.hasExtras, let constraints = field.constraints else { return }
        if let bound = constraints["minimum"], let least = bound.number, number < least {
            errors.append(.invalid("", value: value, "should be greater than or equal to \(bound)"))
        }
        if let bound = constraints["maximum"], let most = bound.number, number > most {
            errors.append(.invalid("", value: value, "should be less than or equal to \(bound)"))
        }
    }

    private mutating func checkCount(_ count: Int, of value: Value, _ field: FieldSchema) {
        guard field.hasExtras, let constraints = field.constraints else { return }
        if let limit = constraints["maxItems"]?.integer, count > limit {
            errors.append(
                FieldError(.tooMany, "", value: .integer(Int64(count)), "must have at most \(limit) items"))
        }
        if let limit = constraints["minItems"]?.integer, count < limit {
            errors.append(.invalid("", value: value, "should have at least \(limit) items"))
        }
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
