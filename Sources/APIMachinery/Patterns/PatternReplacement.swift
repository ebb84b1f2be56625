/// A regular expression and what takes the place of its matches, as in Go's `regexp.ReplaceAllString`.
///
/// In the template `$1`, `${1}`, `$name` and `${name}` stand for what a group took, `$$` for a dollar; a group that is not
/// there took nothing. A name is as long as it can be: `$1x` is the group `1x`.
public struct PatternReplacement: Sendable {
    private enum Piece: Sendable {
        case text(String)
        case group(Int)
    }

    private let program: PatternProgram
    private let pieces: [Piece]

    /// Fails for a `pattern` that is no regular expression, in the words of Go's `regexp`.
    public init(_ pattern: String, with template: String) throws(RegularExpressionError) {
        var parser = PatternParser(pattern, isCapturing: true)
        program = try PatternProgram(try parser.parse())
        pieces = Self.pieces(template, parser.groupNames)
    }

    /// The text with every match replaced, from left to right. Takes time linear in the text for each match, and as many
    /// bits as the program has instructions and the text bytes, multiplied.
    public func apply(to text: String) -> String {
        let bytes = Array(text.utf8)
        var (result, copied, start, previousEnd) = ([UInt8](), 0, 0, -1)
        while start <= bytes.count, let groups = groups(in: bytes, from: start) {
            let match = groups[0]..<groups[1]
            // An empty match right behind another one is none.
            if !match.isEmpty || match.lowerBound != previousEnd {
                result += bytes[copied..<match.lowerBound]
                append(groups, of: bytes, to: &result)
                copied = match.upperBound
            }
            previousEnd = match.upperBound
            start = match.isEmpty ? match.upperBound + PatternMatcher.width(of: bytes, at: match.upperBound) : previousEnd
        }
        result += bytes[copied...]
        return String(decoding: result, as: UTF8.self)
    }

    private func groups(in bytes: [UInt8], from start: Int) -> [Int]? {
        bytes.withUnsafeBufferPointer { text in
            var search = GroupSearch(program, text)
            return search.firstMatch(from: start)
        }
    }

    private func append(_ groups: [Int], of text: [UInt8], to result: inout [UInt8]) {
        for piece in pieces {
            switch piece {
            case .text(let text): result += text.utf8
            case .group(let number):
                guard groups.indices.contains(2 * number + 1), groups[2 * number] >= 0, groups[2 * number + 1] >= 0 else {
                    continue
                }
                result += text[groups[2 * number]..<groups[2 * number + 1]]
            }
        }
    }

    // MARK: The template

    private static func pieces(_ template: String, _ names: [String: Int]) -> [Piece] {
        var (pieces, plain, rest) = ([Piece](), "", template[...])
        while let character = rest.popFirst() {
            guard character == "$" else {
                plain.append(character)
                continue
            }
            if rest.first == "$" {
                rest.removeFirst()
                plain.append("$")
            } else if let name = takeName(&rest) {
                pieces.append(.text(plain))
                if let number = names[name] ?? number(name) { pieces.append(.group(number)) }
                plain = ""
            } else {
                plain.append("$")
            }
        }
        return pieces + [.text(plain)]
    }

    /// What follows the dollar; `nil`, and nothing taken, where it is no name.
    private static func takeName(_ rest: inout Substring) -> String? {
        var tail = rest
        let isBraced = tail.first == "{"
        if isBraced { tail.removeFirst() }
        let name = tail.prefix { $0 == "_" || $0.isLetter || $0.isNumber }
        tail = tail[name.endIndex...]
        guard !name.isEmpty else { return nil }
        if isBraced, tail.popFirst() != "}" { return nil }
        rest = tail
        return String(name)
    }

    private static func number(_ name: String) -> Int? {
        guard name.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), name.utf8.count < 6 else {
            return nil
        }
        return Int(name)
    }
}

/// One search for the leftmost match with what its groups took; of several there, the one that a backtracking matcher
/// would find first.
///
/// Backtracks, and is nowhere twice: what came to nothing once, from a place in the program and one in the text, comes to
/// nothing again. So the time is bounded by text times program.
private struct GroupSearch {
    private enum Job {
        case go(instruction: Int, position: Int)
        case restore(slot: Int, position: Int)
    }

    private let program: PatternProgram
    private let text: UnsafeBufferPointer<UInt8>
    private var visited: [UInt64]
    private var jobs: [Job] = []
    private var saved: [Int]

    init(_ program: PatternProgram, _ text: UnsafeBufferPointer<UInt8>) {
        (self.program, self.text) = (program, text)
        visited = Array(repeating: 0, count: (program.instructions.count * (text.count + 1) + 63) / 64)
        let slots = program.instructions.lazy.compactMap { if case .save(let slot) = $0 { slot } else { nil } }
        saved = Array(repeating: -1, count: max(2, (slots.max() ?? 0) + 1))
    }

    /// Offsets of the match and of its groups, two each; -1 for a group that took no part.
    mutating func firstMatch(from first: Int) -> [Int]? {
        var start = first
        while true {
            if let end = follow(from: start) {
                (saved[0], saved[1]) = (start, end)
                return saved
            }
            let width = text.scalar(at: start).1
            guard width > 0 else { return nil }
            start += width
        }
    }

    private mutating func isNew(_ instruction: Int, _ position: Int) -> Bool {
        let bit = instruction * (text.count + 1) + position
        let mask = UInt64(1) << UInt64(bit % 64)
        guard visited[bit / 64] & mask == 0 else { return false }
        visited[bit / 64] |= mask
        return true
    }

    private mutating func follow(from start: Int) -> Int? {
        jobs = [.go(instruction: 0, position: start)]
        while let job = jobs.popLast() {
            switch job {
            case .restore(let slot, let position): saved[slot] = position
            case .go(let instruction, let position):
                guard isNew(instruction, position) else { continue }
                switch program.instructions[instruction] {
                case .accept: return position
                case .take(let set):
                    let (scalar, width) = text.scalar(at: position)
                    guard width > 0, program.sets[set].contains(scalar) else { continue }
                    jobs.append(.go(instruction: instruction + 1, position: position + width))
                case .assert(let kind):
                    guard text.holds(kind, at: position) else { continue }
                    jobs.append(.go(instruction: instruction + 1, position: position))
                case .jump(let target): jobs.append(.go(instruction: target, position: position))
                case .fork(let preferred, let other):
                    jobs.append(.go(instruction: other, position: position))
                    jobs.append(.go(instruction: preferred, position: position))
                case .save(let slot):
                    jobs.append(.restore(slot: slot, position: saved[slot]))
                    saved[slot] = position
                    jobs.append(.go(instruction: instruction + 1, position: position))
                }
            }
        }
        return nil
    }
}
