extension Checker {
    mutating func checkCall(_ name: String, _ target: Expression?, _ arguments: [Expression], _ expression: Expression)
        -> CELType
    {
        if name == Operator.optionalSelect { return checkOptionalSelect(arguments, expression) }
        // `sets.contains(a, b)`: the receiver is the first half of a function's name.
        if let target, let prefix = qualifiedName(target), let function = CELLibrary.functions[prefix + "." + name],
            !scopes.contains(where: { $0.name == prefix }), environment.variables[prefix] == nil
        {
            functions[expression.id] = function
            let types = checkAll(arguments)
            return resolve(function, prefix + "." + name, isMember: false, types, expression)
        }
        var types: [CELType] = []
        if let target { types.append(check(target)) }
        types += checkAll(arguments)
        guard let function = CELLibrary.functions[name] else {
            report("undeclared reference to '\(name)' (in container '')", at: expression.offset)
            return .dyn
        }
        functions[expression.id] = function
        return resolve(function, name, isMember: target != nil, types, expression)
    }

    private mutating func checkAll(_ arguments: [Expression]) -> [CELType] {
        var types: [CELType] = []
        for argument in arguments { types.append(check(argument)) }
        return types.map { unifier.resolve($0) }
    }

    /// `a.?b`: the field's type, as an optional.
    private mutating func checkOptionalSelect(_ arguments: [Expression], _ expression: Expression) -> CELType {
        let operand = check(arguments[0])
        check(arguments[1])
        guard case .literal(.string(let field)) = arguments[1].kind else { return .dyn }
        let type = selectField(field, of: operand, at: expression.offset)
        return .optional(unwrapped(type))
    }

    /// The result of the overloads that take such arguments; `dyn` when several with different results do.
    private mutating func resolve(
        _ function: CELFunction, _ name: String, isMember: Bool, _ arguments: [CELType], _ expression: Expression
    ) -> CELType {
        var result: CELType?
        for signature in function.signatures
        where signature.isMember == isMember && signature.parameters.count == arguments.count {
            let base = unifier.fresh(signature.unknownCount)
            let parameters = signature.parameters.map { $0.numbered(from: base) }
            guard unifier.assign(arguments, to: parameters) else { continue }
            let type = unifier.resolve(signature.result.numbered(from: base))
            if let found = result {
                if unifier.resolve(found) != type { result = .dyn }
            } else {
                result = type
            }
        }
        if let result { return result }
        let receiver = isMember ? arguments.first : nil
        reportOverload(name, receiver, Array(isMember ? arguments.dropFirst() : arguments[...]), at: expression.offset)
        return .dyn
    }

    /// `found no matching overload for '_+_' applied to '(int, string)'`
    mutating func reportOverload(_ name: String, _ receiver: CELType?, _ arguments: [CELType], at offset: Int) {
        let list = "(" + arguments.map(shown).joined(separator: ", ") + ")"
        let applied = receiver.map { shown($0) + "." + list } ?? list
        report("found no matching overload for '\(name)' applied to '\(applied)'", at: offset)
    }
}
