/// The macros: calls that are other expressions in short. They become what the reference implementation makes of them,
/// so that an evaluation costs what Kubernetes says it costs.
extension Parser {
    /// The name of the accumulator; no source can write it.
    static let accumulator = "@result"

    /// What a call stands for; `nil` when it is no macro.
    mutating func expandMacro(_ name: String, target: Expression?, _ arguments: [Expression], at offset: Int)
        throws(Stop) -> Expression?
    {
        guard let target else {
            return name == "has" && arguments.count == 1 ? try presence(of: arguments[0], at: offset) : nil
        }
        if name == "bind", arguments.count == 3, case .identifier("cel") = target.kind {
            return try binding(arguments, at: offset)
        }
        switch (name, arguments.count) {
        case ("all", 2), ("exists", 2), ("exists_one", 2), ("existsOne", 2), ("all", 3), ("exists", 3),
            ("exists_one", 3), ("existsOne", 3):
            return try quantifier(name, target, arguments, at: offset)
        case ("map", 2), ("map", 3), ("filter", 2):
            return try listComprehension(name, target, arguments, at: offset)
        case ("transformList", 3), ("transformList", 4), ("transformMap", 3), ("transformMap", 4),
            ("transformMapEntry", 3), ("transformMapEntry", 4):
            return try transformation(name, target, arguments, at: offset)
        case ("optMap", 2), ("optFlatMap", 2): return try optionalMap(name, target, arguments, at: offset)
        case ("sortBy", 2): return try sorting(target, arguments, at: offset)
        default: return nil
        }
    }

    /// `has(a.b)`
    private mutating func presence(of argument: Expression, at offset: Int) throws(Stop) -> Expression {
        guard case .select(let operand, let field) = argument.kind else {
            throw stop("invalid argument to has() macro", at: argument.offset)
        }
        return make(.test(operand, field: field), at: offset)
    }

    private mutating func simpleName(_ argument: Expression) throws(Stop) -> String {
        guard case .identifier(let name) = argument.kind, !name.hasPrefix(".") else {
            throw stop("argument must be a simple name", at: argument.offset)
        }
        guard name != Self.accumulator, name != "__result__" else {
            throw stop("iteration variable overwrites accumulator variable", at: argument.offset)
        }
        return name
    }

    private mutating func call(_ function: String, _ arguments: [Expression], at offset: Int) -> Expression {
        make(.call(function, target: nil, arguments), at: offset)
    }

    private mutating func result(at offset: Int) -> Expression { make(.identifier(Self.accumulator), at: offset) }

    private mutating func literal(_ value: CELValue, at offset: Int) -> Expression { make(.literal(value), at: offset) }

    private mutating func loop(
        _ range: Expression, _ variables: [String], from initial: Expression, while condition: Expression,
        step: Expression, result: Expression, at offset: Int
    ) -> Expression {
        make(
            .comprehension(
                Expression.Comprehension(
                    range: range, variable: variables[0], second: variables.count > 1 ? variables[1] : nil,
                    accumulator: Self.accumulator, initial: initial, condition: condition, step: step, result: result)),
            at: offset)
    }

    /// `list.all(x, x > 0)`, and the same with index and value.
    private mutating func quantifier(
        _ name: String, _ range: Expression, _ arguments: [Expression], at offset: Int
    ) throws(Stop) -> Expression {
        var variables: [String] = []
        for argument in arguments.dropLast() { variables.append(try simpleName(argument)) }
        let predicate = arguments[arguments.count - 1]
        switch name {
        case "all", "exists":
            let isAll = name == "all"
            var guarded = result(at: offset)
            if !isAll { guarded = call(Operator.logicalNot, [guarded], at: offset) }
            let condition = call(Operator.notStrictlyFalse, [guarded], at: offset)
            let step = make(.logical(isAnd: isAll, [result(at: offset), predicate]), at: offset)
            return loop(
                range, variables, from: literal(.bool(isAll), at: offset), while: condition, step: step,
                result: result(at: offset), at: offset)
        default:
            let one = literal(.int(1), at: offset)
            let more = call(Operator.add, [result(at: offset), one], at: offset)
            let step = call(Operator.conditional, [predicate, more, result(at: offset)], at: offset)
            let isOne = call(Operator.equals, [result(at: offset), literal(.int(1), at: offset)], at: offset)
            return loop(
                range, variables, from: literal(.int(0), at: offset), while: literal(.bool(true), at: offset),
                step: step, result: isOne, at: offset)
        }
    }

    /// `list.map(x, f)`, `list.map(x, condition, f)`, `list.filter(x, condition)`
    private mutating func listComprehension(
        _ name: String, _ range: Expression, _ arguments: [Expression], at offset: Int
    ) throws(Stop) -> Expression {
        let variable = try simpleName(arguments[0])
        let isFilter = name == "filter"
        let element = isFilter ? make(.identifier(variable), at: arguments[0].offset) : arguments[arguments.count - 1]
        let condition = isFilter || arguments.count == 3 ? arguments[1] : nil
        return collecting(range, [variable], element, when: condition, at: offset)
    }

    private mutating func collecting(
        _ range: Expression, _ variables: [String], _ element: Expression, when condition: Expression?, at offset: Int
    ) -> Expression {
        let single = make(.list([.init(value: element, isOptional: false)]), at: offset)
        var step = call(Operator.add, [result(at: offset), single], at: offset)
        if let condition { step = call(Operator.conditional, [condition, step, result(at: offset)], at: offset) }
        return loop(
            range, variables, from: make(.list([]), at: offset), while: literal(.bool(true), at: offset), step: step,
            result: result(at: offset), at: offset)
    }

    /// `transformList(i, v, f)`, `transformMap(k, v, f)`, `transformMapEntry(k, v, {..})`, each with a condition too.
    private mutating func transformation(
        _ name: String, _ range: Expression, _ arguments: [Expression], at offset: Int
    ) throws(Stop) -> Expression {
        let variables = [try simpleName(arguments[0]), try simpleName(arguments[1])]
        let transform = arguments[arguments.count - 1]
        let condition = arguments.count == 4 ? arguments[2] : nil
        if name == "transformList" {
            return collecting(range, variables, transform, when: condition, at: offset)
        }
        let key = make(.identifier(variables[0]), at: arguments[0].offset)
        let inserted = name == "transformMap" ? [key, transform] : [transform]
        var step = call(Operator.mapInsert, [result(at: offset)] + inserted, at: offset)
        if let condition { step = call(Operator.conditional, [condition, step, result(at: offset)], at: offset) }
        return loop(
            range, variables, from: make(.map([]), at: offset), while: literal(.bool(true), at: offset), step: step,
            result: result(at: offset), at: offset)
    }

    /// A name for a value: a loop that never runs.
    private mutating func bind(_ name: String, to value: Expression, in body: Expression, at offset: Int) -> Expression {
        make(
            .comprehension(
                Expression.Comprehension(
                    range: make(.list([]), at: offset), variable: "#unused", second: nil, accumulator: name,
                    initial: value, condition: literal(.bool(false), at: offset),
                    step: make(.identifier(name), at: offset), result: body)),
            at: offset)
    }

    /// `cel.bind(name, value, body)`
    private mutating func binding(_ arguments: [Expression], at offset: Int) throws(Stop) -> Expression {
        bind(try simpleName(arguments[0]), to: arguments[1], in: arguments[2], at: offset)
    }

    /// `optional.optMap(v, f)`: `f` of the value, if there is one.
    private mutating func optionalMap(
        _ name: String, _ target: Expression, _ arguments: [Expression], at offset: Int
    ) throws(Stop) -> Expression {
        let variable = try simpleName(arguments[0])
        try noteRepeated(target)
        let isPresent = make(.call("hasValue", target: target, []), at: offset)
        let value = make(.call("value", target: target, []), at: offset)
        var mapped = bind(variable, to: value, in: arguments[1], at: offset)
        if name == "optMap" { mapped = call("optional.of", [mapped], at: offset) }
        return call(Operator.conditional, [isPresent, mapped, call("optional.none", [], at: offset)], at: offset)
    }

    /// `list.sortBy(x, key)`
    private mutating func sorting(_ target: Expression, _ arguments: [Expression], at offset: Int) throws(Stop)
        -> Expression
    {
        let variable = try simpleName(arguments[0])
        try noteRepeated(target)
        let keys = collecting(target, [variable], arguments[1], when: nil, at: offset)
        return make(.call("@sortByAssociatedKeys", target: target, [keys]), at: offset)
    }
}
