import APIMachinery

extension CELProgram {
    /// What a rule of a custom resource may cost at most, by the estimate; definitions with dearer ones are refused.
    public static let greatestEstimatedCost = 10_000_000
    /// What all rules of one definition may cost together.
    public static let greatestEstimatedCostOfDefinition = 100_000_000

    /// What an evaluation can cost at most, judged by the bounds that the schemas of the variables state.
    ///
    /// Counted as the reference counts, since it decides which rules a definition may have. `Int.max` stands for "no
    /// bound".
    public var estimatedCost: Int {
        var estimator = CostEstimator(program: checked, environment: environment)
        return estimator.estimate(checked.root).cost
    }
}

/// Walks over a checked expression and adds up the worst of everything.
struct CostEstimator {
    let program: CheckedExpression
    let environment: CELEnvironment
    /// The variables of comprehensions, the innermost last.
    private var locals: [(name: String, node: Estimate)] = []

    init(program: CheckedExpression, environment: CELEnvironment) {
        self.program = program
        self.environment = environment
    }

    mutating func estimate(_ expression: Expression) -> Estimate {
        switch expression.kind {
        case .literal(let value): return Estimate(cost: 0, size: value.costSize)
        case .identifier(let name): return identifier(name, expression)
        case .select(let operand, let field): return select(operand, field, expression)
        case .test(let operand, _):
            return Estimate(cost: program.variables[expression.id] == nil ? estimate(operand).cost : 0, size: 1)
        case .call(let name, let target, let arguments): return call(name, target, arguments, expression)
        case .logical(_, let terms):
            var cost = 0
            for term in terms { cost = Saturating.add(cost, estimate(term).cost) }
            return Estimate(cost: cost, size: 1)
        case .list(let elements):
            let parts = elements.map(\.value)
            return aggregate(parts, base: 10, count: elements.count)
        case .map(let entries):
            return aggregate(entries.flatMap { [$0.key, $0.value] }, base: 30, count: entries.count)
        case .object(_, let fields): return aggregate(fields.map(\.value), base: 40, count: 1)
        case .comprehension(let loop): return comprehension(loop)
        }
    }

    private mutating func aggregate(_ parts: [Expression], base: Int, count: Int) -> Estimate {
        var cost = base
        var element: Estimate?
        for part in parts {
            let estimate = estimate(part)
            cost = Saturating.add(cost, estimate.cost)
            element = element.map { $0.size >= estimate.size ? $0 : estimate } ?? estimate
        }
        return Estimate(cost: cost, size: count, elementSize: element?.size)
    }

    // MARK: - Names and fields

    private mutating func identifier(_ name: String, _ expression: Expression) -> Estimate {
        if let local = locals.last(where: { $0.name == name }) { return local.node.costing(1) }
        return variable(program.variables[expression.id], cost: 1)
    }

    private func variable(_ name: String?, cost: Int) -> Estimate {
        guard let name, let type = environment.variables[name] else { return Estimate(cost: cost, size: 1) }
        if let schema = environment.schemas[name] { return Estimate(cost: cost, schema: schema) }
        if case .object(let object) = type { return Estimate(cost: cost, size: Saturating.unbounded, object: object) }
        return Estimate(cost: cost, size: type.sizeWithoutSchema)
    }

    private mutating func select(_ operand: Expression, _ field: String, _ expression: Expression) -> Estimate {
        if let name = program.variables[expression.id] { return variable(name, cost: 2) }
        let object = estimate(operand)
        var cost = object.cost
        switch program.types[operand.id] {
        case .map, .object, .named: cost = Saturating.add(cost, 1)
        default: break
        }
        return member(field, of: object, cost: cost, type: program.types[expression.id])
    }

    private func member(_ field: String, of object: Estimate, cost: Int, type: CELType) -> Estimate {
        if let type = object.objectType, let schema = environment.schema(ofField: field, in: type) {
            return Estimate(cost: cost, schema: schema)
        }
        if case .map(let value)? = object.schema?.kind { return Estimate(cost: cost, schema: value) }
        return Estimate(cost: cost, size: type.sizeWithoutSchema)
    }

    // MARK: - Loops

    private mutating func comprehension(_ loop: Expression.Comprehension) -> Estimate {
        let range = estimate(loop.range)
        let initial = estimate(loop.initial)
        let count = locals.count
        var isCollecting = false
        switch loop.initial.kind {
        case .list, .map: isCollecting = loop.accumulator == Parser.accumulator
        default: break
        }
        // What is collected has at most as many elements as there are turns.
        let accumulator = isCollecting ? Estimate(cost: 0, size: range.size) : initial.costing(0)
        locals.append((loop.accumulator, accumulator))
        let isMap = range.isMap(program.types[loop.range.id])
        let element = range.element(program.types[loop.range.id])
        let key = Estimate(cost: 0, size: isMap ? Saturating.unbounded : 1)
        if let second = loop.second {
            locals.append((loop.variable, key))
            locals.append((second, element))
        } else {
            locals.append((loop.variable, isMap ? key : element))
        }
        let turn = Saturating.add(estimate(loop.condition).cost, estimate(loop.step).cost)
        locals.removeSubrange((count + 1)...)
        let result = estimate(loop.result)
        locals.removeLast()
        let turns = Saturating.multiply(range.size, turn)
        let cost = [range.cost, initial.cost, turns, result.cost].reduce(0, Saturating.add)
        return Estimate(cost: cost, size: isCollecting ? range.size : result.size)
    }

    // MARK: - Calls

    private mutating func call(
        _ name: String, _ target: Expression?, _ arguments: [Expression], _ expression: Expression
    ) -> Estimate {
        let isQualified = program.isQualified[expression.id]
        var operands: [Estimate] = []
        var types: [CELType] = []
        for operand in (isQualified ? [] : target.map { [$0] } ?? []) + arguments {
            operands.append(estimate(operand))
            types.append(program.types[operand.id])
        }
        let sum = operands.reduce(0) { Saturating.add($0, $1.cost) }
        switch name {
        case Operator.conditional:
            let worst = max(operands[1].cost, operands[2].cost)
            return Estimate(
                cost: Saturating.add(operands[0].cost, worst), size: max(operands[1].size, operands[2].size))
        case Operator.index, Operator.optionalIndex:
            return operands[0].element(types[0]).costing(Saturating.add(sum, 1))
        case Operator.optionalSelect:
            guard case .literal(.string(let field)) = arguments[1].kind else { break }
            return member(field, of: operands[0], cost: Saturating.add(sum, 1), type: program.types[expression.id])
        default: break
        }
        let function = program.functions[expression.id]
        let own = (function?.cost ?? .one).estimate(operands, types)
        let size = resultSize(name, operands, types, program.types[expression.id])
        return Estimate(cost: Saturating.add(sum, own), size: size)
    }

    /// How long the result of a function can be.
    private func resultSize(_ name: String, _ operands: [Estimate], _ types: [CELType], _ result: CELType) -> Int {
        switch name {
        case Operator.add where !result.isScalar: return Saturating.add(operands[0].size, operands[1].size)
        case "lowerAscii", "upperAscii", "substring", "trim", "reverse", "charAt", "split", "slice", "distinct", "sort",
            "find", "findAll", "dyn", "string", "@sortByAssociatedKeys", "escapeKey":
            return operands.first?.size ?? 1
        case "bytes": return Saturating.multiply(operands[0].size, 4)
        case "quote": return Saturating.add(Saturating.multiply(operands[0].size, 2), 2)
        case "replace":
            let count = Saturating.add(operands[0].size, 1)
            return Saturating.add(operands[0].size, Saturating.multiply(count, operands[2].size))
        case "join":
            let between = operands.count > 1 ? operands[1].size : 0
            let element = operands[0].element(types[0]).size
            return Saturating.multiply(operands[0].size, Saturating.add(element, between))
        case "orValue": return max(operands[0].size, operands[1].size)
        default: return result.sizeWithoutSchema
        }
    }
}

/// The worst that a part of an expression can come to.
struct Estimate {
    var cost: Int
    /// Of the value: characters, bytes, elements or entries.
    var size: Int
    /// What the value is, if it is a field of something with a schema.
    var schema: FieldSchema?
    var object: TypeSchema?
    var elementSize: Int?

    init(cost: Int, size: Int, object: TypeSchema? = nil, elementSize: Int? = nil) {
        self.cost = cost
        self.size = size
        self.object = object
        self.elementSize = elementSize
    }

    init(cost: Int, schema: FieldSchema) {
        self.cost = cost
        self.schema = schema
        size = schema.greatestCount
    }

    func costing(_ cost: Int) -> Estimate {
        var copy = self
        copy.cost = cost
        return copy
    }

    var objectType: TypeSchema? {
        if case .object(let type)? = schema?.kind { type } else { object }
    }

    func isMap(_ type: CELType) -> Bool { if case .map = type { true } else { false } }

    /// An element of this list, or a value of this map.
    func element(_ type: CELType) -> Estimate {
        switch schema?.kind {
        case .list(let element), .map(let element): return Estimate(cost: 0, schema: element)
        default: break
        }
        if let elementSize { return Estimate(cost: 0, size: elementSize) }
        switch type {
        case .list(let element), .map(_, let element), .optional(.list(let element)):
            return Estimate(cost: 0, size: element.sizeWithoutSchema)
        default: return Estimate(cost: 0, size: Saturating.unbounded)
        }
    }
}

extension CELType {
    var isScalar: Bool {
        switch self {
        case .bool, .int, .uint, .double, .timestamp, .duration, .null, .type: true
        default: false
        }
    }

    /// A value that no schema describes may have any length.
    var sizeWithoutSchema: Int {
        switch self {
        case .string, .bytes, .list, .map, .dyn, .object, .named, .unknown, .optional: Saturating.unbounded
        default: 1
        }
    }
}

/// Arithmetic that stays at the greatest number.
enum Saturating {
    static let unbounded = Int.max

    static func add(_ a: Int, _ b: Int) -> Int {
        let (sum, isOver) = a.addingReportingOverflow(b)
        return isOver ? unbounded : sum
    }

    static func multiply(_ a: Int, _ b: Int) -> Int {
        let (product, isOver) = a.multipliedReportingOverflow(by: b)
        return isOver ? unbounded : product
    }

    /// Divided and rounded up.
    static func divide(_ a: Int, by divisor: Int) -> Int { a / divisor + (a % divisor > 0 ? 1 : 0) }
}
