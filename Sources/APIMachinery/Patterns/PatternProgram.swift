/// A regular expression as instructions of a machine that follows all possibilities at once (K. Thompson, 1968).
struct PatternProgram: Sendable {
    enum Instruction: Sendable {
        /// Takes one scalar of a set, then goes to the next instruction.
        case take(Int)
        case assert(PatternAssertion)
        /// Goes on at both; the first is preferred.
        case fork(Int, Int)
        case jump(Int)
        /// Notes the place in the text: where group n begins as 2n, where it ends as 2n + 1.
        case save(Int)
        case accept
    }

    private(set) var instructions: [Instruction] = []
    private(set) var sets: [ScalarSet] = []

    /// Counts in counts multiply; a bound keeps time and memory of a match small.
    static let largest = 50_000

    init(_ tree: PatternTree) throws(RegularExpressionError) {
        try append(tree)
        try emit(.accept)
    }

    private mutating func emit(_ instruction: Instruction) throws(RegularExpressionError) {
        guard instructions.count < Self.largest else {
            throw RegularExpressionError(reason: "expression too large", part: "")
        }
        instructions.append(instruction)
    }

    private mutating func append(_ tree: PatternTree) throws(RegularExpressionError) {
        switch tree {
        case .empty: break
        case .scalars(let set):
            if sets.last != set { sets.append(set) }
            try emit(.take(sets.count - 1))
        case .assertion(let kind): try emit(.assert(kind))
        case .sequence(let items): for item in items { try append(item) }
        case .choice(let branches): try append(choice: branches)
        case .group(let item, let number):
            try emit(.save(2 * number))
            try append(item)
            try emit(.save(2 * number + 1))
        case .repetition(let item, let least, let most, let isGreedy):
            for _ in 0..<least {
                let before = instructions.count
                try append(item)
                // Nothing often is nothing; counts in counts of it would never end.
                if instructions.count == before { break }
            }
            if let most {
                try append(item, atMost: most - least, isGreedy)
            } else {
                try append(star: item, isGreedy)
            }
        }
    }

    private mutating func append(choice branches: [PatternTree]) throws(RegularExpressionError) {
        var exits: [Int] = []
        for branch in branches.dropLast() {
            let fork = instructions.count
            try emit(.accept)
            try append(branch)
            exits.append(instructions.count)
            try emit(.accept)
            instructions[fork] = .fork(fork + 1, instructions.count)
        }
        if let last = branches.last { try append(last) }
        for exit in exits { instructions[exit] = .jump(instructions.count) }
    }

    private mutating func append(star item: PatternTree, _ isGreedy: Bool) throws(RegularExpressionError) {
        let start = instructions.count
        try emit(.accept)
        try append(item)
        try emit(.jump(start))
        let end = instructions.count
        instructions[start] = isGreedy ? .fork(start + 1, end) : .fork(end, start + 1)
    }

    private mutating func append(_ item: PatternTree, atMost count: Int, _ isGreedy: Bool)
        throws(RegularExpressionError)
    {
        var forks: [Int] = []
        for _ in 0..<count {
            forks.append(instructions.count)
            try emit(.accept)
            try append(item)
            // An item that takes nothing needs one fork at most.
            if instructions.count == (forks.last ?? 0) + 1 { break }
        }
        let end = instructions.count
        for fork in forks { instructions[fork] = isGreedy ? .fork(fork + 1, end) : .fork(end, fork + 1) }
    }
}
