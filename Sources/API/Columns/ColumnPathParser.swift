import APIMachinery

/// Reads the text of a path.
struct ColumnPathParser {
    typealias Step = ColumnPath.Step

    /// How deep filters and unions may nest.
    private static let mostDepth = 8
    /// Characters that end a name.
    private static let ends: Set<Character> = [" ", "\t", "\r", "\n", ".", ",", "[", "]", "$", "@", "{", "}"]

    private let text: [Character]
    private let depth: Int
    private var place = 0

    /// `nil` when the text is no path.
    static func steps(of text: some Sequence<Character>, depth: Int) -> [Step]? {
        guard depth <= mostDepth else { return nil }
        var parser = ColumnPathParser(text: Array(text), depth: depth)
        return parser.steps()
    }

    private init(text: [Character], depth: Int) {
        self.text = text
        self.depth = depth
    }

    private mutating func steps() -> [Step]? {
        var steps: [Step] = []
        while let next = next {
            if starts(with: "[?(") {
                guard let filter = filter() else { return nil }
                steps.append(filter)
            } else if starts(with: "..") {
                if steps.last == .descendants { return nil }
                place += 2
                steps.append(.descendants)
                if self.next.map(isWordy) == true { steps.append(name()) }
            } else if next == "[" {
                guard let step = brackets() else { return nil }
                steps.append(step)
            } else if next == "." {
                place += 1
                steps.append(name())
            } else if next == " " || next == "@" || next == "$" {
                // The object itself, of which everything is asked anyway.
                place += 1
            } else {
                guard let value = value(next) else { return nil }
                steps.append(value)
            }
        }
        return steps
    }

    private var next: Character? { place < text.count ? text[place] : nil }

    private func starts(with prefix: String) -> Bool { text[place...].starts(with: prefix) }

    private func isWordy(_ character: Character) -> Bool {
        character == "_" || character.isLetter || character.isNumber
    }

    /// Up to a character that ends it; one behind a backslash belongs to the name.
    private mutating func name() -> Step {
        var name = ""
        while let next, !Self.ends.contains(next) {
            place += 1
            guard next == "\\" else {
                name.append(next)
                continue
            }
            if let escaped = self.next {
                name.append(escaped)
                place += 1
            }
        }
        return name == "*" ? .all : .field(name)
    }

    // MARK: Values

    /// What stands in a filter beside its paths.
    private mutating func value(_ first: Character) -> Step? {
        if first == "\"" || first == "'" { return quoted(first) }
        if first == "+" || first == "-" || ("0"..."9").contains(first) { return number() }
        guard isWordy(first) else { return nil }
        let start = place
        while let next, !Self.ends.contains(next) { place += 1 }
        switch String(text[start..<place]) {
        case "true": return .constant(true)
        case "false": return .constant(false)
        default: return .word
        }
    }

    private mutating func quoted(_ quote: Character) -> Step? {
        place += 1
        var value = ""
        while let next, next != "\n" {
            place += 1
            if next == quote { return .constant(.string(value)) }
            guard next == "\\", let escaped = self.next else {
                value.append(next)
                continue
            }
            place += 1
            value.append(escaped == "n" ? "\n" : escaped == "t" ? "\t" : escaped)
        }
        return nil
    }

    private mutating func number() -> Step? {
        let start = place
        if next == "+" || next == "-" { place += 1 }
        while let next, next == "." || ("0"..."9").contains(next) { place += 1 }
        let digits = String(text[start..<place])
        if let whole = Int64(digits) { return .constant(.integer(whole)) }
        return Double(digits).map { .constant(.double($0)) }
    }

    // MARK: Brackets

    private mutating func brackets() -> Step? {
        guard let end = text[place...].firstIndex(of: "]") else { return nil }
        let inner = text[(place + 1)..<end]
        guard !inner.contains("\n") else { return nil }
        place = end + 1
        let parts = inner.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count > 1 else { return element(inner) }
        var paths: [[Step]] = []
        for part in parts {
            let trimmed = String(part.filter { $0 != " " })
            guard let path = Self.steps(of: "[\(trimmed)]", depth: depth + 1) else { return nil }
            paths.append(path)
        }
        return .union(paths)
    }

    /// `'name'`, `*`, `1`, `-1`, `1:`, `:-1`, `::2`.
    private func element(_ inner: ArraySlice<Character>) -> Step? {
        if inner.count >= 2, inner.first == "'", inner.last == "'" {
            let name = inner.dropFirst().dropLast()
            return name.contains("'") ? nil : .field(String(name.filter { $0 != "\\" }))
        }
        if String(inner) == "*" { return .slice(ColumnPath.Slice(isSingle: false)) }
        let parts = inner.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 3 else { return nil }
        var numbers: [Int?] = []
        for part in parts {
            guard !part.isEmpty else {
                numbers.append(nil)
                continue
            }
            // No list is longer than that.
            guard part.first != "+", let number = Int32(String(part)) else { return nil }
            numbers.append(Int(number))
        }
        return .slice(
            ColumnPath.Slice(
                start: numbers[0], end: numbers.count > 1 ? numbers[1] : nil, isSingle: numbers.count == 1,
                step: numbers.count > 2 ? numbers[2] : nil))
    }

    /// `[?(left == right)]` or `[?(path)]`.
    private mutating func filter() -> Step? {
        place += 3
        let start = place
        var quote: Character?
        var isClosed = false
        while let next, next != "\n" {
            place += 1
            if next == "\"" || next == "'" {
                guard let open = quote else {
                    quote = next
                    continue
                }
                if next == open, text[place - 2] != "\\" { isClosed = true }
            } else if next == ")", (quote != nil) == isClosed {
                let inner = text[start..<(place - 1)]
                guard self.next == "]" else { return nil }
                place += 1
                return condition(inner)
            }
        }
        return nil
    }

    private func condition(_ inner: ArraySlice<Character>) -> Step? {
        let signs: Set<Character> = ["!", "<", ">", "="]
        let left = inner.prefix { !signs.contains($0) }
        let comparison = inner.dropFirst(left.count).prefix { signs.contains($0) }
        let right = inner.dropFirst(left.count + comparison.count)
        guard !left.isEmpty, !comparison.isEmpty, !right.isEmpty else {
            guard let path = Self.steps(of: inner, depth: depth + 1) else { return nil }
            return .filter(ColumnPath.Filter(left: path, comparison: nil, right: []))
        }
        guard let a = Self.steps(of: left, depth: depth + 1), let b = Self.steps(of: right, depth: depth + 1) else {
            return nil
        }
        return .filter(ColumnPath.Filter(left: a, comparison: String(comparison), right: b))
    }
}
