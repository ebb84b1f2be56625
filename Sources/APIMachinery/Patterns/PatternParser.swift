/// Reads the syntax of RE2.
struct PatternParser {
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var flags = PatternFlags()
    private var depth = 0
    /// Whether the tree tells of groups.
    private let isCapturing: Bool
    private var groupCount = 0
    /// The numbers of groups that have names.
    private(set) var groupNames: [String: Int] = [:]
    /// What takes a scalar or looks at a place, so far.
    private var itemCount = 0
    /// Whether `:]` may follow; once it was sought in vain, nobody looks for it again.
    private var hasPosixEnd = true

    /// Parentheses inside of parentheses; a parser that recurses needs a bound.
    private static let deepest = 200
    /// The largest count in braces, as in RE2.
    private static let largestCount = 1000

    init(_ pattern: String, isCapturing: Bool = false) {
        scalars = Array(pattern.unicodeScalars)
        self.isCapturing = isCapturing
    }

    mutating func parse() throws(RegularExpressionError) -> PatternTree {
        let tree = try parseChoice()
        guard position == scalars.count else { throw failure("unexpected )", from: 0) }
        return tree
    }

    private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        position += 1
        return true
    }

    private func looksAt(_ text: String) -> Bool { scalars[position...].starts(with: text.unicodeScalars) }

    private func failure(_ reason: String, from start: Int, to end: Int? = nil) -> RegularExpressionError {
        var part = String.UnicodeScalarView()
        part.append(contentsOf: scalars[min(start, scalars.count)..<min(end ?? scalars.count, scalars.count)])
        return RegularExpressionError(reason: reason, part: String(part))
    }

    // MARK: - Sequences, choices, repetitions

    private mutating func parseChoice() throws(RegularExpressionError) -> PatternTree {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw failure("expression nests too deeply", from: 0) }
        let outer = flags
        defer { flags = outer }
        var branches = [try parseSequence()]
        while take("|") { branches.append(try parseSequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func parseSequence() throws(RegularExpressionError) -> PatternTree {
        var items: [PatternTree] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            if looksAt("\\Q") {
                items += parseQuoted()
                continue
            }
            let start = position
            guard let item = try parseItem() else { continue }
            items.append(try parseRepetitions(of: item, from: start))
        }
        return items.count == 1 ? items[0] : items.isEmpty ? .empty : .sequence(items)
    }

    /// `\Q...\E`: everything in between means itself.
    private mutating func parseQuoted() -> [PatternTree] {
        position += 2
        var items: [PatternTree] = []
        while let scalar = next {
            if looksAt("\\E") {
                position += 2
                break
            }
            items.append(.scalars(set(of: scalar)))
            position += 1
        }
        return items
    }

    private mutating func parseRepetitions(of item: PatternTree, from start: Int) throws(RegularExpressionError)
        -> PatternTree
    {
        guard let (least, most) = try parseCount() else { return item }
        let isGreedy = take("?") == flags.isUngreedy
        let end = position
        // Go: a repetition of a repetition is refused, unless the inner one is in parentheses.
        if try parseCount() != nil {
            throw failure("invalid nested repetition operator", from: start + 1, to: max(end + 1, position))
        }
        return .repetition(item, least: least, most: most, isGreedy: isGreedy)
    }

    private mutating func parseCount() throws(RegularExpressionError) -> (Int, Int?)? {
        switch next {
        case "*":
            position += 1
            return (0, nil)
        case "+":
            position += 1
            return (1, nil)
        case "?":
            position += 1
            return (0, 1)
        case "{": return try parseBraces()
        default: return nil
        }
    }

    /// `{2}`, `{2,}`, `{2,4}`; anything else is a brace that means itself.
    private mutating func parseBraces() throws(RegularExpressionError) -> (Int, Int?)? {
        let start = position
        position += 1
        guard let least = parseNumber() else {
            position = start
            return nil
        }
        var most: Int? = least
        if take(",") { most = next == "}" ? nil : parseNumber() ?? -1 }
        guard take("}"), most != -1 else {
            position = start
            return nil
        }
        guard least <= Self.largestCount, most ?? least <= Self.largestCount, least <= most ?? least else {
            throw failure("invalid repeat count", from: start, to: position)
        }
        return (least, most)
    }

    private mutating func parseNumber() -> Int? {
        let start = position
        var number = 0
        while let scalar = next, (48...57).contains(scalar.value) {
            number = min(number * 10 + Int(scalar.value - 48), Self.largestCount + 1)
            position += 1
        }
        return position > start ? number : nil
    }

    // MARK: - Single items

    /// `nil` for what only changes flags.
    private mutating func parseItem() throws(RegularExpressionError) -> PatternTree? {
        let start = position
        guard let scalar = next else { return nil }
        itemCount += 1
        // The program would be too large; no tree is made for it.
        guard itemCount <= PatternProgram.largest else {
            throw RegularExpressionError(reason: "expression too large", part: "")
        }
        position += 1
        switch scalar {
        case ".": return .scalars(flags.dotTakesNewline ? .all : .allButNewline)
        case "^": return .assertion(flags.isMultiline ? .lineStart : .textStart)
        case "$": return .assertion(flags.isMultiline ? .lineEnd : .textEnd)
        case "[": return .scalars(try parseClass(from: start))
        case "(": return try parseGroup(from: start)
        case "\\": return try parseEscape(from: start)
        case "*", "+", "?":
            throw failure("missing argument to repetition operator", from: start, to: position)
        case "{":
            position = start
            if try parseBraces() != nil {
                throw failure("missing argument to repetition operator", from: start, to: position)
            }
            position = start + 1
            return .scalars(set(of: scalar))
        default: return .scalars(set(of: scalar))
        }
    }

    private func set(of scalar: Unicode.Scalar) -> ScalarSet {
        flags.ignoresCase ? ScalarSet(scalar).foldingCase : ScalarSet(scalar)
    }

    private mutating func parseGroup(from start: Int) throws(RegularExpressionError) -> PatternTree? {
        var inner = flags
        var number: Int?
        if take("?") {
            if looksAt("P<") || looksAt("<") {
                number = numberGroup()
                try parseGroupName(from: start)
            } else {
                guard try parseFlags(into: &inner, from: start) else {
                    // `(?i)` holds until the end of the group around it.
                    flags = inner
                    return nil
                }
            }
        } else {
            number = numberGroup()
        }
        let outer = flags
        flags = inner
        let tree = try parseChoice()
        flags = outer
        guard take(")") else { throw failure("missing closing )", from: 0) }
        return isCapturing ? number.map { .group(tree, $0) } ?? tree : tree
    }

    private mutating func numberGroup() -> Int {
        groupCount += 1
        return groupCount
    }

    private mutating func parseGroupName(from start: Int) throws(RegularExpressionError) {
        position += looksAt("P<") ? 2 : 1
        var name = ""
        while let scalar = next, scalar != ">" {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard take(">"), !name.isEmpty, name.unicodeScalars.allSatisfy({ ScalarSet.word.contains($0.value) }) else {
            throw failure("invalid named capture", from: start, to: position)
        }
        guard groupNames.updateValue(groupCount, forKey: name) == nil else {
            throw failure("duplicate capture group name", from: start, to: position)
        }
    }

    /// Reads `i-s:` or `i)`; whether a group follows.
    private mutating func parseFlags(into inner: inout PatternFlags, from start: Int) throws(RegularExpressionError)
        -> Bool
    {
        var (value, isEmpty) = (true, true)
        while let scalar = next {
            position += 1
            switch scalar {
            case "i": inner.ignoresCase = value
            case "m": inner.isMultiline = value
            case "s": inner.dotTakesNewline = value
            case "U": inner.isUngreedy = value
            case "-" where value:
                value = false
                isEmpty = true
                continue
            case ":" where value || !isEmpty: return true
            case ")" where !isEmpty: return false
            default: throw failure("invalid or unsupported Perl syntax", from: start, to: position)
            }
            isEmpty = false
        }
        throw failure("missing closing )", from: 0)
    }

    private mutating func parseEscape(from start: Int) throws(RegularExpressionError) -> PatternTree {
        switch next {
        case "A": return assertion(.textStart)
        case "z": return assertion(.textEnd)
        case "b": return assertion(.wordBoundary)
        case "B": return assertion(.noWordBoundary)
        default: break
        }
        if let set = try parseClassEscape(from: start) { return .scalars(set) }
        return .scalars(set(of: try parseScalarEscape(from: start)))
    }

    private mutating func assertion(_ kind: PatternAssertion) -> PatternTree {
        position += 1
        return .assertion(kind)
    }

    /// `\d`, `\S`, `\pL`, `\P{Lu}`, `\p{Greek}`; behind the backslash. `nil` when none follows.
    private mutating func parseClassEscape(from start: Int) throws(RegularExpressionError) -> ScalarSet? {
        guard let scalar = next else { return nil }
        let found: ScalarSet
        switch scalar {
        case "d": found = .digits
        case "D": found = ScalarSet.digits.inverted
        case "s": found = .space
        case "S": found = ScalarSet.space.inverted
        case "w": found = .word
        case "W": found = ScalarSet.word.inverted
        case "p", "P":
            position += 1
            return try parseCategory(isNegated: scalar == "P", from: start)
        default: return nil
        }
        position += 1
        return found
    }

    private mutating func parseCategory(isNegated: Bool, from start: Int) throws(RegularExpressionError) -> ScalarSet {
        var (name, isNegated) = ("", isNegated)
        if take("{") {
            if take("^") { isNegated.toggle() }
            while let scalar = next, scalar != "}" {
                name.unicodeScalars.append(scalar)
                position += 1
            }
            guard take("}") else { throw failure("invalid character class range", from: start, to: position) }
        } else if let scalar = next {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard let found = ScalarSet.named(name) else {
            throw failure("invalid character class range", from: start, to: position)
        }
        let folded = flags.ignoresCase ? found.foldingCase : found
        return isNegated ? folded.inverted : folded
    }

    /// One scalar that is written with a backslash; behind the backslash.
    private mutating func parseScalarEscape(from start: Int) throws(RegularExpressionError) -> Unicode.Scalar {
        guard let scalar = next else { throw failure("trailing backslash at end of expression", from: scalars.count) }
        position += 1
        switch scalar {
        case "a": return "\u{07}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "x": return try parseHex(from: start)
        case "0"..."7":
            // A back-reference unless another digit follows.
            var value = scalar.value - 48
            if scalar != "0", !(next.map { ("0"..."7").contains($0) } ?? false) { break }
            for _ in 0..<2 {
                guard let digit = next, ("0"..."7").contains(digit) else { break }
                value = value * 8 + digit.value - 48
                position += 1
            }
            if let found = Unicode.Scalar(value) { return found }
        default:
            if scalar.value < 128, !ScalarSet.word.contains(scalar.value) || scalar == "_" { return scalar }
        }
        throw failure("invalid escape sequence", from: start, to: position)
    }

    private mutating func parseHex(from start: Int) throws(RegularExpressionError) -> Unicode.Scalar {
        var digits = ""
        if take("{") {
            while let scalar = next, scalar != "}" {
                digits.unicodeScalars.append(scalar)
                position += 1
            }
            guard take("}") else { throw failure("invalid escape sequence", from: start, to: position) }
        } else {
            for _ in 0..<2 {
                guard let scalar = next else { break }
                digits.unicodeScalars.append(scalar)
                position += 1
            }
            guard digits.unicodeScalars.count == 2 else { throw failure("invalid escape sequence", from: start) }
        }
        guard digits.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }), let value = UInt32(digits, radix: 16),
            let scalar = Unicode.Scalar(value)
        else { throw failure("invalid escape sequence", from: start, to: position) }
        return scalar
    }

    // MARK: - Classes in brackets

    private mutating func parseClass(from start: Int) throws(RegularExpressionError) -> ScalarSet {
        let isNegated = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        var (isFirst, limit) = (true, 4096)
        while isFirst || next != "]" {
            guard next != nil else { throw failure("missing closing ]", from: start) }
            if next == "-", !isFirst, position + 1 < scalars.count, scalars[position + 1] != "]" {
                throw failure("invalid character class range", from: position, to: position + 2)
            }
            ranges += try parseClassItem(from: start).ranges
            isFirst = false
            // Put in order when they have doubled: neither time nor memory run away.
            guard ranges.count > limit else { continue }
            ranges = ScalarSet(ranges).ranges
            limit = max(limit, ranges.count * 2)
        }
        position += 1
        var set = ScalarSet(ranges)
        if flags.ignoresCase { set = set.foldingCase }
        return isNegated ? set.inverted : set
    }

    private mutating func parseClassItem(from start: Int) throws(RegularExpressionError) -> ScalarSet {
        if looksAt("[:"), let named = try parsePosixClass() { return named }
        let itemStart = position
        if next == "\\" {
            position += 1
            if let set = try parseClassEscape(from: itemStart) { return set }
            position = itemStart
        }
        let low = try parseClassScalar(from: start)
        guard next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else { return ScalarSet(low) }
        position += 1
        let high = try parseClassScalar(from: start)
        guard low <= high else { throw failure("invalid character class range", from: itemStart, to: position) }
        return ScalarSet([low.value...high.value])
    }

    private mutating func parseClassScalar(from start: Int) throws(RegularExpressionError) -> Unicode.Scalar {
        guard let scalar = next else { throw failure("missing closing ]", from: start) }
        position += 1
        return scalar == "\\" ? try parseScalarEscape(from: position - 1) : scalar
    }

    /// `[:alpha:]` or `[:^alpha:]`; `nil` when it is not closed, and means its characters then.
    private mutating func parsePosixClass() throws(RegularExpressionError) -> ScalarSet? {
        guard hasPosixEnd else { return nil }
        let start = position
        var end = position + 2
        while end + 1 < scalars.count, !(scalars[end] == ":" && scalars[end + 1] == "]") { end += 1 }
        guard end + 1 < scalars.count else {
            hasPosixEnd = false
            return nil
        }
        var name = String.UnicodeScalarView()
        name.append(contentsOf: scalars[(position + 2)..<end])
        let isNegated = name.first == "^"
        let plain = String(isNegated ? String.UnicodeScalarView(name.dropFirst()) : name)
        guard let set = ScalarSet.posix(plain) else {
            throw failure("invalid character class range", from: start, to: end + 2)
        }
        position = end + 2
        return isNegated ? set.inverted : set
    }
}
