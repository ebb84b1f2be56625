/// Reads the text form of a label selector. The grammar and the messages are those of Kubernetes' own parser.
struct LabelSelectorParser {
    private var tokens: [(kind: Token, text: String)]
    private var position = 0

    init(_ text: String) {
        var lexer = LabelSelectorLexer(Array(text.utf8))
        tokens = lexer.tokens()
    }

    mutating func parse() throws(SelectorError) -> [LabelRequirement] {
        var requirements: [LabelRequirement] = []
        while true {
            let next = peekValue
            switch next.kind {
            case .identifier, .not: break
            case .end: return requirements
            default: throw SelectorError("found '\(next.text)', expected: !, identifier, or 'end of string'")
            }
            do { requirements.append(try parseRequirement()) } catch {
                throw SelectorError("unable to parse requirement: \(error)")
            }
            let separator = takeValue()
            switch separator.kind {
            case .end: return requirements
            case .comma:
                let following = peekValue
                guard following.kind == .identifier || following.kind == .not else {
                    throw SelectorError("found '\(following.text)', expected: identifier after ','")
                }
            default: throw SelectorError("found '\(separator.text)', expected: ',' or 'end of string'")
            }
        }
    }

    private mutating func parseRequirement() throws(SelectorError) -> LabelRequirement {
        var token = takeValue()
        let isNegated = token.kind == .not
        if isNegated { token = takeValue() }
        guard token.kind == .identifier else {
            throw SelectorError("found '\(token.text)', expected: identifier")
        }
        let problems = NameRule.qualifiedName.problems(in: token.text)
        guard problems.isEmpty else {
            // The key has no path when it comes from a text; that is how Go prints an absent path.
            let key = GoText.quoted(token.text)
            throw SelectorError("<nil>: Invalid value: \(key): \(problems.joined(separator: "; "))")
        }
        if isNegated { return try LabelRequirement(token.text, .doesNotExist) }
        if peekValue.kind == .end || peekValue.kind == .comma {
            return try LabelRequirement(token.text, .exists)
        }
        let `operator` = try parseOperator()
        let isSet = `operator` == .in || `operator` == .notIn
        let values = isSet ? try parseValues() : [try parseExactValue()]
        return try LabelRequirement(token.text, `operator`, values)
    }

    private mutating func parseOperator() throws(SelectorError) -> LabelRequirement.Operator {
        let token = tokens[position]
        advance()
        switch token.kind {
        case .in: return .in
        case .notIn: return .notIn
        case .equals: return .equals
        case .doubleEquals: return .doubleEquals
        case .notEquals: return .notEquals
        case .greater: return .greaterThan
        case .less: return .lessThan
        default: throw SelectorError("found '\(token.text)', expected: in, notin, =, ==, !=, gt, lt")
        }
    }

    private mutating func parseExactValue() throws(SelectorError) -> String {
        if peekValue.kind == .end || peekValue.kind == .comma { return "" }
        let token = takeValue()
        guard token.kind == .identifier else {
            throw SelectorError("found '\(token.text)', expected: identifier")
        }
        return token.text
    }

    /// `(x,y)`; a place left empty is the empty value.
    private mutating func parseValues() throws(SelectorError) -> [String] {
        let open = takeValue()
        guard open.kind == .open else { throw SelectorError("found '\(open.text)' expected: '('") }
        let next = peekValue
        switch next.kind {
        case .identifier, .comma:
            let values = try parseList()
            guard takeValue().kind == .close else {
                throw SelectorError("found '\(next.text)', expected: ')'")
            }
            return values
        case .close:
            advance()
            return []
        default: throw SelectorError("found '\(next.text)', expected: ',', ')' or identifier")
        }
    }

    private mutating func parseList() throws(SelectorError) -> [String] {
        var values: [String] = []
        while true {
            let token = takeValue()
            switch token.kind {
            case .identifier:
                values.append(token.text)
                let next = peekValue
                if next.kind == .close { return values }
                guard next.kind == .comma else {
                    throw SelectorError("found '\(next.text)', expected: ',' or ')'")
                }
            case .comma:
                if values.isEmpty { values.append("") }
                if peekValue.kind == .close {
                    values.append("")
                    return values
                }
                if peekValue.kind == .comma {
                    advance()
                    values.append("")
                }
            default: throw SelectorError("found '\(token.text)', expected: ',', or identifier")
            }
        }
    }

    // MARK: - Tokens

    enum Token {
        case error, end, close, comma, not, doubleEquals, equals, greater, identifier, `in`, less, notEquals,
            notIn, open
    }

    /// The next token where a key or a value may stand: the words `in` and `notin` are names there.
    private var peekValue: (kind: Token, text: String) {
        let token = tokens[position]
        return token.kind == .in || token.kind == .notIn ? (.identifier, token.text) : token
    }

    private mutating func takeValue() -> (kind: Token, text: String) {
        defer { advance() }
        return peekValue
    }

    /// The last token, the end, is never passed.
    private mutating func advance() { position = min(position + 1, tokens.count - 1) }
}

/// Cuts the text of a selector into tokens.
private struct LabelSelectorLexer {
    private let bytes: [UInt8]
    private var position = 0

    private static let symbols = ByteSet(and: "=!(),><")
    private static let spaces = ByteSet(and: " \t\r\n")

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// All tokens; the last is `end`.
    mutating func tokens() -> [(kind: LabelSelectorParser.Token, text: String)] {
        var tokens: [(kind: LabelSelectorParser.Token, text: String)] = []
        while true {
            while position < bytes.count, Self.spaces.contains(bytes[position]) { position += 1 }
            guard position < bytes.count, bytes[position] != 0 else { break }
            tokens.append(Self.symbols.contains(bytes[position]) ? symbol() : word())
        }
        tokens.append((.end, ""))
        return tokens
    }

    private mutating func word() -> (kind: LabelSelectorParser.Token, text: String) {
        let start = position
        while position < bytes.count, bytes[position] != 0, !Self.symbols.contains(bytes[position]),
            !Self.spaces.contains(bytes[position])
        { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        return (text == "in" ? .in : text == "notin" ? .notIn : .identifier, text)
    }

    /// The longest operator that stands here.
    private mutating func symbol() -> (kind: LabelSelectorParser.Token, text: String) {
        for length in [2, 1] where position + length <= bytes.count {
            let text = String(decoding: bytes[position..<position + length], as: UTF8.self)
            if let kind = Self.operators[text] {
                position += length
                return (kind, text)
            }
        }
        position += 1
        return (.error, "")
    }

    private static let operators: [String: LabelSelectorParser.Token] = [
        ")": .close, ",": .comma, "!": .not, "==": .doubleEquals, "=": .equals, ">": .greater, "<": .less,
        "!=": .notEquals, "(": .open,
    ]
}
