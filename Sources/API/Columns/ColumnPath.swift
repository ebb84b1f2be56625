public import APIMachinery

/// The part of JSONPath that table columns use: `.a.b`, `['x.y/z']`, `[0]`, `[*]`, `[?(@.k=='v')]`.
public struct ColumnPath: Hashable, Sendable {
    private enum Step: Hashable {
        case field(String)
        case index(Int)
        case all
        /// Elements whose field, down this path, has this text.
        case matching([String], String)
    }

    private let steps: [Step]

    /// `nil` when the text is no path of this form.
    public init?(_ text: String) {
        var reader = Reader(rest: text[...])
        guard let steps = reader.read() else { return nil }
        self.steps = steps
    }

    /// What the path leads to, in order; null and absent values are not among them.
    public func values(in object: Value) -> [Value] {
        var values = [object]
        for step in steps { values = values.flatMap { Self.take(step, from: $0) } }
        return values.filter { !$0.isNull }
    }

    /// Whether objects of `type` have a whole number there.
    func leadsToInteger(in type: TypeSchema) -> Bool {
        var kind = FieldKind.object(type)
        for step in steps {
            guard case .field(let name) = step, case .object(let type) = kind, let field = type.field(named: name) else {
                return false
            }
            kind = field.kind
        }
        return switch kind {
        case .int32, .int64, .uint32, .uint64: true
        default: false
        }
    }

    private static func take(_ step: Step, from value: Value) -> [Value] {
        switch step {
        case .field(let name): return value[name].map { [$0] } ?? []
        case .index(let index):
            guard let elements = value.array, elements.indices.contains(index) else { return [] }
            return [elements[index]]
        case .all: return value.array ?? (value.fields ?? Fields()).map(\.value)
        case .matching(let path, let text):
            return (value.array ?? []).filter { element in
                guard let found = element[path: path] else { return false }
                return found.string.map { $0 == text } ?? (found.description == text)
            }
        }
    }

    private struct Reader {
        var rest: Substring

        mutating func read() -> [Step]? {
            var steps: [Step] = []
            while let first = rest.first {
                if first == "." {
                    rest.removeFirst()
                    let name = name()
                    guard !name.isEmpty else { return nil }
                    steps.append(.field(name))
                } else {
                    guard first == "[", let step = bracket() else { return nil }
                    steps.append(step)
                }
            }
            return steps
        }

        /// Up to the next dot or bracket; a dot behind a backslash belongs to the name.
        private mutating func name() -> String {
            var name = ""
            while let next = rest.first, next != ".", next != "[" {
                rest.removeFirst()
                guard next == "\\", let escaped = rest.popFirst() else {
                    name.append(next)
                    continue
                }
                name.append(escaped)
            }
            return name
        }

        private mutating func bracket() -> Step? {
            if let name = between("['", "']") { return .field(name) }
            if let filter = between("[?(@.", ")]") { return Self.filter(filter) }
            guard let inner = between("[", "]") else { return nil }
            return inner == "*" ? .all : Int(inner).map(Step.index)
        }

        /// `k=='v'` or `k==true`.
        private static func filter(_ text: String) -> Step? {
            guard let middle = text.firstIndex(of: "="), text[middle...].hasPrefix("==") else { return nil }
            let path = text[..<middle].split(separator: ".").map(String.init)
            let quotes: Set<Character> = ["'", "\"", " "]
            let value = text[middle...].dropFirst(2).drop { quotes.contains($0) }
            let end = value.lastIndex { !quotes.contains($0) }
            return .matching(path, end.map { String(value[...$0]) } ?? "")
        }

        private mutating func between(_ open: String, _ close: String) -> String? {
            guard rest.hasPrefix(open) else { return nil }
            let inner = rest.dropFirst(open.count)
            guard let end = inner.indices.first(where: { inner[$0...].hasPrefix(close) }) else { return nil }
            rest = inner[inner.index(end, offsetBy: close.count)...]
            return String(inner[..<end])
        }
    }
}
