/// Picks objects by their labels: all requirements must hold (API conventions, "Label selectors").
///
/// The text form is `a=b,c!=d,e in (x,y),f notin (z),g,!h`; the object form has `matchLabels` and `matchExpressions`.
public struct LabelSelector: Hashable, Sendable, CustomStringConvertible {
    /// Ordered by key.
    public private(set) var requirements: [LabelRequirement]
    /// Whether no object matches, whatever its labels: an absent selector of most kinds.
    public private(set) var matchesNothing = false

    /// Requirements that must all hold; none at all match every object.
    public init(_ requirements: [LabelRequirement] = []) {
        // Stable by key, so that a text keeps the order of two requirements on one key.
        self.requirements = requirements.enumerated().sorted {
            let (a, b) = ($0.element.key.utf8, $1.element.key.utf8)
            return a.elementsEqual(b) ? $0.offset < $1.offset : a.lexicographicallyPrecedes(b)
        }.map(\.element)
    }

    /// Matches every object.
    public static let everything = LabelSelector()

    /// Matches no object.
    public static let nothing: LabelSelector = {
        var selector = LabelSelector()
        selector.matchesNothing = true
        return selector
    }()

    /// Reads the text form. Empty text matches everything.
    public init(_ text: String) throws(SelectorError) {
        var parser = LabelSelectorParser(text)
        self.init(try parser.parse())
    }

    /// Reads the object form. `nil` or null matches nothing, an empty object everything.
    public init(object: Value?) throws(SelectorError) {
        guard let object, !object.isNull else {
            self = .nothing
            return
        }
        var requirements: [LabelRequirement] = []
        for (key, value) in object["matchLabels"]?.fields ?? Fields() {
            requirements.append(try LabelRequirement(key, .equals, [value.string ?? ""]))
        }
        for expression in object["matchExpressions"]?.array ?? [] {
            requirements.append(try Self.requirement(expression))
        }
        self.init(requirements)
    }

    /// Requires each of these labels, as the `selector` of a Service does. An empty map matches everything.
    public init(labels: Fields) throws(SelectorError) {
        var requirements: [LabelRequirement] = []
        for (key, value) in labels {
            requirements.append(try LabelRequirement(key, .equals, [value.string ?? ""]))
        }
        self.init(requirements)
    }

    public var matchesEverything: Bool { requirements.isEmpty && !matchesNothing }

    /// Whether an object with these labels is picked. Allocates nothing.
    public func matches(_ labels: Fields) -> Bool {
        !matchesNothing && requirements.allSatisfy { $0.matches(labels) }
    }

    /// The text form, requirements ordered by key.
    public var description: String { requirements.map(\.description).joined(separator: ",") }

    private static func requirement(_ expression: Value) throws(SelectorError) -> LabelRequirement {
        let name = expression["operator"]?.string ?? ""
        let operators: [String: LabelRequirement.Operator] = [
            "In": .in, "NotIn": .notIn, "Exists": .exists, "DoesNotExist": .doesNotExist,
        ]
        guard let `operator` = operators[name] else {
            throw SelectorError("\(GoText.quoted(name)) is not a valid label selector operator")
        }
        let values = (expression["values"]?.array ?? []).compactMap(\.string)
        return try LabelRequirement(expression["key"]?.string ?? "", `operator`, values)
    }
}
