/// Why an expression does not compile, or came to no value.
///
/// `description` is the text that Kubernetes shows: for a source that does not compile one paragraph for each problem,
/// with line, column and the line itself; otherwise one sentence.
public struct CELError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// The text is no expression.
        case syntax
        /// A name, a field or a function is not declared, or types do not fit.
        case check
        /// The expression compiles, but does not come to the type that is demanded here.
        case resultType
        /// Evaluation failed: a key that is not there, an overflow, a function that refuses its argument.
        case evaluation
        /// One evaluation cost more than ``CELBudget/callLimit``.
        case callLimit
        /// All evaluations for this object together cost more than its budget.
        case budget
    }

    public let kind: Kind
    public let description: String

    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// A failure while evaluating.
    public init(_ description: String) { self.init(.evaluation, description) }

    /// Whether compiling failed, so that no evaluation was tried.
    public var isCompileError: Bool { kind == .syntax || kind == .check || kind == .resultType }

    static let callLimit = CELError(.callLimit, "operation cancelled: actual cost limit exceeded")
    static let noSuchOverload = CELError("no such overload")
    static let integerOverflow = CELError("integer overflow")
    static let unsignedOverflow = CELError("unsigned integer overflow")
    static func noSuchKey(_ key: String) -> CELError { CELError("no such key: \(key)") }
}

/// One thing that is wrong at one place of a source.
struct SourceIssue: Hashable, Sendable {
    /// Counted in Unicode scalars.
    var offset: Int
    var message: String

    /// Lines that are longer are not shown.
    private static let longestLine = 16_384

    /// `ERROR: <input>:1:5: message`, the line, and a mark below the place.
    func text(in source: [Unicode.Scalar]) -> String {
        let end = min(offset, source.count)
        let line = source[..<end].count { $0 == "\n" } + 1
        let lineStart = source[..<end].lastIndex(of: "\n").map { $0 + 1 } ?? 0
        let lineEnd = source[end...].firstIndex(of: "\n") ?? source.count
        let heading = "ERROR: <input>:\(line):\(end - lineStart + 1): \(message)"
        guard lineEnd - lineStart <= Self.longestLine else { return heading }
        var shown = String.UnicodeScalarView()
        shown.append(contentsOf: source[lineStart..<lineEnd].map { $0 == "\t" ? " " : $0 })
        var mark = ""
        for scalar in source[lineStart..<end] { mark += scalar.value < 0x1100 ? "." : "\u{FF0E}" }
        let isWide = end < lineEnd && source[end].value >= 0x1100
        return "\(heading)\n | \(String(shown))\n | \(mark)\(isWide ? "\u{FF3E}" : "^")"
    }
}

extension CELError {
    /// More would not help anybody.
    private static let mostIssues = 100

    /// A source that does not compile.
    init(_ kind: Kind, _ issues: [SourceIssue], in source: [Unicode.Scalar]) {
        let ordered = issues.enumerated().sorted { ($0.element.offset, $0.offset) < ($1.element.offset, $1.offset) }
        self.init(kind, ordered.prefix(Self.mostIssues).map { $0.element.text(in: source) }.joined(separator: "\n"))
    }
}
