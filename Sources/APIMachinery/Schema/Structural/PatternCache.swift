import Synchronization

/// The regular expressions of one schema, each compiled when it is first needed.
final class PatternCache: Sendable {
    private let compiled = Mutex<[String: RegularExpression]>([:])

    /// Whether `text` has a part that `pattern` matches. A pattern that is none matches everything: definitions that have
    /// one are refused, so it was stored by somebody who knew others.
    func matches(_ pattern: String, _ text: String) -> Bool {
        let expression = compiled.withLock { compiled -> RegularExpression? in
            if let known = compiled[pattern] { return known }
            let made = try? RegularExpression(pattern)
            compiled[pattern] = made
            return made
        }
        return expression?.matches(text) ?? true
    }
}
