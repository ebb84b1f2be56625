/// Loops.
extension Evaluator {
    mutating func comprehension(_ loop: Expression.Comprehension) throws(CELError) -> CELValue {
        let range = try evaluate(loop.range)
        let initial = try evaluate(loop.initial)
        let base = locals.count
        locals.append((loop.accumulator, initial))
        defer { locals.removeSubrange(base...) }
        switch range {
        case .list(let list):
            for position in 0..<list.count {
                let second = loop.second == nil ? nil : list[position]
                let first = loop.second == nil ? list[position] : .int(Int64(position))
                guard try iterate(loop, first, second, base) else { break }
            }
        case .map(let map):
            try strain(16 * map.count)
            for key in map.keys {
                let second = loop.second == nil ? nil : map[key]
                guard try iterate(loop, key.value, second, base) else { break }
            }
        case .object(let object):
            try strain(16 * object.count)
            for name in object.fieldNames {
                let second = loop.second == nil ? nil : object.value(ofField: name)
                guard try iterate(loop, .string(name), second, base) else { break }
            }
        default: throw CELError.noSuchOverload
        }
        return try evaluate(loop.result)
    }

    /// One turn; `false` when the condition ends the loop.
    private mutating func iterate(
        _ loop: Expression.Comprehension, _ first: CELValue, _ second: CELValue?, _ base: Int
    ) throws(CELError) -> Bool {
        locals.append((loop.variable, first))
        if let name = loop.second { locals.append((name, second ?? .null)) }
        defer { locals.removeSubrange((base + 1)...) }
        guard case .bool(true) = try evaluate(loop.condition) else { return false }
        do throws(CELError) {
            let next = try step(loop, base)
            locals[base].value = next
        } catch {
            // An error in one turn of `all` or `exists` is forgotten when another turn decides.
            guard error.kind == .evaluation, case .logical = loop.step.kind else { throw error }
            locals[base].value = .opaque(FailedStep(error: error))
        }
        return true
    }

    private mutating func step(_ loop: Expression.Comprehension, _ base: Int) throws(CELError) -> CELValue {
        // Adding one element to a list that nobody else holds takes no copy.
        if let call = loop.inserted { return try insert(call, base) }
        guard let (element, condition) = loop.appended else { return try evaluate(loop.step) }
        if let condition {
            guard case .bool(let flag) = try evaluate(condition) else { throw CELError.noSuchOverload }
            guard flag else { return locals[base].value }
        }
        let value = try evaluate(element)
        // What reading the accumulator, making a list of one and joining them cost.
        try spend(1 + 10 + 1)
        guard case .list(var list) = locals[base].value else { throw CELError.noSuchOverload }
        locals[base].value = .null
        list.append(value)
        return .list(list)
    }
}

extension Evaluator {
    /// Adds entries to a map that nobody else holds: no copy either.
    private mutating func insert(_ loop: (entries: [Expression], condition: Expression?), _ base: Int)
        throws(CELError) -> CELValue
    {
        if let condition = loop.condition {
            guard case .bool(let flag) = try evaluate(condition) else { throw CELError.noSuchOverload }
            guard flag else { return locals[base].value }
        }
        var added: [(CELMapKey, CELValue)] = []
        let first = try evaluate(loop.entries[0])
        if loop.entries.count == 2 {
            guard let key = CELMapKey(first) else { throw CELError.noSuchOverload }
            added = [(key, try evaluate(loop.entries[1]))]
        } else {
            guard case .map(let map) = first else { throw CELError.noSuchOverload }
            added = map.keys.compactMap { key in map[key].map { (key, $0) } }
        }
        // What reading the accumulator and the call cost.
        try spend(1 + 1)
        guard case .map(var map) = locals[base].value else { throw CELError.noSuchOverload }
        locals[base].value = .null
        for (key, value) in added {
            guard map.insert(value, for: key) else {
                throw CELError("insert failed: key \(try key.value.text()) already exists")
            }
        }
        return .map(map)
    }
}

/// The accumulator of a loop whose step failed.
private struct FailedStep: CELOpaque {
    let error: CELError
    var typeName: String { "error" }
    func isEqual(to other: any CELOpaque) -> Bool { false }
}

extension CELValue {
    /// The error that stands in for an accumulator.
    var failedStep: CELError? {
        if case .opaque(let value) = self { (value as? FailedStep)?.error } else { nil }
    }
}

extension Expression.Comprehension {
    /// The key and value, or the map, that each turn adds to the accumulator; `nil` for other loops.
    fileprivate var inserted: (entries: [Expression], condition: Expression?)? {
        var (call, condition) = (step, Expression?.none)
        if case .call(Operator.conditional, nil, let parts) = step.kind { (call, condition) = (parts[1], parts[0]) }
        guard case .call(Operator.mapInsert, nil, let operands) = call.kind else { return nil }
        return (Array(operands.dropFirst()), condition)
    }

    /// The element that each turn adds to the accumulator, and under which condition; `nil` for other loops.
    fileprivate var appended: (element: Expression, condition: Expression?)? {
        var (sum, condition) = (step, Expression?.none)
        if case .call(Operator.conditional, nil, let parts) = step.kind { (sum, condition) = (parts[1], parts[0]) }
        guard case .call(Operator.add, nil, let operands) = sum.kind,
            case .identifier(accumulator) = operands[0].kind, accumulator == Parser.accumulator,
            case .list(let elements) = operands[1].kind, elements.count == 1, !elements[0].isOptional
        else { return nil }
        return (elements[0].value, condition)
    }
}
