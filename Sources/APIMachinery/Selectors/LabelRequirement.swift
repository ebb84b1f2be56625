/// Why a selector cannot be used, in Kubernetes' words.
public struct SelectorError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }

    /// Several causes as one text, each once: `[a, b]`.
    static func joining(_ causes: [String]) -> SelectorError {
        var known: Set<String> = []
        let unique = causes.filter { known.insert($0).inserted }
        return SelectorError(unique.count == 1 ? unique[0] : "[" + unique.joined(separator: ", ") + "]")
    }
}

/// One condition on the labels of an object. A selector holds when all of its requirements do.
public struct LabelRequirement: Hashable, Sendable, CustomStringConvertible {
    public enum Operator: String, Hashable, Sendable {
        case `in`, equals = "=", doubleEquals = "=="
        case notIn = "notin", notEquals = "!="
        case exists, doesNotExist = "!"
        case greaterThan = "gt", lessThan = "lt"
    }

    public let key: String
    public let `operator`: Operator
    /// In byte order, each once.
    public let values: [String]
    /// The number that `gt` and `lt` compare with.
    private let bound: Int64

    /// Checks the key, the values, and that their number fits the operator.
    public init(_ key: String, _ operator: Operator, _ values: [String] = []) throws(SelectorError) {
        self.key = key
        self.operator = `operator`
        var unique = values.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        unique.removeRepeats()
        self.values = unique
        bound = unique.first.flatMap(Int64.init(decimal:)) ?? 0
        let problems = problems
        guard problems.isEmpty else { throw .joining(problems) }
    }

    /// Whether the requirement holds for an object with these labels. Allocates nothing.
    public func matches(_ labels: Fields) -> Bool {
        guard case .string(let value)? = labels[key] else {
            switch self.operator {
            case .notIn, .notEquals, .doesNotExist: return true
            case .in, .equals, .doubleEquals, .exists, .greaterThan, .lessThan: return false
            }
        }
        switch self.operator {
        case .in, .equals, .doubleEquals: return values.contains(value)
        case .notIn, .notEquals: return !values.contains(value)
        case .exists: return true
        case .doesNotExist: return false
        case .greaterThan: return Int64(decimal: value).map { $0 > bound } ?? false
        case .lessThan: return Int64(decimal: value).map { $0 < bound } ?? false
        }
    }

    /// As it is written in a selector: `a in (x,y)`, `b!=c`, `!d`.
    public var description: String {
        switch self.operator {
        case .exists: key
        case .doesNotExist: "!" + key
        case .in, .notIn: "\(key) \(self.operator.rawValue) (\(values.joined(separator: ",")))"
        case .equals, .doubleEquals, .notEquals: key + self.operator.rawValue + values[0]
        case .greaterThan: key + ">" + values[0]
        case .lessThan: key + "<" + values[0]
        }
    }

    private var problems: [String] {
        var problems: [String] = []
        func note(_ field: String, _ value: String, _ problem: String) {
            problems.append("\(field): Invalid value: \(value): \(problem)")
        }
        let list = "[]string{" + values.map(GoText.quoted).joined(separator: ", ") + "}"
        let keyProblems = NameRule.qualifiedName.problems(in: key)
        if !keyProblems.isEmpty { note("key", GoText.quoted(key), keyProblems.joined(separator: "; ")) }
        switch self.operator {
        case .in, .notIn:
            if values.isEmpty {
                note("values", list, "for 'in', 'notin' operators, values set can't be empty")
            }
        case .equals, .doubleEquals, .notEquals:
            if values.count != 1 {
                note("values", list, "exact-match compatibility requires one single value")
            }
        case .exists, .doesNotExist:
            if !values.isEmpty {
                note("values", list, "values set must be empty for exists and does not exist")
            }
        case .greaterThan, .lessThan:
            if values.count != 1 {
                note("values", list, "for 'Gt', 'Lt' operators, exactly one value is required")
            }
            for (index, value) in values.enumerated() where Int64(decimal: value) == nil {
                note(
                    "values[\(index)]", GoText.quoted(value),
                    "for 'Gt', 'Lt' operators, the value must be an integer")
            }
        }
        for (index, value) in values.enumerated() {
            let valueProblems = NameRule.labelValue.problems(in: value)
            if valueProblems.isEmpty { continue }
            note("values[\(index)][\(key)]", GoText.quoted(value), valueProblems.joined(separator: "; "))
        }
        return problems
    }
}

extension [String] {
    /// Drops elements that equal the one before.
    fileprivate mutating func removeRepeats() {
        var kept: [String] = []
        for text in self where kept.last != text { kept.append(text) }
        self = kept
    }
}

extension Int64 {
    /// Decimal digits with an optional sign and nothing else.
    init?(decimal text: String) { self.init(text, radix: 10) }
}
