/// One evaluation of a checked expression: walks the tree, keeps the variables of loops, and counts the cost.
struct Evaluator<Source: CELVariables> {
    let program: CheckedExpression
    var source: Source
    var budget: CELBudget
    private(set) var cost = 0
    private var effort = 0
    /// The variables of comprehensions, the innermost last.
    var locals: [(name: String, value: CELValue)] = []

    init(_ program: CheckedExpression, _ source: Source, _ budget: CELBudget) {
        self.program = program
        self.source = source
        self.budget = budget
    }

    mutating func spend(_ amount: Int) throws(CELError) {
        let (sum, isOver) = cost.addingReportingOverflow(amount)
        cost = isOver ? .max : sum
        guard cost <= budget.callLimit else {
            throw CELError.callLimit
        }
    }

    /// Counts what costs do not (``Effort``).
    mutating func strain(_ units: Int) throws(CELError) {
        effort = Saturating.add(effort, units)
        guard effort <= budget.effortLimit else { throw CELError.callLimit }
    }

    mutating func evaluate(_ expression: Expression) throws(CELError) -> CELValue {
        // Each case is a function of its own, so that the frames of the recursion are small.
        switch expression.kind {
        case .literal(let value): return value
        case .identifier(let name): return try identifier(name, expression)
        case .select(let operand, let field): return try select(operand, field, expression)
        case .test(let operand, let field): return try test(operand, field, expression)
        case .call(let name, let target, let arguments): return try call(name, target, arguments, expression)
        case .logical(let isAnd, let terms): return try logical(isAnd, terms)
        case .list(let elements): return try list(elements)
        case .map(let entries): return try map(entries)
        case .object(let name, let fields): return try object(name, fields)
        case .comprehension(let loop): return try comprehension(loop)
        }
    }

    // MARK: - Names

    private mutating func identifier(_ name: String, _ expression: Expression) throws(CELError) -> CELValue {
        try spend(1)
        return try variable(name, expression)
    }

    private mutating func variable(_ name: String, _ expression: Expression) throws(CELError) -> CELValue {
        if let declared = program.variables[expression.id] {
            guard let value = try source.value(of: declared, budget: &budget) else {
                throw CELError("no such attribute(s): \(declared)")
            }
            return value
        }
        if let local = locals.last(where: { $0.name == name }) {
            if let error = local.value.failedStep { throw error }
            return local.value
        }
        return .type(name)
    }

    // MARK: - Operators that do not need all their operands

    private mutating func logical(_ isAnd: Bool, _ terms: [Expression]) throws(CELError) -> CELValue {
        // An error counts only when no other term decides.
        var failure: CELError?
        for term in terms {
            do throws(CELError) {
                guard case .bool(let flag) = try evaluate(term) else { throw CELError.noSuchOverload }
                if flag != isAnd { return .bool(flag) }
            } catch {
                guard error.kind == .evaluation else { throw error }
                if failure == nil { failure = error }
            }
        }
        if let failure { throw failure }
        return .bool(isAnd)
    }

    private mutating func conditional(_ arguments: [Expression]) throws(CELError) -> CELValue {
        guard case .bool(let flag) = try evaluate(arguments[0]) else { throw CELError.noSuchOverload }
        let branch = arguments[flag ? 1 : 2]
        // The choice between two paths is itself a path: its last step is free.
        if branch.isPath { cost -= 1 }
        return try evaluate(branch)
    }

    private mutating func notStrictlyFalse(_ argument: Expression) throws(CELError) -> CELValue {
        try spend(1)
        do throws(CELError) {
            if case .bool(let flag) = try evaluate(argument) { return .bool(flag) }
        } catch {
            guard error.kind == .evaluation else { throw error }
        }
        return .bool(true)
    }

    // MARK: - Calls

    private mutating func call(
        _ name: String, _ target: Expression?, _ arguments: [Expression], _ expression: Expression
    ) throws(CELError) -> CELValue {
        switch name {
        case Operator.conditional: return try conditional(arguments)
        case Operator.notStrictlyFalse: return try notStrictlyFalse(arguments[0])
        case Operator.index: return try index(arguments[0], arguments[1])
        case Operator.optionalIndex, Operator.optionalSelect:
            return try optionalAccess(arguments[0], arguments[1], isIndex: name == Operator.optionalIndex)
        case "or" where target != nil: return try orOptional(target, arguments[0], isValue: false)
        case "orValue" where target != nil: return try orOptional(target, arguments[0], isValue: true)
        default: return try function(target, arguments, expression)
        }
    }

    private mutating func function(_ target: Expression?, _ arguments: [Expression], _ expression: Expression)
        throws(CELError) -> CELValue
    {
        guard let function = program.functions[expression.id] else { throw CELError.noSuchOverload }
        var values: [CELValue] = []
        values.reserveCapacity(arguments.count + 1)
        // A receiver that is half of a function's name is no value.
        if let target, !program.isQualified[expression.id] { values.append(try evaluate(target)) }
        for argument in arguments { values.append(try evaluate(argument)) }
        try strain(function.effort.units(values, limit: budget.effortLimit - effort))
        let result = try function.body(values)
        try spend(function.cost.cost(values, result))
        return result
    }

    /// `a.or(b)` and `a.orValue(b)`: what is not needed is not evaluated.
    private mutating func orOptional(_ target: Expression?, _ other: Expression, isValue: Bool) throws(CELError)
        -> CELValue
    {
        guard let target, case .optional(let optional) = try evaluate(target) else { throw CELError.noSuchOverload }
        try spend(1)
        if let value = optional.value { return isValue ? value : .optional(optional) }
        return try evaluate(other)
    }

    // MARK: - Aggregates

    private mutating func list(_ elements: [Expression.Element]) throws(CELError) -> CELValue {
        var values: [CELValue] = []
        values.reserveCapacity(elements.count)
        for element in elements {
            if let value = try content(element.value, isOptional: element.isOptional) { values.append(value) }
        }
        try spend(10)
        return .list(CELList(values))
    }

    private mutating func map(_ entries: [Expression.Entry]) throws(CELError) -> CELValue {
        var map = CELMap()
        for entry in entries {
            let keyValue = try evaluate(entry.key)
            guard let key = CELMapKey(keyValue) else { throw CELError("unsupported key type: \(keyValue.typeName)") }
            guard let value = try content(entry.value, isOptional: entry.isOptional) else { continue }
            guard map.insert(value, for: key) else {
                throw CELError("Failed with repeated key")
            }
        }
        try spend(30)
        return .map(map)
    }

    private mutating func object(_ name: String, _ fields: [Expression.Field]) throws(CELError) -> CELValue {
        var values: [(name: String, value: CELValue)] = []
        for field in fields {
            guard let value = try content(field.value, isOptional: field.isOptional) else { continue }
            guard !values.contains(where: { $0.name == field.name }) else {
                throw CELError("Failed with repeated key")
            }
            values.append((field.name, value))
        }
        try spend(40)
        return .object(CELObject(name, fields: values))
    }

    /// The value of an element; `nil` for an optional one that is empty.
    private mutating func content(_ expression: Expression, isOptional: Bool) throws(CELError) -> CELValue? {
        let value = try evaluate(expression)
        guard isOptional else { return value }
        guard case .optional(let optional) = value else { throw CELError.noSuchOverload }
        return optional.value
    }
}

extension Expression {
    /// A name, or selections from one: what reads and computes nothing.
    var isPath: Bool {
        switch kind {
        case .identifier: true
        case .select: true
        case .call(Operator.index, nil, _): true
        default: false
        }
    }
}
