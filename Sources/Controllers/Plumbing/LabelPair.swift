import APIMachinery

/// A label with its value, in a namespace: what indices file objects and selectors under.
struct LabelPair: Hashable, Sendable {
    var namespace: String
    var key: String
    var value: String
}

extension LabelSelector {
    /// A label that everything has that the selector matches; `nil` when there is none, as for `!canary`.
    func anchor(in namespace: String) -> LabelPair? {
        let required = requirements.first { requirement in
            let isExact = [.in, .equals, .doubleEquals].contains(requirement.operator)
            return isExact && requirement.values.count == 1
        }
        return required.map { LabelPair(namespace: namespace, key: $0.key, value: $0.values[0]) }
    }
}

extension StoredObject {
    var labelPairs: [LabelPair] {
        labels.compactMap { key, value in
            value.string.map { LabelPair(namespace: namespace, key: key, value: $0) }
        }
    }
}
