import APIMachinery

/// What a request on a collection is narrowed to, for authorisers that look at it (KEP-4601).
///
/// A selector only takes away, so a part that cannot be read counts as absent: whoever is allowed without it is allowed
/// with it.
struct AccessSelectors: Hashable, Sendable {
    var fields: [FieldSelector.Term] = []
    var labels: [LabelRequirement] = []
    /// What of a review's selectors was left out, in Kubernetes' words.
    var problems: [String] = []

    static let none = AccessSelectors()

    /// The verbs on a collection, which take selectors.
    static let verbs: Set<String> = ["list", "watch", "deletecollection"]

    init() {}

    /// From the texts of a query.
    init(fields: String, labels: String) {
        if !fields.isEmpty { self.fields = (try? FieldSelector(fields))?.terms ?? [] }
        if !labels.isEmpty { self.labels = (try? LabelSelector(labels))?.requirements ?? [] }
    }

    /// From `spec.resourceAttributes` of a review.
    init(attributes: Value) {
        if let asked = attributes["fieldSelector"] { takeFields(asked) }
        if let asked = attributes["labelSelector"] { takeLabels(asked) }
    }

    /// Whether only objects are asked for whose field has this value.
    func pins(_ field: String, to value: String) -> Bool {
        fields.contains { $0.field == field && !$0.isNegated && $0.value == value }
    }

    // MARK: Reading a review

    private mutating func takeFields(_ asked: Value) {
        var isWhole = true
        if let raw = asked["rawSelector"]?.string, !raw.isEmpty {
            if let selector = try? FieldSelector(raw) { fields = selector.terms } else { isWhole = false }
        }
        for requirement in asked["requirements"]?.array ?? [] {
            if let term = Self.term(requirement) { fields.append(term) } else { isWhole = false }
        }
        if !isWhole { problems.append(Self.problem("fieldSelector", isPart: !fields.isEmpty)) }
    }

    private mutating func takeLabels(_ asked: Value) {
        var isWhole = true
        if let raw = asked["rawSelector"]?.string, !raw.isEmpty {
            if let selector = try? LabelSelector(raw) { labels = selector.requirements } else { isWhole = false }
        }
        for requirement in asked["requirements"]?.array ?? [] {
            if let read = Self.label(requirement) { labels.append(read) } else { isWhole = false }
        }
        if !isWhole { problems.append(Self.problem("labelSelector", isPart: !labels.isEmpty)) }
    }

    private static func problem(_ name: String, isPart: Bool) -> String {
        "spec.resourceAttributes.\(name) \(isPart ? "partially " : "")ignored due to parse error"
    }

    /// Field selectors know no more than "is" and "is not".
    private static func term(_ requirement: Value) -> FieldSelector.Term? {
        let values = (requirement["values"]?.array ?? []).compactMap(\.string)
        guard values.count == 1, let field = requirement["key"]?.string else { return nil }
        switch requirement["operator"]?.string {
        case "In": return FieldSelector.Term(field: field, value: values[0])
        case "NotIn": return FieldSelector.Term(field: field, isNegated: true, value: values[0])
        default: return nil
        }
    }

    private static func label(_ requirement: Value) -> LabelRequirement? {
        let operators: [String: LabelRequirement.Operator] = [
            "In": .in, "NotIn": .notIn, "Exists": .exists, "DoesNotExist": .doesNotExist,
        ]
        guard let known = requirement["operator"]?.string.flatMap({ operators[$0] }) else { return nil }
        return try? LabelRequirement(
            requirement["key"]?.string ?? "", known, (requirement["values"]?.array ?? []).compactMap(\.string))
    }
}

extension AccessSelectors {
    /// The requirements on fields as a `SubjectAccessReview` lists them.
    var fieldRequirements: [Value] {
        fields.map { Self.requirement($0.field, $0.isNegated ? "NotIn" : "In", [$0.value]) }
    }

    /// The requirements on labels as a `SubjectAccessReview` lists them; comparisons have no form there.
    var labelRequirements: [Value] {
        labels.compactMap { label in
            switch label.operator {
            case .in, .equals, .doubleEquals: Self.requirement(label.key, "In", label.values)
            case .notIn, .notEquals: Self.requirement(label.key, "NotIn", label.values)
            case .exists: Self.requirement(label.key, "Exists", [])
            case .doesNotExist: Self.requirement(label.key, "DoesNotExist", [])
            case .greaterThan, .lessThan: nil
            }
        }
    }

    private static func requirement(_ key: String, _ operator: String, _ values: [String]) -> Value {
        var requirement: Value = ["key": .string(key), "operator": .string(`operator`)]
        if !values.isEmpty { requirement["values"] = Value(values) }
        return requirement
    }
}
