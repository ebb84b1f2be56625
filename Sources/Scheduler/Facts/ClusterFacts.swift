import API
import APIMachinery

/// The nodes with what is on them, kept up to date change by change.
///
/// A pod counts on its node from the moment that the scheduler has chosen it, before the log knows.
struct ClusterFacts: Sendable {
    private(set) var nodes: [String: NodeFacts] = [:]
    /// Where each pod is, and what it takes there.
    private var placed: [String: (node: String, pod: PodFacts)] = [:]

    /// Takes a node's present version; `nil` when it is gone.
    mutating func setNode(_ name: String, _ node: Node?) {
        guard let node else {
            nodes[name] = nil
            return
        }
        var facts = NodeFacts(node)
        if let known = nodes[name] {
            (facts.requested, facts.podCount, facts.hostPorts) = (known.requested, known.podCount, known.hostPorts)
        } else {
            for (place, pod) in placed.values where place == name { facts.add(pod) }
        }
        nodes[name] = facts
    }

    /// Notes that a pod is on a node, or will be.
    mutating func place(_ pod: PodFacts, on node: String) {
        if placed[pod.uid]?.node == node { return }
        displace(pod.uid)
        placed[pod.uid] = (node, pod)
        nodes[node]?.add(pod)
    }

    /// Notes that a pod needs nothing any more, wherever it was.
    mutating func displace(_ uid: String) {
        guard let (node, pod) = placed.removeValue(forKey: uid) else { return }
        nodes[node]?.remove(pod)
    }
}
