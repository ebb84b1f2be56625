/// Picks nodes: at least one term must hold (`NodeSelector` of a node affinity, a volume, a storage class).
public struct NodeSelector: Hashable, Sendable {
    public var terms: [NodeSelectorTerm]

    public init(_ terms: [NodeSelectorTerm]) { self.terms = terms }

    /// Reads the object form, `nodeSelectorTerms`.
    public init(_ object: Value) throws(SelectorError) {
        terms = []
        for term in object["nodeSelectorTerms"]?.array ?? [] { terms.append(try NodeSelectorTerm(term)) }
    }

    /// Reads what the API keeps. Validation let nothing in that cannot be read; what got by picks no node.
    public init(stored object: Value) {
        do throws(SelectorError) { self = try Self(object) } catch { self = Self([]) }
    }

    /// Whether a node is picked. Without terms no node is.
    public func matches(labels: Fields, name: String) -> Bool {
        terms.contains { $0.matches(labels: labels, name: name) }
    }
}

/// Conditions on one node, all of which must hold; a term without conditions matches no node.
public struct NodeSelectorTerm: Hashable, Sendable {
    public var labels: [LabelRequirement]
    /// The names that the node must, or must not, have.
    public var names: [FieldSelector.Term]

    public init(labels: [LabelRequirement] = [], names: [FieldSelector.Term] = []) {
        self.labels = labels
        self.names = names
    }

    /// Reads `matchExpressions` and `matchFields` of a `NodeSelectorTerm`, or the `preference` of a weighted one.
    public init(_ object: Value) throws(SelectorError) {
        self.init()
        for expression in object["matchExpressions"]?.array ?? [] {
            labels.append(try Self.requirement(expression))
        }
        for expression in object["matchFields"]?.array ?? [] {
            names.append(try Self.fieldTerm(expression))
        }
    }

    public func matches(labels nodeLabels: Fields, name: String) -> Bool {
        guard !labels.isEmpty || !names.isEmpty else { return false }
        return labels.allSatisfy { $0.matches(nodeLabels) }
            && FieldSelector(names).matches { $0 == "metadata.name" ? name : nil }
    }

    private static func requirement(_ expression: Value) throws(SelectorError) -> LabelRequirement {
        let name = expression["operator"]?.string ?? ""
        let operators: [String: LabelRequirement.Operator] = [
            "In": .in, "NotIn": .notIn, "Exists": .exists, "DoesNotExist": .doesNotExist, "Gt": .greaterThan,
            "Lt": .lessThan,
        ]
        guard let `operator` = operators[name] else {
            throw SelectorError("\(GoText.quoted(name)) is not a valid node selector operator")
        }
        let values = (expression["values"]?.array ?? []).compactMap(\.string)
        return try LabelRequirement(expression["key"]?.string ?? "", `operator`, values)
    }

    private static func fieldTerm(_ expression: Value) throws(SelectorError) -> FieldSelector.Term {
        let name = expression["operator"]?.string ?? ""
        let values = (expression["values"]?.array ?? []).compactMap(\.string)
        guard name == "In" || name == "NotIn" else {
            throw SelectorError("\(GoText.quoted(name)) is not a valid node field selector operator")
        }
        guard let value = values.first, values.count == 1 else {
            throw SelectorError(
                "unexpected number of value (\(values.count)) for node field selector operator \(GoText.quoted(name))"
            )
        }
        return FieldSelector.Term(
            field: expression["key"]?.string ?? "", isNegated: name == "NotIn", value: value)
    }
}
