import APIMachinery

/// A label with its value, in a namespace: what indices file objects and selectors under.
struct LabelPair: Hashable, Sendable {
    var namespace: String
    var key: String
    var value: String
}

extension LabelSelector {
    /// The labels that everything has that the selector matches; none for `!canary`.
    func required(in namespace: String) -> [LabelPair] {
        requirements.compactMap { requirement in
            guard [.in, .equals, .doubleEquals].contains(requirement.operator), requirement.values.count == 1
            else { return nil }
            return LabelPair(namespace: namespace, key: requirement.key, value: requirement.values[0])
        }
    }
}

extension StoredObject {
    var labelPairs: [LabelPair] {
        labels.compactMap { key, value in
            value.string.map { LabelPair(namespace: namespace, key: key, value: $0) }
        }
    }
}
