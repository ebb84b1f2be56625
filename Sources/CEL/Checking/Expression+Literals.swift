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
}
