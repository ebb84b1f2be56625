/// Makes a tree of a source (CEL specification, "Syntax"): operators by their strength, everything else by descent.
struct Parser {
    private let tokens: [Token]
    private var position = 0
    private var depth = 0
    private(set) var issues: [SourceIssue] = []
    /// How many nodes were made.
    private(set) var count = 0
    /// How many nodes macros have repeated.
    private var repeatedCount = 0

    /// Thrown to leave the descent; what was wrong is in `issues`.
    struct Stop: Error {}

    /// Brackets inside of brackets, and operators in a row: what recurses needs a bound.
    private static let deepest = 100
    private static let deepestTree = 400
    /// In code points, as in the reference.
    private static let longestSource = 100_000
    /// Macros that repeat what they are called on double it with each link of a chain.
    private static let mostRepeated = 10_000

    /// The tree of `source`, or what is wrong with it.
    static func parse(_ source: [Unicode.Scalar]) -> Result<(Expression, count: Int), ParseFailure> {
        guard source.count <= longestSource else {
            let message = "expression code point size exceeds limit: size: \(source.count), limit \(longestSource)"
            return .failure(ParseFailure(issues: [SourceIssue(offset: 0, message: message)]))
        }
        var lexer = Lexer(source)
        let tokens = lexer.tokens()
        guard lexer.issues.isEmpty else { return .failure(ParseFailure(issues: lexer.issues)) }
        var parser = Parser(tokens: tokens)
        do throws(Stop) {
            let tree = try parser.expression()
            guard parser.next.kind == .end else {
                throw parser.stop("Syntax error: extraneous input '\(parser.next.text)' expecting <EOF>")
            }
            return .success((tree, parser.count))
        } catch {
            return .failure(ParseFailure(issues: parser.issues))
        }
    }

    struct ParseFailure: Error { let issues: [SourceIssue] }

    private init(tokens: [Token]) { self.tokens = tokens }

    // MARK: - For macros, too

    mutating func make(_ kind: Expression.Kind, at offset: Int) -> Expression {
        count += 1
        return Expression(id: count - 1, offset: offset, kind: kind)
    }

    /// Counts what stands in the tree a second time.
    mutating func noteRepeated(_ expression: Expression) throws(Stop) {
        repeatedCount += expression.size
        guard repeatedCount <= Self.mostRepeated else {
            throw stop("expression is too large: macros repeat more than \(Self.mostRepeated) parts of it")
        }
    }

    mutating func stop(_ message: String, at offset: Int? = nil) -> Stop {
        issues.append(SourceIssue(offset: offset ?? next.offset, message: message))
        return Stop()
    }

    // MARK: - Tokens

    private var next: Token { tokens[position] }

    private func isNext(_ symbol: String) -> Bool { next.kind == .symbol && next.text == symbol }

    private mutating func take(_ symbol: String) -> Bool {
        guard isNext(symbol) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws(Stop) {
        guard take(symbol) else { throw stop("Syntax error: missing '\(symbol)' at '\(next.text)'") }
    }

    private mutating func unexpected() -> Stop {
        stop(
            "Syntax error: mismatched input '\(next.text)' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', "
                + "'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}")
    }

    private mutating func checkDepth(of expression: Expression) throws(Stop) {
        guard expression.depth <= Self.deepestTree else {
            throw stop("expression recursion limit exceeded: \(Self.deepestTree)")
        }
    }

    // MARK: - Operators

    private mutating func expression() throws(Stop) -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else {
            throw stop("expression recursion limit exceeded: \(Self.deepest)")
        }
        let condition = try logical(isAnd: false)
        try checkDepth(of: condition)
        let offset = next.offset
        guard take("?") else { return condition }
        let first = try logical(isAnd: false)
        try expect(":")
        let second = try expression()
        return make(.call(Operator.conditional, target: nil, [condition, first, second]), at: offset)
    }

    private mutating func logical(isAnd: Bool) throws(Stop) -> Expression {
        let first = isAnd ? try binary(strength: 1) : try logical(isAnd: true)
        let offset = next.offset
        var terms = [first]
        while take(isAnd ? "&&" : "||") {
            terms.append(isAnd ? try binary(strength: 1) : try logical(isAnd: true))
        }
        return terms.count == 1 ? first : make(.logical(isAnd: isAnd, terms), at: offset)
    }

    private mutating func binary(strength: Int) throws(Stop) -> Expression {
        var left = strength == 3 ? try unary() : try binary(strength: strength + 1)
        while next.kind == .symbol, let found = Operator.binary(next.text), found.strength == strength {
            try checkDepth(of: left)
            let offset = next.offset
            position += 1
            let right = strength == 3 ? try unary() : try binary(strength: strength + 1)
            left = make(.call(found.function, target: nil, [left, right]), at: offset)
        }
        return left
    }

    private mutating func unary() throws(Stop) -> Expression {
        let offset = next.offset
        for (symbol, function) in [("!", Operator.logicalNot), ("-", Operator.negate)] where isNext(symbol) {
            // A minus before a number belongs to the number, whose least value has no positive counterpart.
            let following = tokens[position + 1].kind
            if symbol == "-", following == .int || following == .double { return try member() }
            var signs = 0
            while take(symbol) { signs += 1 }
            let operand = try member()
            return signs % 2 == 0 ? operand : make(.call(function, target: nil, [operand]), at: offset)
        }
        return try member()
    }

    // MARK: - Members

    private mutating func member() throws(Stop) -> Expression {
        var value = try primary()
        while next.kind == .symbol {
            try checkDepth(of: value)
            let offset = next.offset
            if take(".") {
                value = try selection(from: value, at: offset)
            } else if take("[") {
                let isOptional = take("?")
                let index = try expression()
                try expect("]")
                let function = isOptional ? Operator.optionalIndex : Operator.index
                value = make(.call(function, target: nil, [value, index]), at: offset)
            } else if isNext("{"), let name = qualifiedName(of: value) {
                value = try object(name)
            } else {
                break
            }
        }
        return value
    }

    /// Behind the dot.
    private mutating func selection(from operand: Expression, at offset: Int) throws(Stop) -> Expression {
        let isOptional = take("?")
        guard next.kind == .identifier else {
            throw stop("Syntax error: mismatched input '\(next.text)' expecting IDENTIFIER")
        }
        let name = next.text
        position += 1
        if isOptional {
            let field = make(.literal(.string(name)), at: offset)
            return make(.call(Operator.optionalSelect, target: nil, [operand, field]), at: offset)
        }
        let open = next.offset
        guard take("(") else { return make(.select(operand, field: name), at: offset) }
        let arguments = try arguments()
        if let expanded = try expandMacro(name, target: operand, arguments, at: open) { return expanded }
        return make(.call(name, target: operand, arguments), at: open)
    }

    /// Behind the opening parenthesis.
    private mutating func arguments() throws(Stop) -> [Expression] {
        var arguments: [Expression] = []
        if take(")") { return arguments }
        repeat { arguments.append(try expression()) } while take(",")
        try expect(")")
        return arguments
    }

    private func qualifiedName(of value: Expression) -> String? {
        switch value.kind {
        case .identifier(let name): name
        case .select(let operand, let field): qualifiedName(of: operand).map { $0 + "." + field }
        default: nil
        }
    }

    private mutating func primary() throws(Stop) -> Expression {
        let token = next
        switch token.kind {
        case .identifier: return try identifier(isAbsolute: false)
        case .int, .uint, .double, .string, .bytes: return try literal()
        case .end: throw unexpected()
        case .symbol: break
        }
        position += 1
        switch token.text {
        case "true": return make(.literal(.bool(true)), at: token.offset)
        case "false": return make(.literal(.bool(false)), at: token.offset)
        case "null": return make(.literal(.null), at: token.offset)
        case "(":
            let inner = try expression()
            try expect(")")
            return inner
        case "[": return try list(at: token.offset)
        case "{": return try map(at: token.offset)
        case "." where next.kind == .identifier: return try identifier(isAbsolute: true)
        case "-":
            position -= 1
            return try literal()
        default:
            position -= 1
            throw unexpected()
        }
    }

    private static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
        "namespace", "return", "var", "void", "while",
    ]

    private mutating func identifier(isAbsolute: Bool) throws(Stop) -> Expression {
        let token = next
        position += 1
        if Self.reserved.contains(token.text) { throw stop("reserved identifier: \(token.text)", at: token.offset) }
        let name = isAbsolute ? "." + token.text : token.text
        let open = next.offset
        guard take("(") else { return make(.identifier(name), at: token.offset) }
        let arguments = try arguments()
        if let expanded = try expandMacro(token.text, target: nil, arguments, at: open) { return expanded }
        return make(.call(token.text, target: nil, arguments), at: open)
    }

    // MARK: - Literals

    private mutating func literal() throws(Stop) -> Expression {
        let offset = next.offset
        let isNegative = take("-")
        let token = next
        position += 1
        let text = (isNegative ? "-" : "") + token.text
        switch token.kind {
        case .int:
            let hex = token.text.hasPrefix("0x") || token.text.hasPrefix("0X")
            let digits = hex ? (isNegative ? "-" : "") + token.text.dropFirst(2) : text
            guard let number = Int64(digits, radix: hex ? 16 : 10) else {
                throw stop("invalid int literal", at: offset)
            }
            return make(.literal(.int(number)), at: offset)
        case .uint:
            let hex = token.text.hasPrefix("0x") || token.text.hasPrefix("0X")
            guard let number = UInt64(hex ? String(token.text.dropFirst(2)) : token.text, radix: hex ? 16 : 10) else {
                throw stop("invalid uint literal", at: offset)
            }
            return make(.literal(.uint(number)), at: offset)
        case .double:
            guard let number = Double(text), number.isFinite else { throw stop("invalid double literal", at: offset) }
            return make(.literal(.double(number)), at: offset)
        case .string:
            return make(.literal(.string(String(decoding: token.content, as: UTF8.self))), at: offset)
        case .bytes: return make(.literal(.bytes(token.content)), at: offset)
        default:
            position -= 1
            throw unexpected()
        }
    }

    private mutating func list(at offset: Int) throws(Stop) -> Expression {
        var elements: [Expression.Element] = []
        while !take("]") {
            let isOptional = take("?")
            elements.append(.init(value: try expression(), isOptional: isOptional))
            if !take(",") {
                try expect("]")
                break
            }
        }
        return make(.list(elements), at: offset)
    }

    private mutating func map(at offset: Int) throws(Stop) -> Expression {
        var entries: [Expression.Entry] = []
        while !take("}") {
            let isOptional = take("?")
            let key = try expression()
            try expect(":")
            entries.append(.init(key: key, value: try expression(), isOptional: isOptional))
            if !take(",") {
                try expect("}")
                break
            }
        }
        return make(.map(entries), at: offset)
    }

    private mutating func object(_ name: String) throws(Stop) -> Expression {
        let offset = next.offset
        try expect("{")
        var fields: [Expression.Field] = []
        while !take("}") {
            let isOptional = take("?")
            guard next.kind == .identifier else {
                throw stop("Syntax error: mismatched input '\(next.text)' expecting IDENTIFIER")
            }
            let field = next
            position += 1
            try expect(":")
            fields.append(
                .init(name: field.text, offset: field.offset, value: try expression(), isOptional: isOptional))
            if !take(",") {
                try expect("}")
                break
            }
        }
        return make(.object(name, fields), at: offset)
    }
}
