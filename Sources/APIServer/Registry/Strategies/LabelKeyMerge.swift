import APIMachinery

/// Puts what `matchLabelKeys` and `mismatchLabelKeys` come to into the label selectors beside them, when a pod is made:
/// from then on the pod says by itself whom it keeps to, whatever becomes of its labels (KEP-3633, KEP-3243).
///
/// The keys stay: they tell where the requirements came from. A key that the pod has no label for says nothing, and beside
/// a selector that is not there, which selects nothing, there is nothing to say.
enum LabelKeyMerge {
    /// In both directions of pods' affinity.
    private static let required = "requiredDuringSchedulingIgnoredDuringExecution"
    private static let preferred = "preferredDuringSchedulingIgnoredDuringExecution"

    /// Completes the terms of a new pod's affinity and the constraints of its spreading.
    static func apply(to pod: inout Value) {
        let labels = pod.at("metadata", "labels")?.strings ?? [:]
        guard !labels.isEmpty, var spec = pod["spec"] else { return }
        for direction in ["podAffinity", "podAntiAffinity"] {
            change(&spec, ["affinity", direction, required]) { merge(&$0, labels) }
            change(&spec, ["affinity", direction, preferred]) { preference in
                guard var term = preference["podAffinityTerm"], merge(&term, labels) else { return false }
                preference["podAffinityTerm"] = term
                return true
            }
        }
        change(&spec, ["topologySpreadConstraints"]) { merge(&$0, labels) }
        pod["spec"] = spec
    }

    /// Changes the items of a list. Most pods have none, and are left untouched.
    private static func change(_ spec: inout Value, _ path: [String], _ body: (inout Value) -> Bool) {
        guard var items = spec[path: path]?.array else { return }
        var isChanged = false
        for index in items.indices where body(&items[index]) { isChanged = true }
        if isChanged { spec[path: path] = .array(items) }
    }

    /// - Returns: Whether there was something to add.
    @discardableResult
    private static func merge(_ term: inout Value, _ labels: [String: String]) -> Bool {
        guard let selector = term["labelSelector"], selector != .null else { return false }
        var added: [Value] = []
        for (field, sign) in [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")] {
            for case .string(let key) in term[field]?.array ?? [] {
                guard let value = labels[key] else { continue }
                added.append(["key": .string(key), "operator": .string(sign), "values": [.string(value)]])
            }
        }
        guard !added.isEmpty else { return false }
        term[path: ["labelSelector", "matchExpressions"]] = .array((selector["matchExpressions"]?.array ?? []) + added)
        return true
    }
}
