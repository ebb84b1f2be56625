/// Fields, keys and positions.
extension Evaluator {
    mutating func select(_ operand: Expression, _ field: String, _ expression: Expression) throws(CELError)
        -> CELValue
    {
        if let declared = program.variables[expression.id] {
            try spend(2)
            guard let value = try source.value(of: declared, budget: &budget) else {
                throw CELError("no such attribute(s): \(declared)")
            }
            return value
        }
        if case .type = program.types[expression.id], let name = program.typeName(of: expression) { return .type(name) }
        try spend(operand.isPath ? 1 : 2)
        let object = try evaluate(operand)
        if case .optional(let optional) = object {
            guard let content = optional.value else { return .optional(.none) }
            return .optional(CELOptional(try member(field, of: content)))
        }
        guard let value = try member(field, of: object) else { throw CELError.noSuchKey(field) }
        return value
    }

    /// `nil` when there is no such field.
    private func member(_ field: String, of object: CELValue) throws(CELError) -> CELValue? {
        switch object {
        case .map(let map): return map[field]
        case .object(let object): return object.value(ofField: field)
        default: throw CELError.noSuchOverload
        }
    }

    /// `has(operand.field)`
    mutating func test(_ operand: Expression, _ field: String, _ expression: Expression) throws(CELError)
        -> CELValue
    {
        if program.variables[expression.id] != nil { return .bool(true) }
        var object = try evaluate(operand)
        if case .optional(let optional) = object {
            guard let content = optional.value else { return .bool(false) }
            object = content
        }
        return .bool(try member(field, of: object) != nil)
    }

    mutating func index(_ operand: Expression, _ position: Expression) throws(CELError) -> CELValue {
        let object = try evaluate(operand)
        let key = try evaluate(position)
        try spend((position.isPath ? 0 : 1) + (operand.isPath ? 0 : 1))
        if case .optional(let optional) = object {
            guard let content = optional.value else { return .optional(.none) }
            return .optional(CELOptional(try element(key, of: content)))
        }
        guard let value = try element(key, of: object) else {
            if case .list = object { throw CELError("index out of bounds: \(try key.text())") }
            throw CELError.noSuchKey(try key.text())
        }
        return value
    }

    /// `nil` when there is no such key or position.
    private func element(_ key: CELValue, of object: CELValue) throws(CELError) -> CELValue? {
        switch object {
        case .list(let list):
            guard case .int(let position)? = CELMapKey(key) else {
                throw CELError("unsupported index type '\(key.typeName)' in list")
            }
            return position >= 0 && position < list.count ? list[Int(position)] : nil
        case .map(let map):
            return CELMapKey(key).flatMap { map[$0] }
        case .object(let object):
            guard case .string(let name) = key else { throw CELError.noSuchOverload }
            return object.value(ofField: name)
        default: throw CELError.noSuchOverload
        }
    }

    /// `a.?b` and `a[?b]`
    mutating func optionalAccess(_ operand: Expression, _ position: Expression, isIndex: Bool) throws(CELError)
        -> CELValue
    {
        var object = try evaluate(operand)
        let key = try evaluate(position)
        try spend((position.isPath ? 0 : 1) + (operand.isPath ? 0 : 1))
        if case .optional(let optional) = object {
            guard let content = optional.value else { return .optional(.none) }
            object = content
        }
        if !isIndex, case .string(let field) = key { return .optional(CELOptional(try member(field, of: object))) }
        return .optional(CELOptional(try element(key, of: object)))
    }
}
