import API
import APIMachinery

/// The nodes with what is on them, kept up to date change by change.
///
/// A pod counts on its node from the moment that the scheduler has chosen it, before the log knows. Owned by one task.
final class ClusterFacts {
    private struct Placed {
        var node: String
        var pod: PodFacts
        /// Its family in ``kin``; `nil` while its node is not known.
        var family: Int?
    }

    let topology = Topology()
    let kin: KinCounts
    let standing = StandingTerms()
    let siblings: Siblings
    private let namespaceLabels = NamespaceLabels()
    private var slots: [String: NodeFacts] = [:]
    private var freeSlots: [Int] = []
    private var slotCount = 0
    private var placed: [String: Placed] = [:]
    /// The pods of nodes that are not known (yet).
    private var strays: [String: Set<String>] = [:]
    private var nominations: [String: (node: String, pod: PodFacts)] = [:]
    /// How many nodes have an image.
    private(set) var imageNodes: [String: Int] = [:]
    /// How many pods on nodes use a claim.
    private(set) var claimUsers: [ObjectName: Int] = [:]
    private var cachedOrder: [NodeFacts]?

    init(siblings: Siblings = Siblings()) {
        self.siblings = siblings
        kin = KinCounts(namespaceLabels: namespaceLabels.labels)
    }

    // MARK: Nodes

    func node(_ name: String) -> NodeFacts? { slots[name] }

    /// The nodes in the order in which they are asked: one of each zone in turn, so that a look at some of them is a look
    /// at all zones.
    var order: [NodeFacts] {
        if let cachedOrder { return cachedOrder }
        var zones: [String: [NodeFacts]] = [:]
        for node in slots.values.sorted(by: { $0.name < $1.name }) { zones[node.zone, default: []].append(node) }
        let lists = zones.sorted { $0.key < $1.key }.map(\.value)
        var order: [NodeFacts] = []
        for turn in 0..<(lists.map(\.count).max() ?? 0) {
            for list in lists where turn < list.count { order.append(list[turn]) }
        }
        cachedOrder = order
        return order
    }

    /// Takes a node's present version; `nil` when it is gone. Returns what changed of what it offers.
    @discardableResult
    func setNode(_ name: String, _ node: Node?) -> NodeFacts.Change {
        guard let node else { return removeNode(name) }
        if let facts = slots[name] {
            let (images, zone) = (facts.images, facts.zone)
            let change = facts.set(node)
            if change.contains(.images) { countImages(images, facts.images) }
            if change.contains(.labels) {
                topology.set(facts.slot, facts)
                if facts.zone != zone { cachedOrder = nil }
            }
            return change
        }
        let slot = freeSlots.popLast() ?? slotCount
        slotCount = max(slotCount, slot + 1)
        let facts = NodeFacts(name: name, slot: slot)
        _ = facts.set(node)
        countImages([:], facts.images)
        slots[name] = facts
        cachedOrder = nil
        topology.set(slot, facts)
        for uid in (strays.removeValue(forKey: name) ?? []).sorted() { settle(uid, on: facts) }
        return .appearance
    }

    private func removeNode(_ name: String) -> NodeFacts.Change {
        guard let facts = slots[name] else { return [] }
        for pod in facts.pods.values { unsettle(pod.uid, from: facts) }
        slots[name] = nil
        freeSlots.append(facts.slot)
        countImages(facts.images, [:])
        topology.set(facts.slot, nil)
        cachedOrder = nil
        return .appearance
    }

    private func countImages(_ old: [String: Int64], _ new: [String: Int64]) {
        for image in old.keys where new[image] == nil {
            imageNodes[image] = imageNodes[image].flatMap { $0 > 1 ? $0 - 1 : nil }
        }
        for image in new.keys where old[image] == nil { imageNodes[image, default: 0] += 1 }
    }

    // MARK: Pods on nodes

    /// The node of a pod that counts somewhere.
    func place(of uid: String) -> String? { placed[uid]?.node }

    /// Notes that a pod is on a node, or will be. Returns what counted of it until now.
    @discardableResult
    func place(_ pod: PodFacts, on node: String) -> PodFacts? {
        if let entry = placed[pod.uid], entry.node == node, entry.family != nil, pod.countsLike(entry.pod) {
            // Most of what is told of a pod changes nothing of what it takes.
            slots[node]?.replace(pod)
            placed[pod.uid]?.pod = pod
            return entry.pod
        }
        let old = displace(pod.uid)
        placed[pod.uid] = Placed(node: node, pod: pod)
        if let facts = slots[node] {
            settle(pod.uid, on: facts)
        } else {
            strays[node, default: []].insert(pod.uid)
        }
        return old
    }

    /// Notes that a pod needs nothing any more, wherever it was. Returns it, if it did until now.
    @discardableResult
    func displace(_ uid: String) -> PodFacts? {
        guard let old = placed[uid] else { return nil }
        if let facts = slots[old.node] { unsettle(uid, from: facts) }
        strays[old.node]?.remove(uid)
        if strays[old.node]?.isEmpty == true { strays[old.node] = nil }
        placed[uid] = nil
        return old.pod
    }

    private func settle(_ uid: String, on node: NodeFacts) {
        guard let pod = placed[uid]?.pod else { return }
        node.add(pod)
        placed[uid]?.family = kin.join(pod.kin, node.slot)
        if let affinity = pod.affinity { standing.count(affinity, node.slot, by: 1) }
        for claim in pod.claimNames { claimUsers[claim, default: 0] += 1 }
    }

    private func unsettle(_ uid: String, from node: NodeFacts) {
        guard let entry = placed[uid], let family = entry.family else { return }
        node.remove(entry.pod)
        kin.leave(family, node.slot)
        if let affinity = entry.pod.affinity { standing.count(affinity, node.slot, by: -1) }
        for claim in entry.pod.claimNames {
            claimUsers[claim] = claimUsers[claim].flatMap { $0 > 1 ? $0 - 1 : nil }
        }
        placed[uid]?.family = nil
        strays[entry.node, default: []].insert(uid)
    }

    // MARK: What rules about pods ask

    /// How many pods a rule picks on each node, by slot; the array may end before the last slot.
    func counts(of rule: KinCounts.Rule) -> [Int32] { kin.counts(of: rule) }

    func labels(ofNamespace name: String) -> Fields { namespaceLabels.labels(name) }

    /// Takes a namespace's labels; returns whether they changed.
    @discardableResult
    func setNamespace(_ name: String, _ labels: Fields?) -> Bool {
        guard namespaceLabels.set(name, labels) else { return false }
        kin.namespacesChanged()
        return true
    }

    // MARK: Nominations

    /// Room on a node is being made for a pod; `nil` when it waits for none.
    func nominate(_ pod: PodFacts, _ node: String?) {
        nominations[pod.uid] = node.map { ($0, pod) }
    }

    func forgetNomination(of uid: String) { nominations[uid] = nil }

    func nomination(of uid: String) -> String? { nominations[uid]?.node }

    var hasNominations: Bool { !nominations.isEmpty }

    /// The pods for which room is made on nodes, but for `pod`, that are as important: by node.
    func nominated(besides pod: PodFacts) -> [String: [PodFacts]] {
        guard !nominations.isEmpty else { return [:] }
        var result: [String: [PodFacts]] = [:]
        for (uid, nomination) in nominations.sorted(by: { $0.key < $1.key })
        where uid != pod.uid && nomination.pod.priority >= pod.priority {
            result[nomination.node, default: []].append(nomination.pod)
        }
        return result
    }

    /// The pods for which room is made on this node and that are less important.
    func nominated(on node: String, below priority: Int) -> [PodFacts] {
        nominations.filter { $0.value.node == node && $0.value.pod.priority < priority }
            .sorted { $0.key < $1.key }.map(\.value.pod)
    }
}

extension PodFacts {
    /// Whether this version of a pod on a node counts there as another one does. What it asks for beside resources never
    /// changes on a node.
    fileprivate func countsLike(_ other: PodFacts) -> Bool {
        requests == other.requests && weightedCPU == other.weightedCPU && weightedMemory == other.weightedMemory
            && labels == other.labels && isLeaving == other.isLeaving
    }

    /// What rules about pods can tell it by.
    var kin: KinCounts.Kin {
        KinCounts.Kin(namespace: name.namespace, labels: labels, isLeaving: isLeaving)
    }
}

/// The labels of namespaces, shared by what asks for them.
private final class NamespaceLabels {
    private var known: [String: Fields] = [:]

    func labels(_ name: String) -> Fields { known[name] ?? Fields() }

    func set(_ name: String, _ labels: Fields?) -> Bool {
        if known[name] == labels { return false }
        known[name] = labels
        return true
    }
}
