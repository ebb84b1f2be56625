import APIMachinery

/// What the pods on nodes say of pods beside them, each saying once: how many pods of each node say it.
///
/// Replicas say the same, so that a decision looks at as many terms as there are workloads with affinity, not pods; and
/// only at those about its own namespace.
final class StandingTerms {
    enum Role: Hashable {
        case required
        case forbidden
        /// Negative to be away.
        case preferred(weight: Int)
    }

    struct Saying: Hashable {
        var role: Role
        var term: PodTerm
    }

    struct Entry {
        var saying: Saying
        /// How many pods of each node say it, by slot.
        var counts: [Int: Int]
    }

    private var entries: [Int: Entry] = [:]
    private var ids: [Saying: Int] = [:]
    private var nextID = 0
    /// Sayings about pods of a namespace; under `nil` those that a selector of namespaces widens.
    private var byNamespace: [String?: Set<Int>] = [:]

    var isEmpty: Bool { entries.isEmpty }

    /// A pod came to a node, or left it.
    func count(_ affinity: PodAffinityFacts, _ slot: Int, by amount: Int) {
        for saying in Self.sayings(of: affinity) {
            let id = ids[saying] ?? begin(saying)
            let count = (entries[id]?.counts[slot] ?? 0) + amount
            entries[id]?.counts[slot] = count == 0 ? nil : count
            if entries[id]?.counts.isEmpty == true { end(id, saying) }
        }
    }

    /// What pods on nodes say of a pod of this namespace and labels, in the order in which it was first said.
    func about(namespace: String, labels: Fields, namespaceLabels: (String) -> Fields) -> [Entry] {
        guard !entries.isEmpty else { return [] }
        let candidates = (byNamespace[namespace] ?? []).union(byNamespace[nil] ?? [])
        return candidates.sorted().compactMap { entries[$0] }.filter {
            $0.saying.term.pick.picks(namespace: namespace, labels: labels, namespaceLabels: namespaceLabels)
        }
    }

    static func sayings(of affinity: PodAffinityFacts) -> [Saying] {
        affinity.required.map { Saying(role: .required, term: $0) }
            + affinity.forbidden.map { Saying(role: .forbidden, term: $0) }
            + affinity.preferred.map { Saying(role: .preferred(weight: $0.weight), term: $0.term) }
    }

    private func begin(_ saying: Saying) -> Int {
        nextID += 1
        ids[saying] = nextID
        entries[nextID] = Entry(saying: saying, counts: [:])
        for place in Self.places(of: saying) { byNamespace[place, default: []].insert(nextID) }
        return nextID
    }

    private func end(_ id: Int, _ saying: Saying) {
        entries[id] = nil
        ids[saying] = nil
        for place in Self.places(of: saying) {
            byNamespace[place]?.remove(id)
            if byNamespace[place]?.isEmpty == true { byNamespace[place] = nil }
        }
    }

    private static func places(of saying: Saying) -> [String?] {
        saying.term.pick.namespaceSelector == nil ? saying.term.pick.namespaces : [nil]
    }
}
