import APIMachinery

/// How many pods of each node a rule picks, kept up to date pod by pod.
///
/// Pods of one namespace with equal labels are kin: no selector tells them apart. A rule that is asked for the first time
/// is compared with each kin once, then with each new kin; a pod that comes or goes changes the counts of the rules that
/// pick its kin. So a decision costs as much as there are nodes, whatever runs on them.
final class KinCounts {
    /// What pods have in common.
    struct Kin: Hashable {
        var namespace: String
        var labels: Fields
        var isLeaving: Bool
    }

    /// A pod is counted when all of the picks pick it.
    struct Rule: Hashable {
        var picks: [PodPick]
        /// Whether pods count that are being deleted.
        var countsLeaving: Bool
    }

    private struct Family {
        var kin: Kin
        /// Of the node of each member, in no order.
        var slots: [Int32] = []
        /// The rules that pick it.
        var rules: [Int] = []
    }

    private struct Tally {
        var rule: Rule
        /// By the slot of the node.
        var counts: [Int32]
        var lastUse = 0
    }

    /// So many rules are kept; of more the one that was asked for longest ago is forgotten.
    private static let limit = 512

    private var families: [Int: Family] = [:]
    private var familyIDs: [Kin: Int] = [:]
    private var nextFamily = 0
    private var tallies: [Int: Tally] = [:]
    private var ruleIDs: [Rule: Int] = [:]
    private var nextRule = 0
    private var uses = 0
    private let namespaceLabels: (String) -> Fields

    init(namespaceLabels: @escaping (String) -> Fields) { self.namespaceLabels = namespaceLabels }

    /// A pod came to a node. The answer is its family, to be given back when it goes.
    func join(_ kin: Kin, _ slot: Int) -> Int {
        let id = familyIDs[kin] ?? found(kin)
        families[id]?.slots.append(Int32(slot))
        change(id, slot, by: 1)
        return id
    }

    /// A pod of this family left its node.
    func leave(_ id: Int, _ slot: Int) {
        change(id, slot, by: -1)
        guard let index = families.index(forKey: id) else { return }
        if let place = families.values[index].slots.firstIndex(of: Int32(slot)) {
            families.values[index].slots.swapAt(place, families.values[index].slots.count - 1)
            families.values[index].slots.removeLast()
        }
        guard families.values[index].slots.isEmpty else { return }
        familyIDs[families.values[index].kin] = nil
        families[id] = nil
    }

    /// The counts of a rule by slot, which may end before the last slot.
    func counts(of rule: Rule) -> [Int32] {
        uses += 1
        if let id = ruleIDs[rule], let counts = tallies[id]?.counts {
            tallies[id]?.lastUse = uses
            return counts
        }
        if tallies.count >= Self.limit { forgetOldest() }
        nextRule += 1
        let id = nextRule
        ruleIDs[rule] = id
        tallies[id] = Tally(rule: rule, counts: [], lastUse: uses)
        for (family, value) in families where picks(rule, value.kin) {
            families[family]?.rules.append(id)
            for slot in value.slots { add(1, id, Int(slot)) }
        }
        return tallies[id]?.counts ?? []
    }

    /// Forgets every rule that asks for the labels of namespaces: those have changed.
    func namespacesChanged() {
        forget(tallies.filter { $0.value.rule.picks.contains { $0.namespaceSelector != nil } }.map(\.key))
    }

    /// Whether a rule picks a pod.
    func picks(_ rule: Rule, _ kin: Kin) -> Bool {
        if kin.isLeaving, !rule.countsLeaving { return false }
        return rule.picks.allSatisfy {
            $0.picks(namespace: kin.namespace, labels: kin.labels, namespaceLabels: namespaceLabels)
        }
    }

    private func found(_ kin: Kin) -> Int {
        nextFamily += 1
        familyIDs[kin] = nextFamily
        let rules = tallies.compactMap { picks($0.value.rule, kin) ? $0.key : nil }
        families[nextFamily] = Family(kin: kin, rules: rules)
        return nextFamily
    }

    private func change(_ family: Int, _ slot: Int, by amount: Int32) {
        guard let rules = families[family]?.rules else { return }
        for rule in rules { add(amount, rule, slot) }
    }

    private func add(_ amount: Int32, _ rule: Int, _ slot: Int) {
        guard let index = tallies.index(forKey: rule) else { return }
        while tallies.values[index].counts.count <= slot { tallies.values[index].counts.append(0) }
        tallies.values[index].counts[slot] += amount
    }

    private func forgetOldest() {
        guard let oldest = tallies.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return }
        forget([oldest.key])
    }

    private func forget(_ ids: [Int]) {
        guard !ids.isEmpty else { return }
        for id in ids {
            if let rule = tallies.removeValue(forKey: id)?.rule { ruleIDs[rule] = nil }
        }
        let gone = Set(ids)
        for family in Array(families.keys) { families[family]?.rules.removeAll { gone.contains($0) } }
    }
}
