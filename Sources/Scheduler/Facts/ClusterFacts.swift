import API
import APIMachinery

/// The nodes with what is on them, kept up to date change by change.
///
/// A pod counts on its node from the moment that the scheduler has chosen it, before the log knows.
struct ClusterFacts: Sendable {
    private(set) var nodes: [String: NodeFacts] = [:]
    /// Where each pod is, and what it takes there.
    private var placed: [String: (node: String, pod: PodFacts)] = [:]

    /// Takes a node's present version; `nil` when it is gone. Returns whether it offers anything else than before.
    @discardableResult
    mutating func setNode(_ name: String, _ node: Node?) -> Bool {
        guard let node else { return nodes.removeValue(forKey: name) != nil }
        var facts = NodeFacts(node)
        let isSame = nodes[name].map(facts.isSame(offerAs:)) ?? false
        if let known = nodes[name] {
            (facts.requested, facts.podCount, facts.hostPorts) = (known.requested, known.podCount, known.hostPorts)
        } else {
            for (place, pod) in placed.values where place == name { facts.add(pod) }
        }
        nodes[name] = facts
        return !isSame
    }

    /// Whether the pod counts on the node as it is in this generation of its spec.
    func has(_ uid: String, on node: String, generation: Int) -> Bool {
        placed[uid].map { $0.node == node && $0.pod.generation == generation } ?? false
    }

    /// Notes that a pod is on a node, or will be. Returns whether it took something else until now.
    @discardableResult
    mutating func place(_ pod: PodFacts, on node: String) -> Bool {
        if has(pod.uid, on: node, generation: pod.generation) { return false }
        let old = placed[pod.uid]
        displace(pod.uid)
        placed[pod.uid] = (node, pod)
        nodes[node]?.add(pod)
        return old.map { $0.node != node || $0.pod.requests != pod.requests } ?? false
    }

    /// Notes that a pod needs nothing any more, wherever it was. Returns whether it did until now.
    @discardableResult
    mutating func displace(_ uid: String) -> Bool {
        guard let (node, pod) = placed.removeValue(forKey: uid) else { return false }
        nodes[node]?.remove(pod)
        return true
    }
}
