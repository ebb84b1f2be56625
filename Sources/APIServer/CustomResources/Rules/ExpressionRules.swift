import APIMachinery
import CEL

/// What a definition's rules in CEL must be like: they compile, compare only what can be compared, and cost no more
/// than Kubernetes allows.
struct ExpressionRules {
    private(set) var errors: [FieldError] = []
    /// The costs of all expressions, with their places.
    private var costs: [(place: String, cost: Int)] = []

    private static let blamed = 4

    /// What is wrong with the rules of a structural schema, which stands at `path` and was compiled into `root`.
    static func errors(in schema: Value, _ root: FieldSchema, at path: String) -> [FieldError] {
        var rules = ExpressionRules()
        rules.check(schema, root, Place(path: path, count: 1, uncorrelated: nil))
        rules.checkTotal(path)
        return rules.errors
    }

    /// Where in a schema rules stand.
    private struct Place {
        var path: String
        /// How many values there are at most, by the bounds of the lists and maps around; `nil` when one has none.
        var count: Int?
        /// The outermost list around whose elements have no known past.
        var uncorrelated: String?

        func inside(_ step: String) -> Place { Place(path: path + step, count: count, uncorrelated: uncorrelated) }

        func inside(_ step: String, times limit: Int64?) -> Place {
            var place = inside(step)
            place.count = count.flatMap { count in
                limit.map { ExpressionRules.product(count, Int(clamping: max(0, $0))) }
            }
            return place
        }
    }

    private mutating func check(_ schema: Value, _ field: FieldSchema, _ place: Place) {
        for (index, rule) in ValidationRule.all(in: schema).enumerated() {
            check(rule, field, place, "\(place.path).\(ValidationRule.keyword)[\(index)]")
        }
        switch field.kind {
        case .object(let type):
            for (name, property) in schema["properties"]?.fields ?? Fields() {
                guard let inner = type.field(named: name) else { continue }
                check(property, inner, place.inside(".properties[\(name)]"))
            }
        case .list(let element):
            guard let items = schema["items"] else { return }
            var inner = place.inside(".items", times: schema["maxItems"]?.integer)
            if field.listType != .map { inner.uncorrelated = inner.uncorrelated ?? place.path }
            check(items, element, inner)
        case .map(let element):
            guard let values = schema["additionalProperties"], values.fields != nil else { return }
            check(values, element, place.inside(".additionalProperties", times: schema["maxProperties"]?.integer))
        default: break
        }
    }

    // MARK: One rule

    private mutating func check(_ rule: ValidationRule, _ field: FieldSchema, _ place: Place, _ path: String) {
        let count = errors.count
        checkTexts(rule, path)
        if !rule.fieldPath.isEmpty {
            do throws(RuleFieldPath.Problem) { _ = try RuleFieldPath.normalised(rule.fieldPath, from: field) } catch {
                errors.append(
                    .invalid(path + ".fieldPath", value: .string(rule.fieldPath), "fieldPath must be a valid path"))
            }
        }
        guard errors.count == count else { return }
        let compiled = CompiledRule(rule, on: field)
        switch compiled.program {
        case .success(let program):
            let times = place.count ?? field.greatestOccurrence
            take(Self.product(program.estimatedCost, times), path + ".rule", "estimated rule cost")
        case .failure(let error):
            errors.append(.invalid(path + ".rule", value: rule.value, CompiledRule.problem(with: error)))
        }
        switch compiled.message {
        case .success(let program)?:
            take(program.estimatedCost, path + ".messageExpression", "estimated messageExpression cost")
        case .failure(let error)?:
            errors.append(
                .invalid(path + ".messageExpression", value: rule.value, CompiledRule.messageProblem(with: error)))
        case nil: break
        }
        if compiled.isTransition {
            if let list = place.uncorrelated {
                errors.append(
                    .invalid(
                        path + ".rule", value: .string(rule.expression),
                        "oldSelf cannot be used on the uncorrelatable portion of the schema within \(list)"))
            }
        } else if let flag = rule.takesOptionalOldSelf {
            errors.append(
                .invalid(path + ".optionalOldSelf", value: .bool(flag), "may not be set if oldSelf is not used in rule")
            )
        }
    }

    private mutating func checkTexts(_ rule: ValidationRule, _ path: String) {
        let message = rule.message.trimmingBlanks
        func invalid(_ key: String, _ text: String, _ why: String) {
            errors.append(.invalid("\(path).\(key)", value: .string(text), why))
        }
        if rule.expression.trimmingBlanks.isEmpty {
            errors.append(.required(path + ".rule", "rule is not specified"))
        } else if !rule.message.isEmpty, message.isEmpty {
            invalid("message", rule.message, "message must be non-empty if specified")
        } else if message.hasLineBreaks {
            invalid("message", rule.message, "message must not contain line breaks")
        } else if rule.expression.trimmingBlanks.hasLineBreaks, message.isEmpty {
            errors.append(.required(path + ".message", "message must be specified if rule contains line breaks"))
        }
        if !rule.messageExpression.isEmpty, rule.messageExpression.trimmingBlanks.isEmpty {
            errors.append(
                .required(path + ".messageExpression", "messageExpression must be non-empty if specified"))
        }
        if let reason = rule.reason, !ValidationRule.reasons.contains(reason) {
            errors.append(
                .notSupported(path + ".reason", value: .string(reason), supported: ValidationRule.reasons))
        }
        if !rule.fieldPath.isEmpty, rule.fieldPath.trimmingBlanks.isEmpty {
            invalid("fieldPath", rule.fieldPath, "fieldPath must be non-empty if specified")
        }
        if rule.fieldPath.hasLineBreaks {
            invalid("fieldPath", rule.fieldPath, "fieldPath must not contain line breaks")
        }
    }

    // MARK: Costs

    private mutating func take(_ cost: Int, _ place: String, _ name: String) {
        costs.append((place, cost))
        if cost > CELProgram.greatestEstimatedCost {
            errors.append(.forbidden(place, Self.excess(name, cost, CELProgram.greatestEstimatedCost)))
        }
    }

    private mutating func checkTotal(_ path: String) {
        let total = costs.reduce(0) { Self.sum($0, $1.cost) }
        guard total > CELProgram.greatestEstimatedCostOfDefinition else { return }
        for dear in costs.sorted(by: { $0.cost > $1.cost }).prefix(Self.blamed) {
            errors.append(
                .forbidden(
                    dear.place,
                    "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"))
        }
        let name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        errors.append(.forbidden(path, Self.excess(name, total, CELProgram.greatestEstimatedCostOfDefinition)))
    }

    private static func excess(_ name: String, _ cost: Int, _ limit: Int) -> String {
        let factor = Double(cost) / Double(limit)
        let text: String
        if factor > 100 {
            text = "more than 100x"
        } else {
            // So that what is a little too dear is not "1.0x".
            text = decimal(factor, places: factor < 1.5 ? 6 : 1) + "x"
        }
        return "\(name) exceeds budget by factor of \(text) (try simplifying the rule, or adding maxItems, "
            + "maxProperties, and maxLength where arrays, maps, and strings are declared)"
    }

    private static func decimal(_ number: Double, places: Int) -> String {
        let unit = (0..<places).reduce(1) { unit, _ in unit * 10 }
        let scaled = Int((number * Double(unit)).rounded())
        let fraction = String(scaled % unit)
        return "\(scaled / unit)." + String(repeating: "0", count: places - fraction.count) + fraction
    }

    private static func product(_ one: Int, _ other: Int) -> Int {
        let (result, overflows) = one.multipliedReportingOverflow(by: other)
        return overflows ? .max : result
    }

    private static func sum(_ one: Int, _ other: Int) -> Int {
        let (result, overflows) = one.addingReportingOverflow(other)
        return overflows ? .max : result
    }
}
