public import APIMachinery

/// JSONPath as the columns of tables have it (Kubernetes documentation, "JSONPath Support"): fields, elements and slices
/// of lists, unions, wildcards, descents and filters.
public struct ColumnPath: Hashable, Sendable {
    indirect enum Step: Hashable, Sendable {
        case field(String)
        case slice(Slice)
        /// Every entry of an object or a list.
        case all
        /// A value and all that is in it.
        case descendants
        case union([[Step]])
        case filter(Filter)
        /// A text, a number or a truth that stands in a filter.
        case constant(Value)
        /// A word without a meaning: where it is asked for, nothing is found.
        case word
    }

    /// Elements of a list. Positions below zero count from its end.
    struct Slice: Hashable, Sendable {
        var start: Int?
        var end: Int?
        /// Whether it is the one element at `start`.
        var isSingle: Bool
        var step: Int?
    }

    /// Elements of a list for which a comparison holds; without one, those in which there is something to compare.
    struct Filter: Hashable, Sendable {
        var left: [Step]
        var comparison: String?
        var right: [Step]
    }

    private let steps: [Step]

    /// `nil` when the text is no path.
    public init?(_ text: String) {
        guard let steps = ColumnPathParser.steps(of: text, depth: 0) else { return nil }
        self.steps = steps
    }

    /// What the path leads to, in order; null and absent values are not among them. Nothing where the path asks for what
    /// there is not: an element of what is no list, or behind the end of one.
    public func values(in object: Value) -> [Value] {
        (Self.walk(steps, from: [object]) ?? []).filter { !$0.isNull }
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

    // MARK: Walking

    /// More values than this are no cell: each descent multiplies them.
    private static let mostValues = 10_000

    /// `nil` where a step cannot be taken.
    private static func walk(_ steps: [Step], from start: [Value]) -> [Value]? {
        var values = start
        for step in steps {
            guard let next = take(step, from: values), next.count <= mostValues else { return nil }
            values = next
        }
        return values
    }

    private static func take(_ step: Step, from values: [Value]) -> [Value]? {
        switch step {
        case .field(let name): return values.compactMap { $0[name] }
        case .all: return values.flatMap { $0.array ?? ($0.fields ?? Fields()).map(\.value) }
        case .descendants:
            var found: [Value] = []
            for value in values { descend(into: value, &found) }
            return found
        case .constant(let value): return [value]
        case .word: return nil
        case .union(let paths):
            var found: [Value] = []
            for path in paths {
                guard let more = walk(path, from: values) else { return nil }
                found += more
            }
            return found
        case .slice(let slice):
            var found: [Value] = []
            for value in values where !value.isNull {
                guard let elements = value.array, let picked = slice.pick(from: elements) else { return nil }
                found += picked
            }
            return found
        case .filter(let filter):
            var found: [Value] = []
            for value in values {
                guard let elements = value.array else { return nil }
                for element in elements {
                    guard let holds = holds(filter, for: element) else { return nil }
                    if holds { found.append(element) }
                }
            }
            return found
        }
    }

    private static func descend(into value: Value, _ found: inout [Value]) {
        let inner = value.array ?? (value.fields ?? Fields()).map(\.value)
        guard !inner.isEmpty, found.count <= mostValues else { return }
        found.append(value)
        for value in inner { descend(into: value, &found) }
    }

    /// `nil` for a comparison of what cannot be compared.
    private static func holds(_ filter: Filter, for element: Value) -> Bool? {
        guard let comparison = filter.comparison else {
            return walk(filter.left, from: [element])?.isEmpty == false
        }
        guard let lefts = walk(filter.left, from: [element]), lefts.count <= 1 else { return nil }
        guard let left = lefts.first else { return false }
        guard let rights = walk(filter.right, from: [element]), rights.count <= 1 else { return nil }
        guard let right = rights.first else { return false }
        guard let order = order(left, right, isOrdered: comparison.contains { $0 == "<" || $0 == ">" }) else {
            return nil
        }
        switch comparison {
        case "==": return order == 0
        case "!=": return order != 0
        case "<": return order < 0
        case "<=": return order <= 0
        case ">": return order > 0
        case ">=": return order >= 0
        default: return nil
        }
    }

    /// Below zero when the first is less, zero when both are the same; `nil` for values of different kinds. Truths have no
    /// order.
    private static func order(_ left: Value, _ right: Value, isOrdered: Bool) -> Int? {
        func compared<Number: Comparable>(_ a: Number, _ b: Number) -> Int { a == b ? 0 : a < b ? -1 : 1 }
        switch (left, right) {
        case (.string(let a), .string(let b)):
            return Array(a.utf8) == Array(b.utf8) ? 0 : a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
        case (.integer(let a), .integer(let b)): return compared(a, b)
        case (.double(let a), .double(let b)): return compared(a, b)
        case (.bool(let a), .bool(let b)) where !isOrdered: return a == b ? 0 : 1
        default: return nil
        }
    }
}

extension ColumnPath.Slice {
    /// `nil` when it reaches over the ends of the list.
    func pick(from elements: [Value]) -> [Value]? {
        let count = elements.count
        var first = start ?? 0
        var last = isSingle ? first + 1 : end ?? count
        if first < 0 { first += count }
        if last < 0 || last == 0 && isSingle { last += count }
        if first == last { return [] }
        guard (0..<count).contains(first), (first...count).contains(last) else { return nil }
        let step = step ?? 1
        guard step > 0 else { return nil }
        return stride(from: first, to: last, by: step).map { elements[$0] }
    }
}
