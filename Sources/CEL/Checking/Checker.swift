/// Gives every node of a parsed expression its type, and every call its function.
struct Checker {
    let environment: CELEnvironment
    var unifier = Unifier()
    var issues: [SourceIssue] = []
    /// By the number of a node.
    var types: [CELType]
    var functions: [CELFunction?]
    /// The variable that a name or a chain of selections means.
    var variables: [String?]
    /// The variables of comprehensions, the innermost last.
    var scopes: [(name: String, type: CELType)] = []

    init(_ environment: CELEnvironment, count: Int) {
        self.environment = environment
        types = Array(repeating: .dyn, count: count)
        functions = Array(repeating: nil, count: count)
        variables = Array(repeating: nil, count: count)
    }

    /// Checks the whole tree; the type of its result.
    mutating func check(root: Expression) -> CELType {
        let type = check(root)
        for index in types.indices { types[index] = unifier.resolve(types[index], unknownIsDyn: true) }
        return unifier.resolve(type, unknownIsDyn: true)
    }

    @discardableResult
    mutating func check(_ expression: Expression) -> CELType {
        let found = computeType(of: expression)
        let type = unifier.isTooLarge(found) ? tooLarge(expression) : unifier.resolve(found)
        types[expression.id] = type
        return type
    }

    private mutating func tooLarge(_ expression: Expression) -> CELType {
        report("type is too large", at: expression.offset)
        return .dyn
    }

    mutating func report(_ message: String, at offset: Int) {
        issues.append(SourceIssue(offset: offset, message: message))
    }

    private mutating func computeType(of expression: Expression) -> CELType {
        switch expression.kind {
        case .literal(let value): return value.literalType
        case .identifier(let name): return checkIdentifier(name, expression)
        case .select(let operand, let field): return checkSelect(operand, field, expression)
        case .test(let operand, let field):
            if let name = qualifiedName(operand).map({ $0 + "." + field }), isDeclared(name) {
                variables[expression.id] = name
            } else {
                _ = selectField(field, of: check(operand), at: expression.offset)
            }
            return .bool
        case .call(let name, let target, let arguments): return checkCall(name, target, arguments, expression)
        case .logical(let isAnd, let terms):
            for term in terms {
                let type = check(term)
                guard !unifier.assign(type, to: .bool) else { continue }
                let function = isAnd ? Operator.logicalAnd : Operator.logicalOr
                reportOverload(function, nil, terms.map { types[$0.id] }, at: expression.offset)
                break
            }
            return .bool
        case .list(let elements): return checkList(elements, expression)
        case .map(let entries): return checkMap(entries, expression)
        case .object(let name, let fields): return checkObject(name, fields, expression)
        case .comprehension(let loop): return checkComprehension(loop, expression)
        }
    }

    // MARK: - Names

    private func isDeclared(_ name: String) -> Bool {
        !isScoped(name) && environment.variables[name] != nil
    }

    /// Whether the first word of a name is a variable of a comprehension.
    private func isScoped(_ name: String) -> Bool {
        let first = name.prefix { $0 != "." }
        return scopes.contains { $0.name == first }
    }

    private mutating func checkIdentifier(_ name: String, _ expression: Expression) -> CELType {
        if let scoped = scopes.last(where: { $0.name == name }) { return scoped.type }
        let plain = name.hasPrefix(".") ? String(name.dropFirst()) : name
        if let type = environment.variables[plain] {
            variables[expression.id] = plain
            return type
        }
        if CELLibrary.typeNames.contains(plain) { return .type }
        report("undeclared reference to '\(plain)' (in container '')", at: expression.offset)
        return .dyn
    }

    func qualifiedName(_ expression: Expression) -> String? {
        switch expression.kind {
        case .identifier(let name): name.hasPrefix(".") ? String(name.dropFirst()) : name
        case .select(let operand, let field): qualifiedName(operand).map { $0 + "." + field }
        default: nil
        }
    }

    private mutating func checkSelect(_ operand: Expression, _ field: String, _ expression: Expression) -> CELType {
        if let name = qualifiedName(expression) {
            if isDeclared(name) {
                variables[expression.id] = name
                return environment.variables[name] ?? .dyn
            }
            if !isScoped(name), CELLibrary.typeNames.contains(name) { return .type }
        }
        return selectField(field, of: check(operand), at: expression.offset)
    }

    /// The type of a field; of an optional object's field an optional.
    mutating func selectField(_ field: String, of operand: CELType, at offset: Int) -> CELType {
        switch operand {
        case .dyn: return .dyn
        case .unknown:
            _ = unifier.assign(.dyn, to: operand)
            return .dyn
        case .map(_, let value): return value
        case .optional(let wrapped): return .optional(unwrapped(selectField(field, of: wrapped, at: offset)))
        case .object(let type):
            if let schema = environment.schema(ofField: field, in: type) { return CELType(schema) }
        case .named(let type):
            if let found = type.type(ofField: field) { return found }
        default:
            report("type '\(operand.name)' does not support field selection", at: offset)
            return .dyn
        }
        report("undefined field '\(field)'", at: offset)
        return .dyn
    }

    func unwrapped(_ type: CELType) -> CELType {
        if case .optional(let wrapped) = type { wrapped } else { type }
    }

    // MARK: - Aggregates

    private mutating func checkList(_ elements: [Expression.Element], _ expression: Expression) -> CELType {
        var joined: CELType?
        for element in elements {
            var type = check(element.value)
            if element.isOptional { type = optionalContent(type, element.value) }
            joined = join(joined, type, at: element.value.offset)
        }
        return .list(joined ?? unifier.fresh())
    }

    private mutating func checkMap(_ entries: [Expression.Entry], _ expression: Expression) -> CELType {
        var (key, value): (CELType?, CELType?)
        for entry in entries {
            key = join(key, check(entry.key), at: entry.key.offset)
            var type = check(entry.value)
            if entry.isOptional { type = optionalContent(type, entry.value) }
            value = join(value, type, at: entry.value.offset)
        }
        return .map(key ?? unifier.fresh(), value ?? unifier.fresh())
    }

    private mutating func optionalContent(_ type: CELType, _ expression: Expression) -> CELType {
        let content = unifier.fresh()
        if type != .dyn, !unifier.assign(type, to: .optional(content)) {
            report("expected type 'optional_type(dyn)' but found '\(type.name)'", at: expression.offset)
        }
        return unifier.resolve(content)
    }

    /// Elements of one literal have one type: Kubernetes asks for that.
    private mutating func join(_ joined: CELType?, _ type: CELType, at offset: Int) -> CELType {
        guard let joined else { return type }
        if unifier.assign(type, to: joined) {
            return joined == .null || type == .dyn ? type : unifier.resolve(joined)
        }
        report("expected type '\(shown(joined))' but found '\(shown(type))'", at: offset)
        return .dyn
    }

    func shown(_ type: CELType) -> String { unifier.resolve(type, unknownIsDyn: true).name }

    private mutating func checkObject(_ name: String, _ fields: [Expression.Field], _ expression: Expression)
        -> CELType
    {
        guard let type = environment.objectTypes(name) else {
            report("undeclared reference to '\(name)' (in container '')", at: expression.offset)
            for field in fields { check(field.value) }
            return .dyn
        }
        for field in fields {
            var found = check(field.value)
            if field.isOptional { found = optionalContent(found, field.value) }
            guard let declared = type.type(ofField: field.name) else {
                report("undefined field '\(field.name)'", at: field.offset)
                continue
            }
            if !unifier.assign(found, to: declared) {
                report(
                    "expected type of field '\(field.name)' is '\(declared.name)' but provided type is "
                        + "'\(shown(found))'", at: field.offset)
            }
        }
        return .named(type)
    }

    // MARK: - Comprehensions

    private mutating func checkComprehension(_ loop: Expression.Comprehension, _ expression: Expression) -> CELType {
        let range = check(loop.range)
        let accumulator = check(loop.initial)
        let count = scopes.count
        let (first, second) = iterated(range, hasSecond: loop.second != nil, at: loop.range.offset)
        scopes.append((loop.accumulator, accumulator))
        scopes.append((loop.variable, first))
        if let name = loop.second { scopes.append((name, second)) }
        expect(check(loop.condition), .bool, at: loop.condition.offset)
        expect(check(loop.step), accumulator, at: loop.step.offset)
        scopes.removeSubrange((count + 1)...)
        scopes[count].type = unifier.resolve(accumulator)
        let result = check(loop.result)
        scopes.removeLast()
        return result
    }

    private mutating func expect(_ found: CELType, _ wanted: CELType, at offset: Int) {
        guard !unifier.assign(found, to: wanted) else { return }
        report("expected type '\(shown(wanted))' but found '\(shown(found))'", at: offset)
    }

    /// The types of the one or two variables of a loop.
    private mutating func iterated(_ range: CELType, hasSecond: Bool, at offset: Int) -> (CELType, CELType) {
        switch unifier.resolve(range) {
        case .list(let element): return hasSecond ? (.int, element) : (element, .dyn)
        case .map(let key, let value): return (key, value)
        case .dyn: return (.dyn, .dyn)
        case .unknown:
            _ = unifier.assign(.dyn, to: range)
            return (.dyn, .dyn)
        case let other:
            report(
                "expression of type '\(other.name)' cannot be range of a comprehension "
                    + "(must be list, map, or dynamic)", at: offset)
            return (.dyn, .dyn)
        }
    }
}

extension CELValue {
    fileprivate var literalType: CELType {
        switch self {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        default: .dyn
        }
    }
}
