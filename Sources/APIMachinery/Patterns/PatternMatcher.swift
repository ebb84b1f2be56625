/// One run of a program over one text.
///
/// Keeps the list of places in the program where a match could be, in the order of preference, and moves all of them on
/// by one scalar at a time: so the time is bounded by text times program.
struct PatternMatcher {
    private let program: PatternProgram
    private let text: UnsafeBufferPointer<UInt8>
    private var current: [Thread] = []
    private var upcoming: [Thread] = []
    /// The step in which an instruction was last entered, by its position.
    private var visited: [Int]
    private var step = 0
    private var stack: [Int] = []
    /// How many places in the program were looked at.
    private(set) var steps = 0

    private struct Thread {
        let instruction: Int
        let start: Int
    }

    init(_ program: PatternProgram, _ text: UnsafeBufferPointer<UInt8>) {
        self.program = program
        self.text = text
        visited = Array(repeating: 0, count: program.instructions.count)
    }

    /// A matcher runs once.
    mutating func hasMatch() -> Bool { run(from: 0, stopsAtFirst: true) != nil }

    mutating func firstMatch(from start: Int) -> Range<Int>? { run(from: start, stopsAtFirst: false) }

    private mutating func run(from first: Int, stopsAtFirst: Bool) -> Range<Int>? {
        var position = first
        var found: Range<Int>?
        step = 1
        while true {
            if found == nil { enter(0, start: position, at: position, into: \.current) }
            let (scalar, width) = decode(at: position)
            step += 1
            steps += current.count + 1
            for thread in current {
                switch program.instructions[thread.instruction] {
                case .accept:
                    found = thread.start..<position
                    if stopsAtFirst { return found }
                case .take(let set):
                    if width > 0, program.sets[set].contains(scalar) {
                        enter(thread.instruction + 1, start: thread.start, at: position + width, into: \.upcoming)
                    }
                    continue
                case .assert, .fork, .jump, .save: continue
                }
                // What is less preferred than an accepted match is given up.
                break
            }
            guard width > 0, found == nil || !upcoming.isEmpty else { return found }
            swap(&current, &upcoming)
            upcoming.removeAll(keepingCapacity: true)
            position += width
        }
    }

    /// Follows everything that takes no text.
    private mutating func enter(
        _ instruction: Int, start: Int, at position: Int, into list: WritableKeyPath<PatternMatcher, [Thread]>
    ) {
        stack.append(instruction)
        while let next = stack.popLast() {
            guard visited[next] != step else { continue }
            visited[next] = step
            switch program.instructions[next] {
            case .take, .accept: self[keyPath: list].append(Thread(instruction: next, start: start))
            case .jump(let target): stack.append(target)
            case .save: stack.append(next + 1)
            case .fork(let preferred, let other):
                stack.append(other)
                stack.append(preferred)
            case .assert(let kind): if holds(kind, at: position) { stack.append(next + 1) }
            }
        }
    }

    private func holds(_ assertion: PatternAssertion, at position: Int) -> Bool {
        text.holds(assertion, at: position)
    }

    private func decode(at position: Int) -> (UInt32, Int) { text.scalar(at: position) }

    /// The bytes of the scalar at a place, at least 1.
    static func width(of text: [UInt8], at position: Int) -> Int {
        var width = 1
        while position + width < text.count, text[position + width] & 0xC0 == 0x80 { width += 1 }
        return width
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether a condition on a place of the text is true.
    func holds(_ assertion: PatternAssertion, at position: Int) -> Bool {
        switch assertion {
        case .textStart: position == 0
        case .textEnd: position == count
        case .lineStart: position == 0 || self[position - 1] == 10
        case .lineEnd: position == count || self[position] == 10
        case .wordBoundary: isWord(position - 1) != isWord(position)
        case .noWordBoundary: isWord(position - 1) == isWord(position)
        }
    }

    private func isWord(_ position: Int) -> Bool {
        indices.contains(position) && ScalarSet.word.contains(UInt32(self[position]))
    }

    /// The scalar at a place and its bytes; a width of 0 at the end.
    func scalar(at position: Int) -> (UInt32, Int) {
        guard position < count else { return (0, 0) }
        let lead = self[position]
        guard lead >= 0x80 else { return (UInt32(lead), 1) }
        let width = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
        guard lead >= 0xC2, lead < 0xF5, position + width <= count else { return (0xFFFD, 1) }
        var scalar = UInt32(lead) & (0x7F >> UInt32(width))
        for offset in 1..<width {
            guard self[position + offset] & 0xC0 == 0x80 else { return (0xFFFD, 1) }
            scalar = scalar << 6 | UInt32(self[position + offset] & 0x3F)
        }
        return (scalar, width)
    }
}
