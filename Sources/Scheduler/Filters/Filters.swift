import API
import APIMachinery

/// A rule that a node must pass: `nil` when it can take the pod, else why not, in Kubernetes' words.
typealias Filter = @Sendable (PodFacts, VolumeFacts, NodeFacts) -> String?

/// The rules in the order in which Kubernetes asks them; the first refusal counts.
enum Filters {
    static let all: [Filter] = [
        nodeUnschedulable, taints, nodeAffinity, nodePorts, nodeResources, volumes,
    ]

    private static let unschedulableTaint = "node.kubernetes.io/unschedulable"

    /// A cordoned node takes only pods that tolerate it.
    static let nodeUnschedulable: Filter = { pod, _, node in
        guard node.isUnschedulable else { return nil }
        let isTolerated = pod.tolerations.contains { $0.tolerates(key: unschedulableTaint, value: "", effect: "NoSchedule") }
        return isTolerated ? nil : "node(s) were unschedulable"
    }

    /// A taint with an effect on scheduling must be tolerated.
    static let taints: Filter = { pod, _, node in
        for taint in node.taints where taint.effect == "NoSchedule" || taint.effect == "NoExecute" {
            if node.isUnschedulable, taint.key == unschedulableTaint { continue }
            let isTolerated = pod.tolerations.contains {
                $0.tolerates(key: taint.key, value: taint.valueText, effect: taint.effect)
            }
            guard isTolerated else { return "node(s) had untolerated taint {\(taint.key): \(taint.valueText)}" }
        }
        return nil
    }

    /// The pod's node selector and its required node affinity.
    static let nodeAffinity: Filter = { pod, _, node in
        let matches =
            pod.nodeSelector.allSatisfy { node.labels[$0.key] == .string($0.value) }
            && (pod.requiredNodes?.matches(labels: node.labels, name: node.name) ?? true)
        return matches ? nil : "node(s) didn't match Pod's node affinity/selector"
    }

    /// Ports of the node can be taken once.
    static let nodePorts: Filter = { pod, _, node in
        let isTaken = pod.hostPorts.contains { wanted in node.hostPorts.contains { $0.conflicts(with: wanted) } }
        return isTaken ? "node(s) didn't have free ports for the requested pod ports" : nil
    }

    /// What is left of the node must cover what the pod requests.
    static let nodeResources: Filter = { pod, _, node in
        if node.podCount + 1 > Int(node.allocatable["pods"]) { return "Too many pods" }
        for name in pod.requests.amounts.keys.sorted()
        where pod.requests[name] > node.allocatable[name] - node.requested[name] {
            return "Insufficient \(name)"
        }
        return nil
    }

    /// The pod's bound volumes must be reachable from the node.
    static let volumes: Filter = { _, volumes, node in
        for case (_, .bound(let nodes?)) in volumes.claims where !nodes.matches(labels: node.labels, name: node.name) {
            return "node(s) didn't match PersistentVolume's node affinity"
        }
        return nil
    }
}

extension Toleration {
    /// Whether this covers a taint (API, "Toleration"): an empty key covers all keys, an empty effect all effects.
    func tolerates(key taintKey: String, value taintValue: String, effect taintEffect: String) -> Bool {
        guard effect.isEmpty || effect == taintEffect else { return false }
        guard key == taintKey || (key.isEmpty && self.operator == "Exists") else { return false }
        return self.operator == "Exists" || valueText == taintValue
    }
}
