import Testing

/// A golden conversation: commands, a line `----`, and what must come of them; blocks are parted by empty
/// lines, and `#` begins a comment.
struct Conversation {
    struct Exchange {
        var commands: [[String]]
        var outcome: [String]
    }

    let exchanges: [Exchange]

    init(_ text: String) {
        var exchanges: [Exchange] = []
        var current = Exchange(commands: [], outcome: [])
        var isOutcome = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let words = line.prefix { $0 != "#" }.split(separator: " ").map(String.init)
            if words.isEmpty {
                if isOutcome { exchanges.append(current) }
                if isOutcome { current = Exchange(commands: [], outcome: []) }
                isOutcome = false
            } else if words == ["----"] {
                isOutcome = true
            } else if isOutcome {
                current.outcome.append(words.joined(separator: " "))
            } else {
                current.commands.append(words)
            }
        }
        if isOutcome { exchanges.append(current) }
        self.exchanges = exchanges
    }

    /// Holds the conversation: `answer` carries a command out and says what came of it.
    func check(
        sourceLocation: SourceLocation = #_sourceLocation, _ answer: ([String]) throws -> [String]
    ) rethrows {
        #expect(!exchanges.isEmpty, "a conversation has an outcome", sourceLocation: sourceLocation)
        for exchange in exchanges {
            var lines: [String] = []
            for command in exchange.commands { lines += try answer(command) }
            let asked = exchange.commands.map { $0.joined(separator: " ") }.joined(separator: "; ")
            #expect(lines == exchange.outcome, "after: \(asked)", sourceLocation: sourceLocation)
        }
    }
}

/// `name=value` words of a command.
func options(_ words: some Sequence<String>) -> [String: String] {
    var options: [String: String] = [:]
    for word in words {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        if parts.count == 2 { options[parts[0]] = parts[1] }
    }
    return options
}
