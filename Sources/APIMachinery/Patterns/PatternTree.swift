/// What a regular expression says, as a tree.
indirect enum PatternTree: Sendable {
    case empty
    case scalars(ScalarSet)
    case assertion(PatternAssertion)
    case sequence([PatternTree])
    /// Earlier branches are preferred.
    case choice([PatternTree])
    /// `most` is `nil` when there is no end; greedy ones prefer more.
    case repetition(PatternTree, least: Int, most: Int?, isGreedy: Bool)
    /// A part in parentheses, by its number from 1; only where somebody asks for what it takes.
    case group(PatternTree, Int)
}

/// A condition on a place in the text, which takes none of it.
enum PatternAssertion: UInt8, Sendable {
    case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary
}

/// What `(?ims)` switches.
struct PatternFlags {
    var ignoresCase = false
    var isMultiline = false
    var dotTakesNewline = false
    var isUngreedy = false
}
