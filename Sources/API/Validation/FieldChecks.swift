import APIMachinery

/// Collects what is wrong with an object, field by field. The wording is Kubernetes' own: people search for
/// it.
struct FieldChecks {
    private(set) var errors: [FieldError] = []

    mutating func add(_ error: FieldError) { errors.append(error) }

    mutating func invalid(_ path: String, _ value: Value?, _ detail: String) {
        errors.append(.invalid(path, value: value ?? "", detail))
    }

    /// Whether there is a text, list, map or number other than zero; complains if not.
    @discardableResult
    mutating func require(_ value: Value?, _ path: String, _ detail: String = "") -> Bool {
        let isThere: Bool =
            switch value {
            case .none, .null: false
            case .string(let text): !text.isEmpty
            case .array(let elements): !elements.isEmpty
            case .object(let fields): !fields.isEmpty
            case .integer(let number): number != 0
            default: true
            }
        if !isThere { errors.append(.required(path, detail)) }
        return isThere
    }

    /// Each thing that is wrong with a name is an error of its own.
    mutating func name(_ text: String, _ rule: NameRule, _ path: String) {
        for problem in rule.problems(in: text) { invalid(path, .string(text), problem) }
    }

    /// A name that must be there and must obey a rule.
    mutating func requiredName(_ value: Value?, _ rule: NameRule, _ path: String) {
        if require(value, path) { name(value?.string ?? "", rule, path) }
    }

    mutating func notNegative(_ value: Value?, _ path: String) {
        guard let number = value?.integer, number < 0 else { return }
        invalid(path, value, "must be greater than or equal to 0")
    }

    mutating func range(_ value: Value?, _ low: Int, _ high: Int, _ path: String) {
        guard let number = value?.integer, !(low...high).contains(Int(number)) else { return }
        invalid(path, value, NameProblem.outOfRange(low, high))
    }

    mutating func port(_ value: Value?, _ path: String) { range(value, 1, 65_535, path) }

    /// A port by number or by name.
    mutating func portOrName(_ value: Value?, _ path: String) {
        switch value {
        case .string(let text): name(text, .portName, path)
        default: port(value ?? 0, path)
        }
    }

    mutating func oneOf(_ value: Value?, _ supported: [String], _ path: String) {
        guard let text = value?.string, !supported.contains(text) else { return }
        errors.append(.notSupported(path, value: .string(text), supported: supported))
    }

    /// A path of the host or a container that must not lead upwards.
    mutating func noBackSteps(_ text: String, _ path: String) {
        if text.split(separator: "/").contains("..") { invalid(path, .string(text), "must not contain '..'") }
    }

    mutating func immutable(_ new: Value?, _ old: Value?, _ path: String) {
        if new != old { invalid(path, new ?? .null, "field is immutable") }
    }

    mutating func labels(_ value: Value?, _ path: String) {
        for (key, value) in value?.fields ?? Fields() {
            name(key, .qualifiedName, path)
            name(value.string ?? "", .labelValue, path)
        }
    }

    /// A label selector in its object form.
    mutating func selector(_ value: Value?, _ path: String) {
        labels(value?["matchLabels"], path + ".matchLabels")
        for (index, expression) in (value?["matchExpressions"]?.array ?? []).enumerated() {
            let path = "\(path).matchExpressions[\(index)]"
            let count = expression["values"]?.array?.count ?? 0
            name(expression["key"]?.string ?? "", .qualifiedName, path + ".key")
            switch expression["operator"]?.string {
            case "In", "NotIn":
                if count == 0 {
                    add(.required(path + ".values", "must be specified when `operator` is 'In' or 'NotIn'"))
                }
            case "Exists", "DoesNotExist":
                guard count > 0 else { break }
                add(
                    .forbidden(
                        path + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                    ))
            default: invalid(path + ".operator", expression["operator"], "not a valid selector operator")
            }
        }
    }
}

extension Value? {
    /// The elements of a list with their paths.
    func elements(_ path: String) -> [(value: Value, path: String)] {
        (self?.array ?? []).enumerated().map { ($0.element, "\(path)[\($0.offset)]") }
    }
}
