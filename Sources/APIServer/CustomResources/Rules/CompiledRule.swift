import APIMachinery
import CEL

/// A rule with its programs, made for the place of a schema where it stands.
struct CompiledRule: Sendable {
    let rule: ValidationRule
    let program: Result<CELProgram, CELError>
    /// What makes the message; `nil` when the rule has no expression for it.
    let message: Result<CELProgram, CELError>?
    /// Whether the rule compares with the value that was there before.
    let isTransition: Bool

    /// `field` is the schema of `self` and `oldSelf`.
    init(_ rule: ValidationRule, on field: FieldSchema) {
        self.rule = rule
        var environment = CELEnvironment(schemas: ["self": field, "oldSelf": field], rules: .customResource)
        if rule.takesOptionalOldSelf == true { environment.variables["oldSelf"] = .optional(CELType(field)) }
        program = Self.compile(rule.expression, environment, .bool)
        message =
            rule.messageExpression.isEmpty ? nil : Self.compile(rule.messageExpression, environment, .string)
        isTransition = [try? program.get(), try? message?.get()].contains {
            $0?.variables.contains("oldSelf") ?? false
        }
    }

    private static func compile(
        _ source: String, _ environment: CELEnvironment, _ type: CELType
    ) -> Result<CELProgram, CELError> {
        Result { () throws(CELError) in try CELProgram(source, in: environment, returning: type) }
    }

    /// What is wrong with the rule's expression, in Kubernetes' words.
    static func problem(with error: CELError) -> String {
        error.kind == .resultType ? "cel expression must evaluate to a bool" : "compilation failed: \(error)"
    }

    /// What is wrong with the expression of its message.
    static func messageProblem(with error: CELError) -> String {
        error.kind == .resultType
            ? "messageExpression must evaluate to a string" : "messageExpression compilation failed: \(error)"
    }
}
