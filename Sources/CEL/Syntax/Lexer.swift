/// Cuts a source into tokens (CEL specification, "Syntax").
struct Lexer {
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private(set) var issues: [SourceIssue] = []

    init(_ scalars: [Unicode.Scalar]) { self.scalars = scalars }

    /// All tokens; the last one is the end.
    mutating func tokens() -> [Token] {
        var tokens: [Token] = []
        while true {
            skipBlanks()
            guard let scalar = peek() else { break }
            let start = position
            if let token = quoted() {
                tokens.append(token)
            } else if scalar.isDigit || (scalar == "." && (peek(1)?.isDigit ?? false)) {
                tokens.append(number())
            } else if scalar.isIdentifierStart {
                while peek()?.isIdentifierPart ?? false { position += 1 }
                let text = self.text(from: start)
                let isWord = ["in", "true", "false", "null"].contains(text)
                tokens.append(Token(kind: isWord ? .symbol : .identifier, text: text, offset: start))
            } else if let symbol = symbol() {
                position += symbol.unicodeScalars.count
                tokens.append(Token(kind: .symbol, text: symbol, offset: start))
            } else {
                position += 1
                issues.append(
                    SourceIssue(offset: start, message: "Syntax error: token recognition error at: '\(scalar)'"))
            }
        }
        tokens.append(Token(kind: .end, text: "<EOF>", offset: scalars.count))
        return tokens
    }

    private func peek(_ distance: Int = 0) -> Unicode.Scalar? {
        position + distance < scalars.count ? scalars[position + distance] : nil
    }

    private func text(from start: Int) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[start..<position])
        return String(view)
    }

    private mutating func skipBlanks() {
        while let scalar = peek() {
            if scalar == "/", peek(1) == "/" {
                while let other = peek(), other != "\n" { position += 1 }
            } else if [" ", "\t", "\n", "\r", "\u{0C}"].contains(scalar) {
                position += 1
            } else {
                return
            }
        }
    }

    private func symbol() -> String? {
        guard let first = peek() else { return nil }
        if let second = peek(1) {
            let pair = String(first) + String(second)
            if ["==", "!=", "<=", ">=", "&&", "||"].contains(pair) { return pair }
        }
        return "<>[]{}().,-!?:+*/%".unicodeScalars.contains(first) ? String(first) : nil
    }

    private mutating func number() -> Token {
        let start = position
        if peek() == "0", peek(1) == "x" || peek(1) == "X", peek(2)?.properties.isASCIIHexDigit ?? false {
            position += 2
            while peek()?.properties.isASCIIHexDigit ?? false { position += 1 }
            return integer(from: start)
        }
        skipDigits()
        var isDouble = false
        if peek() == ".", peek(1)?.isDigit ?? false {
            isDouble = true
            position += 1
            skipDigits()
        }
        if peek() == "e" || peek() == "E" {
            let signed = peek(1) == "+" || peek(1) == "-" ? 2 : 1
            if peek(signed)?.isDigit ?? false {
                isDouble = true
                position += signed
                skipDigits()
            }
        }
        return isDouble ? Token(kind: .double, text: text(from: start), offset: start) : integer(from: start)
    }

    private mutating func integer(from start: Int) -> Token {
        let digits = text(from: start)
        guard peek() == "u" || peek() == "U" else { return Token(kind: .int, text: digits, offset: start) }
        position += 1
        return Token(kind: .uint, text: digits, offset: start)
    }

    private mutating func skipDigits() {
        while peek()?.isDigit ?? false { position += 1 }
    }

    // MARK: - Strings

    /// A string or bytes literal with its prefixes; `nil`, and no step, when none begins here.
    private mutating func quoted() -> Token? {
        let start = position
        var (isRaw, isBytes) = (false, false)
        var distance = 0
        while let scalar = peek(distance), distance < 2 {
            if !isRaw, scalar == "r" || scalar == "R" {
                isRaw = true
            } else if !isBytes, scalar == "b" || scalar == "B" {
                isBytes = true
            } else {
                break
            }
            distance += 1
        }
        guard let quote = peek(distance), quote == "\"" || quote == "'" else { return nil }
        position += distance
        let isTriple = peek(1) == quote && peek(2) == quote
        position += isTriple ? 3 : 1
        var reader = StringReader(isRaw: isRaw, isBytes: isBytes)
        while let scalar = peek() {
            if scalar == quote, !isTriple || (peek(1) == quote && peek(2) == quote) {
                position += isTriple ? 3 : 1
                if let problem = reader.problem { issues.append(SourceIssue(offset: start, message: problem)) }
                return Token(
                    kind: isBytes ? .bytes : .string, text: text(from: start), offset: start, content: reader.bytes)
            }
            guard isTriple || (scalar != "\n" && scalar != "\r") else { break }
            position += reader.read(scalars[position...])
        }
        let shown = text(from: start)
        issues.append(SourceIssue(offset: start, message: "Syntax error: token recognition error at: '\(shown)'"))
        return Token(kind: isBytes ? .bytes : .string, text: shown, offset: start, content: reader.bytes)
    }
}

/// Gathers what a literal means.
private struct StringReader {
    let isRaw: Bool
    let isBytes: Bool
    var bytes: [UInt8] = []
    var problem: String?

    init(isRaw: Bool, isBytes: Bool) {
        self.isRaw = isRaw
        self.isBytes = isBytes
    }

    /// Takes the first scalar, or the whole escape sequence; returns how many scalars that were.
    mutating func read(_ rest: ArraySlice<Unicode.Scalar>) -> Int {
        let scalars = Array(rest.prefix(10))
        guard scalars[0] == "\\", scalars.count > 1 else {
            bytes += Array(String(scalars[0]).utf8)
            return 1
        }
        if isRaw {
            // A backslash means itself; it only keeps a quote from ending the literal.
            bytes.append(UInt8(ascii: "\\"))
            if scalars[1] == "\"" || scalars[1] == "'" || scalars[1] == "\\" {
                bytes.append(UInt8(ascii: scalars[1]))
                return 2
            }
            return 1
        }
        let simple: [Unicode.Scalar: UInt8] = [
            "a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, "\"": 34, "`": 96, "?": 63,
        ]
        if let byte = simple[scalars[1]] {
            bytes.append(byte)
            return 2
        }
        switch scalars[1] {
        case "x", "X": return readCode(scalars, from: 2, digits: 2, radix: 16)
        case "u" where !isBytes: return readCode(scalars, from: 2, digits: 4, radix: 16)
        case "U" where !isBytes: return readCode(scalars, from: 2, digits: 8, radix: 16)
        case "0"..."3": return readCode(scalars, from: 1, digits: 3, radix: 8)
        default:
            problem = "Syntax error: token recognition error at: '\\\(scalars[1])'"
            return 2
        }
    }

    private mutating func readCode(_ scalars: [Unicode.Scalar], from start: Int, digits: Int, radix: Int) -> Int {
        var code: UInt32 = 0
        for offset in start..<(start + digits) {
            guard offset < scalars.count, scalars[offset].isASCII,
                let digit = Character(scalars[offset]).hexDigitValue, digit < radix
            else {
                problem = "invalid escape sequence"
                return min(offset, scalars.count)
            }
            code = code &* UInt32(radix) &+ UInt32(digit)
        }
        if isBytes {
            bytes.append(UInt8(truncatingIfNeeded: code))
        } else if let scalar = Unicode.Scalar(code) {
            bytes += Array(String(scalar).utf8)
        } else {
            problem = "invalid unicode code point"
        }
        return start + digits
    }
}

extension Unicode.Scalar {
    fileprivate var isDigit: Bool { ("0"..."9").contains(self) }
    fileprivate var isIdentifierStart: Bool {
        ("a"..."z").contains(self) || ("A"..."Z").contains(self) || self == "_"
    }
    fileprivate var isIdentifierPart: Bool { isIdentifierStart || isDigit }
}
