import APIMachinery

// Which nodes, and which neighbours, a pod wants or avoids.
extension FieldChecks {
    private static let required = "requiredDuringSchedulingIgnoredDuringExecution"
    private static let preferred = "preferredDuringSchedulingIgnoredDuringExecution"

    mutating func affinity(_ affinity: Value, _ path: String) {
        if let node = affinity["nodeAffinity"] { nodeAffinity(node, path + ".nodeAffinity") }
        for key in ["podAffinity", "podAntiAffinity"] {
            if let pods = affinity[key] { podAffinity(pods, "\(path).\(key)") }
        }
    }

    private mutating func nodeAffinity(_ affinity: Value, _ path: String) {
        if let selector = affinity[Self.required] { nodeSelector(selector, "\(path).\(Self.required)") }
        for (term, path) in affinity[Self.preferred].elements("\(path).\(Self.preferred)") {
            weight(term, path)
            nodeSelectorTerm(term["preference"], path + ".preference", checksValues: false)
        }
    }

    private mutating func podAffinity(_ affinity: Value, _ path: String) {
        for (term, path) in affinity[Self.required].elements("\(path).\(Self.required)") { podTerm(term, path) }
        for (term, path) in affinity[Self.preferred].elements("\(path).\(Self.preferred)") {
            weight(term, path)
            podTerm(term["podAffinityTerm"] ?? .emptyObject, path + ".podAffinityTerm")
        }
    }

    private mutating func weight(_ term: Value, _ path: String) {
        guard !(1...100).contains(term["weight"]?.integer ?? 0) else { return }
        invalid(path + ".weight", term["weight"] ?? 0, "must be in the range 1-100")
    }

    private mutating func podTerm(_ term: Value, _ path: String) {
        selector(term["labelSelector"], path + ".labelSelector")
        selector(term["namespaceSelector"], path + ".namespaceSelector")
        for namespace in term["namespaces"].items { name(namespace.string ?? "", .dns1123Label, path + ".namespace") }
        labelKeys(term, path)
        require(term["topologyKey"], path + ".topologyKey", "can not be empty")
        name(term["topologyKey"].text, .qualifiedName, path + ".topologyKey")
    }

    /// Labels whose values are taken from the pod itself (KEP-3633), in a term of an affinity or a constraint of spreading.
    ///
    /// When a pod is looked at they are in its selectors already, once: who selects by the same label has it there twice.
    mutating func labelKeys(_ term: Value, _ path: String) {
        let (wanted, unwanted) = (term["matchLabelKeys"], term["mismatchLabelKeys"])
        guard wanted.isFilled || unwanted.isFilled else { return }
        for (key, list) in [("matchLabelKeys", wanted), ("mismatchLabelKeys", unwanted)] where list.isFilled {
            guard term["labelSelector"] != nil else {
                forbid("\(path).\(key)", "must not be specified when labelSelector is not set")
                continue
            }
            for (text, path) in list.elements("\(path).\(key)") { name(text.string ?? "", .qualifiedName, path) }
        }
        let places = Dictionary(wanted.items.enumerated().map { ($1, $0) }) { first, _ in first }
        var selected = Set(term["labelSelector"]["matchLabels"].entries.keys)
        for expression in term["labelSelector"]["matchExpressions"].items {
            let key = expression["key"].text
            if !selected.insert(key).inserted, let index = places[.string(key)] {
                invalid("\(path)[\(index)]", .string(key), "exists in both matchLabelKeys and labelSelector")
            }
        }
        let refused = Set(unwanted.items)
        for (index, key) in wanted.items.enumerated() where refused.contains(key) {
            let why = "exists in both matchLabelKeys and mismatchLabelKeys"
            invalid("\(path).matchLabelKeys[\(index)]", key, why)
        }
    }
}
