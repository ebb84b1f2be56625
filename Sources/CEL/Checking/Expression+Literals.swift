import APIMachinery
import Support

extension Expression {
    /// Refuses constant arguments that every evaluation would refuse: patterns, durations, timestamps.
    func checkPatterns(in source: [Unicode.Scalar]) throws(CELError) {
        var issues: [SourceIssue] = []
        collectLiteralIssues(into: &issues)
        guard issues.isEmpty else { throw CELError(.check, issues, in: source) }
    }

    private func collectLiteralIssues(into issues: inout [SourceIssue]) {
        if case .call(let name, let target, let arguments) = kind,
            let argument = name == "matches" && target == nil ? arguments.dropFirst().first : arguments.first,
            case .literal(.string(let text)) = argument.kind, !Self.accepts(text, as: name)
        {
            issues.append(SourceIssue(offset: argument.offset, message: "invalid \(name) argument"))
        }
        for child in children { child.collectLiteralIssues(into: &issues) }
    }

    private static func accepts(_ text: String, as function: String) -> Bool {
        switch function {
        case "matches": (try? RegularExpression(text)) != nil
        case "duration": (try? GoDuration.nanoseconds(text)) != nil
        case "timestamp": Timestamp(text) != nil
        default: true
        }
    }

    private var children: [Expression] {
        switch kind {
        case .literal, .identifier: []
        case .select(let operand, _), .test(let operand, _): [operand]
        case .call(_, let target, let arguments): (target.map { [$0] } ?? []) + arguments
        case .logical(_, let terms): terms
        case .list(let elements): elements.map(\.value)
        case .map(let entries): entries.flatMap { [$0.key, $0.value] }
        case .object(_, let fields): fields.map(\.value)
        case .comprehension(let loop): [loop.range, loop.initial, loop.condition, loop.step, loop.result]
        }
    }
}
