import APIMachinery

// What picks objects by their labels, and nodes by their labels and names.
extension FieldChecks {
    /// A map of labels. Kubernetes names the map, not the key, in the path.
    mutating func labels(_ value: Value?, _ path: @autoclosure () -> String) {
        for (key, value) in value.entries {
            name(key, .qualifiedName, path())
            name(value.string ?? "", .labelValue, path())
        }
    }

    /// A label selector in its object form.
    mutating func selector(_ value: Value?, _ path: @autoclosure () -> String) {
        guard let value, value.fields?.isEmpty == false else { return }
        let path = path()
        labels(value["matchLabels"], path + ".matchLabels")
        for (expression, path) in value["matchExpressions"].elements(path + ".matchExpressions") {
            selectorOperator(expression, path, allowsOrder: false)
            name(expression["key"].text, .qualifiedName, path + ".key")
            for (value, path) in expression["values"].elements(path + ".values") {
                name(value.string ?? "", .labelValue, path)
            }
        }
    }

    private mutating func selectorOperator(_ expression: Value, _ path: String, allowsOrder: Bool) {
        let count = expression["values"].items.count
        switch expression["operator"].text {
        case "In", "NotIn":
            if count == 0 { missing(path + ".values", "must be specified when `operator` is 'In' or 'NotIn'") }
        case "Exists", "DoesNotExist":
            guard count > 0 else { break }
            forbid(path + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        case "Gt" where allowsOrder, "Lt" where allowsOrder:
            guard count != 1 else { break }
            missing(path + ".values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
        default: invalidOperator(expression, path)
        }
    }

    private mutating func invalidOperator(_ expression: Value, _ path: String) {
        let path = path + ".operator"
        invalid(path, expression["operator"], "not a valid selector operator")
        settle(path)
    }

    // MARK: - Nodes

    /// At least one term, each well formed.
    mutating func nodeSelector(_ selector: Value?, _ path: String) {
        guard require(selector["nodeSelectorTerms"], path + ".nodeSelectorTerms", Self.noNodeTerms) else { return }
        for (term, path) in selector["nodeSelectorTerms"].elements(path + ".nodeSelectorTerms") {
            nodeSelectorTerm(term, path, checksValues: true)
        }
    }

    private static let noNodeTerms = "must have at least one node selector term"

    /// `checksValues` is off for preferences: a value that no label can have harms nobody there.
    mutating func nodeSelectorTerm(_ term: Value?, _ path: String, checksValues: Bool) {
        for (expression, path) in term["matchExpressions"].elements(path + ".matchExpressions") {
            selectorOperator(expression, path, allowsOrder: true)
            name(expression["key"].text, .qualifiedName, path + ".key")
            guard checksValues else { continue }
            for (value, path) in expression["values"].elements(path + ".values") {
                name(value.string ?? "", .labelValue, path)
            }
        }
        for (expression, path) in term["matchFields"].elements(path + ".matchFields") {
            nodeField(expression, path)
        }
    }

    /// The one field by which nodes are picked is their name.
    private mutating func nodeField(_ expression: Value, _ path: String) {
        let values = expression["values"]
        switch expression["operator"].text {
        case "In", "NotIn":
            guard values.items.count != 1 else { break }
            missing(
                path + ".values", "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
        default: invalidOperator(expression, path)
        }
        guard expression["key"].text == "metadata.name" else {
            return invalid(path + ".key", expression["key"], "not a valid field selector key")
        }
        for (value, path) in values.elements(path + ".values") { name(value.string ?? "", .dns1123Subdomain, path) }
    }

    /// Where volumes may be made (`allowedTopologies` of a storage class).
    mutating func topologySelectorTerm(_ term: Value, _ path: String) {
        var keys: Set<String> = []
        for (expression, path) in term["matchLabelExpressions"].elements(path + ".matchLabelExpressions") {
            var values: Set<Value> = []
            require(expression["values"], path + ".values")
            for (value, path) in expression["values"].elements(path + ".values")
            where !values.insert(value).inserted { duplicate(path, value) }
            name(expression["key"].text, .qualifiedName, path + ".key")
            if !keys.insert(expression["key"].text).inserted { duplicate(path + ".key", expression["key"]) }
        }
    }
}
