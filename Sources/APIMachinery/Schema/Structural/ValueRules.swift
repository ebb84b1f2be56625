/// What JSON Schema says about one value besides its structure: bounds, patterns, enumerations, and combinations of
/// schemas (`allOf`, `anyOf`, `oneOf`, `not`).
struct ValueRules {
    let patterns: PatternCache

    /// What is wrong with a value by the constraints of its field.
    func errors(_ value: Value, _ rules: Fields, _ path: ValuePath) -> [FieldError] {
        var errors: [FieldError] = []
        for (key, rule) in rules {
            if let message = problem(value, key, rule, rules) {
                errors.append(.invalid(path.text, value: shown(value, key), "\(path.text) in body \(message)"))
            } else {
                errors += structured(value, key, rule, rules, path)
            }
        }
        return errors
    }

    /// What a message quotes: of what holds too little, how much it holds.
    private func shown(_ value: Value, _ key: String) -> Value {
        switch key {
        case "minItems", "minProperties": .integer(Int64(value.array?.count ?? value.fields?.count ?? 0))
        default: value
        }
    }

    /// The rest of the sentence for a rule that the value breaks; `nil` for one that it keeps.
    private func problem(_ value: Value, _ key: String, _ rule: Value, _ rules: Fields) -> String? {
        switch key {
        case "pattern":
            guard let text = value.string, let pattern = rule.string, !patterns.matches(pattern, text) else {
                return nil
            }
            return "should match '\(pattern)'"
        case "minLength":
            guard let text = value.string, let limit = rule.integer, text.unicodeScalars.count < limit else {
                return nil
            }
            return "should be at least \(limit) chars long"
        case "minItems":
            guard let count = value.array?.count, let limit = rule.integer, count < limit else { return nil }
            return "should have at least \(limit) items"
        case "minProperties":
            guard let count = value.fields?.count, let limit = rule.integer, count < limit else { return nil }
            return "should have at least \(limit) properties"
        case "minimum", "maximum", "multipleOf": return boundProblem(value, key, rule, rules)
        case "uniqueItems":
            guard rule == true, let items = value.array, Set(items).count < items.count else { return nil }
            return "shouldn't contain duplicates"
        default: return nil
        }
    }

    private func boundProblem(_ value: Value, _ key: String, _ rule: Value, _ rules: Fields) -> String? {
        guard let number = value.double, let bound = rule.double else { return nil }
        let text = GoNumber.text(bound)
        switch key {
        case "minimum":
            let isExclusive = rules["exclusiveMinimum"] == true
            guard isExclusive ? number <= bound : number < bound else { return nil }
            return isExclusive ? "should be greater than \(text)" : "should be greater than or equal to \(text)"
        case "maximum":
            let isExclusive = rules["exclusiveMaximum"] == true
            guard isExclusive ? number >= bound : number > bound else { return nil }
            return isExclusive ? "should be less than \(text)" : "should be less than or equal to \(text)"
        default:
            let quotient = number / bound
            return quotient == quotient.rounded() ? nil : "should be a multiple of \(text)"
        }
    }

    /// Rules whose errors are of another kind than "invalid", or that hold more schemas.
    private func structured(
        _ value: Value, _ key: String, _ rule: Value, _ rules: Fields, _ path: ValuePath
    ) -> [FieldError] {
        switch key {
        case "format":
            guard let text = value.string, let format = rule.string, !TextFormat.holds(format, text) else { return [] }
            let path = path.text
            return [
                FieldError(.typeInvalid, path, value: value, "\(path) in body must be of type \(format): \"\(text)\"")
            ]
        case "enum":
            guard let allowed = rule.array, !allowed.contains(where: { $0.isSame(as: value) }) else { return [] }
            let texts = allowed.map { $0.string ?? $0.description }
            return [.notSupported(path.text, value: value, supported: texts)]
        case "maxLength":
            guard let text = value.string, let limit = rule.integer, text.unicodeScalars.count > limit else {
                return []
            }
            return [.tooLong(path.text, limit: Int(limit))]
        case "maxItems": return tooMany(value.array?.count, rule, path)
        case "maxProperties": return tooMany(value.fields?.count, rule, path)
        case "required":
            guard let fields = value.fields else { return [] }
            return (rule.array ?? []).compactMap(\.string).filter { fields[$0] == nil }.map { .required(path.text($0)) }
        case "additionalProperties" where rule == false:
            return (value.fields ?? Fields()).map { name, _ in
                .invalid(path.text, value: .string(name), "\(path.text).\(name) in body is a forbidden property")
            }
        case "allOf", "anyOf", "oneOf", "not": return combination(value, key, rule, path)
        default: return []
        }
    }

    private func tooMany(_ count: Int?, _ rule: Value, _ path: ValuePath) -> [FieldError] {
        guard let count, let limit = rule.integer, count > limit else { return [] }
        return [FieldError(.tooMany, path.text, value: .integer(Int64(count)), "must have at most \(limit) items")]
    }

    // MARK: Combinations

    private func combination(_ value: Value, _ key: String, _ rule: Value, _ path: ValuePath) -> [FieldError] {
        func composite(_ words: String) -> FieldError {
            // Kubernetes loses the field here, and says so.
            .invalid("<nil>", value: "", "\"\(path.text)\" must \(words)")
        }
        if key == "not" {
            return check(value, rule, path).isEmpty ? [composite("not validate the schema (not)")] : []
        }
        let results = (rule.array ?? []).map { check(value, $0, path) }
        let best = results.min { $0.count < $1.count } ?? []
        let valid = results.count { $0.isEmpty }
        switch key {
        case "allOf":
            guard valid < results.count else { return [] }
            let ending = valid == 0 ? ". None validated" : ""
            return results.flatMap(\.self) + [composite("validate all the schemas (allOf)" + ending)]
        case "anyOf":
            return valid > 0 ? [] : [composite("validate at least one schema (anyOf)")] + best
        default:
            guard valid != 1 else { return [] }
            let found = valid == 0 ? "none valid" : "\(valid) valid alternatives"
            return [composite("validate one and only one schema (oneOf). Found \(found)")] + (valid == 0 ? best : [])
        }
    }

    /// A value by a schema that stands inside of a combination, structure and all.
    private func check(_ value: Value, _ schema: Value, _ path: ValuePath) -> [FieldError] {
        guard let rules = schema.fields else { return [] }
        if let type = rules["type"]?.string, !type.isEmpty {
            if value.isNull, rules["nullable"] == true { return [] }
            let isInteger = type == "integer" && value.integer != nil
            let isNumber = type == "number" && value.jsonType == "integer"
            guard type == value.jsonType || isInteger || isNumber else { return [.wrongType(path, type, value)] }
        }
        var errors = errors(value, rules, path)
        func descend(_ item: Value, _ schema: Value, _ step: ValuePath.Step) {
            var inner = path
            inner.steps.append(step)
            errors += check(item, schema, inner)
        }
        if let fields = value.fields {
            let properties = rules["properties"]?.fields ?? Fields()
            for (name, field) in fields {
                if let schema = properties[name] {
                    descend(field, schema, .field(name))
                } else if let schema = rules["additionalProperties"], schema.fields != nil {
                    descend(field, schema, .field(name))
                }
            }
        }
        if let items = value.array, let schema = rules["items"] {
            for (index, item) in items.enumerated() { descend(item, schema, .index(index)) }
        }
        return errors
    }
}

extension Value {
    fileprivate var double: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    /// Equal, however a number is spelled.
    fileprivate func isSame(as other: Value) -> Bool {
        if self == other { return true }
        guard let a = double, let b = other.double else { return false }
        return a == b
    }
}

/// Numbers as Go prints them with `%v`.
enum GoNumber {
    static func text(_ number: Double) -> String {
        let magnitude = abs(number)
        guard magnitude >= 1e6 || (magnitude > 0 && magnitude < 1e-4) else {
            return Int64(exactly: number).map(String.init) ?? number.description
        }
        // Swift's own form has the digits; only the place of the point and the exponent's form differ.
        let parts = number.description.lowercased().split(separator: "e")
        guard parts.count == 2, let exponent = Int(parts[1]) else { return scientific(number) }
        let mantissa = parts[0].hasSuffix(".0") ? String(parts[0].dropLast(2)) : String(parts[0])
        return mantissa + exponentText(exponent)
    }

    private static func scientific(_ number: Double) -> String {
        let sign = number < 0 ? "-" : ""
        let parts = abs(number).description.split(separator: ".").map(String.init)
        let whole = parts[0]
        let fraction = parts.count > 1 && parts[1] != "0" ? parts[1] : ""
        var digits = whole + fraction
        while digits.hasSuffix("0") { digits.removeLast() }
        let mantissa = digits.count > 1 ? "\(digits.prefix(1)).\(digits.dropFirst())" : digits
        return sign + mantissa + exponentText(whole.count - 1)
    }

    private static func exponentText(_ exponent: Int) -> String {
        "e" + (exponent < 0 ? "-" : "+") + (abs(exponent) < 10 ? "0" : "") + String(abs(exponent))
    }
}
