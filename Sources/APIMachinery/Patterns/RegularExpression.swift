/// A regular expression in the syntax of RE2, matched in time linear in the text.
///
/// That is what Kubernetes promises for `pattern` in schemas and `matches` in CEL: no expression, however written, takes
/// longer than (length of the text) * (length of the program). There are no back-references and no look-around, which
/// could not keep that promise. Compiled once, used from many threads.
///
/// Syntax: https://github.com/google/re2/wiki/Syntax; `\p{...}` knows general categories and scripts.
public struct RegularExpression: Sendable {
    /// The text it was made of.
    public let pattern: String
    let program: PatternProgram

    /// Compiles `pattern`; the error says what is wrong in the words of Go's `regexp`.
    public init(_ pattern: String) throws(RegularExpressionError) {
        var parser = PatternParser(pattern)
        let tree = try parser.parse()
        self.pattern = pattern
        program = try PatternProgram(tree)
    }

    /// Whether some part of `text` matches. Anchor the expression (`^...$`) to ask for the whole.
    public func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { text in
            var matcher = PatternMatcher(program, text)
            return matcher.hasMatch()
        }
    }

    /// The UTF-8 offsets of the leftmost match at or behind `start`; of several there, the one that a backtracking
    /// matcher would find first.
    public func firstMatch(in text: [UInt8], from start: Int = 0) -> Range<Int>? {
        text.withUnsafeBufferPointer { text in
            var matcher = PatternMatcher(program, text)
            return matcher.firstMatch(from: start)
        }
    }

    /// How many instructions the program has: a match takes at most this many steps for each character of the text.
    public var size: Int { program.instructions.count }

    /// The matches from left to right that do not overlap, at most `limit` of them; `nil` when finding them takes more
    /// than `steps`. One match takes linear time, but each may look at the whole rest of the text.
    public func allMatches(in text: [UInt8], limit: Int = .max, steps: Int = .max) -> [Range<Int>]? {
        var matches: [Range<Int>] = []
        var (start, previousEnd, left) = (0, -1, steps)
        while matches.count < limit, start <= text.count {
            let (found, taken) = text.withUnsafeBufferPointer { text in
                var matcher = PatternMatcher(program, text)
                return (matcher.firstMatch(from: start), matcher.steps)
            }
            left -= taken
            guard left >= 0 else { return nil }
            guard let match = found else { break }
            // An empty match right behind another one is none.
            if !match.isEmpty || match.lowerBound != previousEnd { matches.append(match) }
            previousEnd = match.upperBound
            start = match.isEmpty ? match.upperBound + PatternMatcher.width(of: text, at: match.upperBound) : previousEnd
        }
        return matches
    }
}

/// Why a text is no regular expression, in the words of Go's `regexp`.
public struct RegularExpressionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// For example `missing closing ]`.
    public let reason: String
    /// The part of the pattern that is wrong.
    public let part: String

    public var description: String { "error parsing regexp: \(reason): `\(part)`" }
}
