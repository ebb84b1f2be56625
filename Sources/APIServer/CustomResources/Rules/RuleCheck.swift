import APIMachinery
import CEL

/// Asks the rules of a schema about an object, in one walk over what leads to rules.
///
/// All rules together have a budget (Kubernetes documentation, "Resource use by validation functions"). When it is
/// spent the object is refused, and nothing more is asked.
struct RuleCheck {
    private(set) var errors: [FieldError] = []
    /// What would be wrong if it were new (KEP-4008).
    private(set) var warnings: [String] = []
    private var budget: CELBudget
    private var isOver = false

    /// The longest text that an expression may make a message of.
    private static let longestMessage = 5 * 1024

    init(budget: CELBudget = CELBudget()) { self.budget = budget }

    /// What a value takes the place of.
    struct Replaced {
        /// The value before, if it is known which one that is.
        var current: Value?
        /// The nearest value around, of which it is known.
        var around: (new: Value, old: Value)?

        /// Whether all is as it was before: here, or around what has no known past.
        func isUnchanged(_ value: Value) -> Bool {
            if let current { return current == value }
            return around.map { $0.new == $0.old } ?? false
        }

        func inside(_ value: Value, _ current: Value?) -> Replaced {
            Replaced(current: current, around: self.current.map { (value, $0) } ?? around)
        }
    }

    mutating func check(_ value: Value, _ node: RuleNode, at path: String, replacing: Replaced) {
        // A rule on a value that may be null is about values that are not.
        guard !isOver, !value.isNull else { return }
        if !node.rules.isEmpty { ask(node, value, path, replacing) }
        switch value {
        case .object(let fields):
            let before = replacing.current?.fields
            for (name, value) in fields where !isOver {
                if let inner = node.fields[name] {
                    let place = path.isEmpty ? name : "\(path).\(name)"
                    check(value, inner, at: place, replacing: replacing.inside(.object(fields), before?[name]))
                } else if let inner = node.elements {
                    check(
                        value, inner, at: "\(path)[\(name)]",
                        replacing: replacing.inside(.object(fields), before?[name]))
                }
            }
        case .array(let items):
            guard let inner = node.elements else { return }
            let before = node.field.itemsByKey(replacing.current)
            for (index, item) in items.enumerated() where !isOver {
                let current = before.isEmpty ? nil : before[node.field.key(of: item)]
                check(item, inner, at: "\(path)[\(index)]", replacing: replacing.inside(value, current))
            }
        default: break
        }
    }

    // MARK: One place

    private mutating func ask(_ node: RuleNode, _ value: Value, _ path: String, _ replacing: Replaced) {
        let type = Value.string(node.field.schemaType)
        let new = CELValue(value, field: node.field)
        let old = replacing.current.flatMap { $0.isNull ? nil : CELValue($0, field: node.field) }
        for compiled in node.programs where !isOver {
            let rule = compiled.rule
            let takesOptional = rule.takesOptionalOldSelf == true
            guard case .success(let program) = compiled.program else {
                if case .failure(let error) = compiled.program {
                    errors.append(
                        .invalid(path, value: type, "rule compile error: " + CompiledRule.problem(with: error)))
                }
                continue
            }
            if compiled.isTransition, old == nil, !takesOptional { continue }
            var variables = ["self": new]
            variables["oldSelf"] = takesOptional ? .optional(CELOptional(old)) : old
            do throws(CELError) {
                if try program.evaluate(variables, budget: &budget).bool == true { continue }
            } catch {
                errors.append(.invalid(path, value: type, explain(error, rule)))
                continue
            }
            let isOld = !compiled.isTransition && replacing.isUnchanged(value)
            report(message(compiled, variables), rule, at: (path, value, node.field), isOld: isOld)
        }
    }

    /// Why a rule came to no answer.
    private mutating func explain(_ error: CELError, _ rule: ValidationRule) -> String {
        switch error.kind {
        case .budget:
            isOver = true
            return error.description
        case .callLimit:
            isOver = true
            return "'\(error)': no further validation rules will be run due to call cost exceeds limit for rule: "
                + rule.title
        default:
            guard error.description.hasPrefix("no such overload") else {
                return "\(error) evaluating rule: \(rule.title)"
            }
            return "'\(error)': call arguments did not match a supported operator, function or macro signature for "
                + "rule: \(rule.title)"
        }
    }

    private enum Message {
        case text(String)
        /// The expression that should have made it was too dear.
        case failure(String)
    }

    /// What the rule says about the value. An expression that fails, or makes no good message, is passed over.
    private mutating func message(_ compiled: CompiledRule, _ variables: [String: CELValue]) -> Message {
        let rule = compiled.rule
        guard case .success(let program)? = compiled.message else { return .text(rule.refusal) }
        do throws(CELError) {
            let text = try program.evaluate(variables, budget: &budget).string?.trimmingBlanks ?? ""
            let isGood = !text.isEmpty && !text.hasLineBreaks && text.utf8.count <= Self.longestMessage
            return .text(isGood ? text : rule.refusal)
        } catch {
            switch error.kind {
            case .budget:
                isOver = true
                return .failure(
                    "messageExpression evaluation failed due to running out of cost budget, no further validation "
                        + "rules will be run")
            case .callLimit:
                isOver = true
                return .failure(
                    "no further validation rules will be run due to call cost exceeds limit for messageExpression: "
                        + Value.string(rule.messageExpression).description)
            default: return .text(rule.refusal)
            }
        }
    }

    private mutating func report(
        _ message: Message, _ rule: ValidationRule, at place: (path: String, value: Value, field: FieldSchema),
        isOld: Bool
    ) {
        let inner = try? RuleFieldPath.normalised(rule.fieldPath, from: place.field)
        let path = [place.path, inner ?? ""].filter { !$0.isEmpty }.joined(separator: ".")
        let error: FieldError
        switch message {
        case .failure(let text): error = .invalid(path, value: .string(place.field.schemaType), text)
        case .text(let text): error = Self.error(path, place.value, text, rule.reason)
        }
        if isOld { warnings.append(error.description) } else { errors.append(error) }
    }

    private static func error(_ path: String, _ value: Value, _ text: String, _ reason: String?) -> FieldError {
        let isLarge = value.fields != nil || value.array != nil
        var error: FieldError
        switch reason {
        case "FieldValueForbidden": return .forbidden(path, text)
        case "FieldValueRequired": return .required(path, text)
        case "FieldValueDuplicate": error = .duplicate(path, value: value)
        default: error = .invalid(path, value: value, text)
        }
        // Kubernetes shows simple values only.
        error.omitsValue = isLarge
        return error
    }
}

extension FieldSchema {
    /// The `type` of the schema that the field was made of; empty when it had none.
    fileprivate var schemaType: String {
        switch kind {
        case .string: "string"
        case .bool: "boolean"
        case .int64: "integer"
        case .float64: "number"
        case .list: "array"
        case .map, .object: "object"
        default: ""
        }
    }

    /// The elements of a list by their keys; empty for lists whose elements have none.
    fileprivate func itemsByKey(_ list: Value?) -> [Value: Value] {
        guard listType == .map, let items = list?.array else { return [:] }
        return Dictionary(items.map { (key(of: $0), $0) }) { $1 }
    }

    /// What an element of a list that is a map is known by.
    fileprivate func key(of item: Value) -> Value {
        var key = Value.emptyObject
        for name in listMapKeys { key[name] = item[name] }
        return key
    }
}
