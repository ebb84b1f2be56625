/// An expression that compiles: made once, evaluated many times, from any thread.
public struct CELProgram: Sendable {
    public let source: String
    /// The type of what it evaluates to.
    public let resultType: CELType
    let checked: CheckedExpression
    let environment: CELEnvironment

    /// Compiles `source`. `returning` is what it must come to; `dyn` takes anything.
    public init(_ source: String, in environment: CELEnvironment, returning: CELType = .dyn) throws(CELError) {
        try self.init(source, in: environment, returningOneOf: [returning])
    }

    /// Compiles `source`, which must come to one of some types.
    public init(_ source: String, in environment: CELEnvironment, returningOneOf wanted: [CELType]) throws(CELError) {
        let scalars = Array(source.unicodeScalars)
        let root: Expression
        var checker: Checker
        switch Parser.parse(scalars) {
        case .failure(let failure): throw CELError(.syntax, failure.issues, in: scalars)
        case .success(let (tree, count)):
            root = tree
            checker = Checker(environment, count: count)
        }
        let type = checker.check(root: root)
        guard checker.issues.isEmpty else { throw CELError(.check, checker.issues, in: scalars) }
        guard wanted.contains(.dyn) || wanted.contains(type) else {
            let names = wanted.map(\.name)
            throw CELError(
                .resultType,
                names.count == 1
                    ? "must evaluate to \(names[0]) but got \(type.name)"
                    : "must evaluate to one of [\(names.joined(separator: " "))]")
        }
        try root.checkPatterns(in: scalars)
        self.source = source
        self.environment = environment
        resultType = type
        checked = CheckedExpression(root, checker)
    }

    /// Evaluates with variables by name. The cost is taken from `budget`, also when evaluation fails.
    public func evaluate(_ variables: [String: CELValue], budget: inout CELBudget) throws(CELError) -> CELValue {
        var given = GivenVariables(values: variables)
        return try evaluate(&given, budget: &budget)
    }

    /// Evaluates with variables that are made when they are asked for.
    public func evaluate(_ variables: inout some CELVariables, budget: inout CELBudget) throws(CELError) -> CELValue {
        var evaluator = Evaluator(checked, variables, budget)
        defer { variables = evaluator.source }
        do throws(CELError) {
            let value = try evaluator.evaluate(checked.root)
            budget = evaluator.budget
            try budget.spend(evaluator.cost)
            return value
        } catch {
            if error.kind != .budget { budget.remaining = evaluator.budget.remaining - evaluator.cost }
            throw error
        }
    }

    /// The variables that the expression reads, each once, as they were declared.
    public var variables: Set<String> { Set(checked.variables.compactMap { $0 }) }
}

/// Where an evaluation gets its variables from.
public protocol CELVariables {
    /// The value of a declared variable; `nil` when it has none now. What making it costs is taken from `budget`.
    mutating func value(of name: String, budget: inout CELBudget) throws(CELError) -> CELValue?
}

private struct GivenVariables: CELVariables {
    let values: [String: CELValue]

    func value(of name: String, budget: inout CELBudget) throws(CELError) -> CELValue? { values[name] }
}

/// A tree with what the checker found out about its nodes.
struct CheckedExpression: Sendable {
    let root: Expression
    let types: [CELType]
    let functions: [CELFunction?]
    let variables: [String?]
    /// Calls whose receiver is half of the function's name.
    let isQualified: [Bool]

    init(_ root: Expression, _ checker: Checker) {
        self.root = root
        types = checker.types
        functions = checker.functions
        variables = checker.variables
        isQualified = checker.functions.map { $0?.name.contains(".") ?? false }
    }

    /// The name of a type that is written as a chain of selections.
    func typeName(of expression: Expression) -> String? {
        switch expression.kind {
        case .identifier(let name): return name
        case .select(let operand, let field): return typeName(of: operand).map { $0 + "." + field }
        default: return nil
        }
    }
}
