import APIMachinery

/// One of the rules in CEL that a schema states about a value (`x-kubernetes-validations`).
struct ValidationRule: Hashable, Sendable {
    /// The keyword under which a schema lists its rules.
    static let keyword = "x-kubernetes-validations"
    static let reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"]

    /// As the definition has it.
    let value: Value

    var expression: String { text("rule") }
    var message: String { text("message") }
    var messageExpression: String { text("messageExpression") }
    var fieldPath: String { text("fieldPath") }
    var reason: String? { value["reason"]?.string }
    /// Whether the rule is asked about new values too; `nil` when it does not say.
    var takesOptionalOldSelf: Bool? { value["optionalOldSelf"]?.bool }

    /// What messages call the rule.
    var title: String { message.isEmpty ? expression.trimmingBlanks : message.trimmingBlanks }
    /// What is told of a value that the rule refuses, unless an expression says it.
    var refusal: String { message.isEmpty ? "failed rule: " + title : title }

    private func text(_ key: String) -> String { value[key]?.string ?? "" }

    /// The rules that a schema, or the constraints that were made of it, lists.
    static func all(in schema: Value?) -> [ValidationRule] {
        (schema?[keyword]?.array ?? []).map(ValidationRule.init)
    }
}

extension String {
    /// Without the white space at both ends.
    var trimmingBlanks: String {
        let start = drop(while: \.isWhitespace)
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }

    var hasLineBreaks: Bool { unicodeScalars.contains { $0 == "\n" || $0 == "\r" } }
}
