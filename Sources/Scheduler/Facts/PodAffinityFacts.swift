import APIMachinery

/// Which pods a rule about pods is about: those of some namespaces whose labels a selector picks.
struct PodPick: Hashable, Sendable {
    /// In order.
    var namespaces: [String]
    /// Picks more namespaces, by their labels; `nil` picks none more.
    var namespaceSelector: LabelSelector?
    var labels: LabelSelector

    func picks(namespace: String, labels: Fields, namespaceLabels: (String) -> Fields) -> Bool {
        guard isAbout(namespace, namespaceLabels) else { return false }
        return self.labels.matches(labels)
    }

    private func isAbout(_ namespace: String, _ labels: (String) -> Fields) -> Bool {
        if namespaces.contains(namespace) { return true }
        guard let namespaceSelector else { return false }
        return namespaceSelector.matchesEverything || namespaceSelector.matches(labels(namespace))
    }
}

/// A term of a pod's affinity or anti-affinity: pods, and the label whose equal values make two nodes one place.
struct PodTerm: Hashable, Sendable {
    var pick: PodPick
    var topologyKey: String

    /// Reads a `PodAffinityTerm` of a pod. `matchLabelKeys` and `mismatchLabelKeys` take their values from the pod's own
    /// labels (KEP-3633).
    init(_ term: Value, namespace: String, labels: Fields) {
        topologyKey = term["topologyKey"]?.string ?? ""
        var namespaces = (term["namespaces"]?.array ?? []).compactMap(\.string).sorted()
        let given = term["namespaceSelector"]
        if namespaces.isEmpty, given == nil { namespaces = [namespace] }
        let selector = Selectors.reading(term["labelSelector"])
            .adding(term["matchLabelKeys"], of: labels, .in).adding(term["mismatchLabelKeys"], of: labels, .notIn)
        pick = PodPick(
            namespaces: namespaces, namespaceSelector: given.map(Selectors.reading), labels: selector)
    }
}

/// What a pod says of the pods beside it.
struct PodAffinityFacts: Sendable {
    struct Preferred: Hashable, Sendable {
        /// Negative for those to be away from.
        var weight: Int
        var term: PodTerm
    }

    /// All must hold, and one pod must be picked by all of them.
    var required: [PodTerm] = []
    var forbidden: [PodTerm] = []
    var preferred: [Preferred] = []

    init?(_ affinity: Value?, namespace: String, labels: Fields) {
        guard let affinity else { return nil }
        let (near, far) = (affinity["podAffinity"], affinity["podAntiAffinity"])
        if near == nil, far == nil { return nil }
        let (hard, soft) = (
            "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
        )
        func term(_ value: Value) -> PodTerm { PodTerm(value, namespace: namespace, labels: labels) }
        required = (near?[hard]?.array ?? []).map(term)
        forbidden = (far?[hard]?.array ?? []).map(term)
        for (side, sign) in [(near, 1), (far, -1)] {
            for weighted in side?[soft]?.array ?? [] {
                // A weight is at most 100.
                let weight = Int(Int32(clamping: weighted["weight"]?.integer ?? 0)) * sign
                preferred.append(
                    Preferred(weight: weight, term: term(weighted["podAffinityTerm"] ?? .emptyObject)))
            }
        }
        if required.isEmpty, forbidden.isEmpty, preferred.isEmpty { return nil }
    }
}

/// Selectors as validation has let them pass.
enum Selectors {
    /// An absent selector picks nothing; nor does one that cannot be read.
    static func reading(_ object: Value?) -> LabelSelector { (try? LabelSelector(object: object)) ?? .nothing }
}

extension LabelSelector {
    /// With the pod's own value of each of these labels required, or refused; labels that it lacks are passed over.
    func adding(_ keys: Value?, of labels: Fields, _ operator: LabelRequirement.Operator) -> LabelSelector {
        guard !matchesNothing, let keys = keys?.array, !keys.isEmpty else { return self }
        var all = requirements
        for case .string(let key) in keys {
            guard let value = labels[key]?.string,
                let requirement = try? LabelRequirement(key, `operator`, [value]), !all.contains(requirement)
            else { continue }
            all.append(requirement)
        }
        return LabelSelector(all)
    }
}
