import API
import APIMachinery

/// A rule that a node must pass: nothing when it can take the pod, else why not, in Kubernetes' words.
typealias Filter = @Sendable (PodFacts, VolumeFacts, NodeFacts) -> [String]

/// The rules in the order in which Kubernetes asks them; the first refusal counts.
enum Filters {
    static let all: [Filter] = [
        nodeUnschedulable, taints, nodeAffinity, nodePorts, nodeResources, volumes,
    ]

    private static let unschedulableTaint = "node.kubernetes.io/unschedulable"

    /// A cordoned node takes only pods that tolerate it.
    static let nodeUnschedulable: Filter = { pod, _, node in
        guard node.isUnschedulable else { return [] }
        let isTolerated = pod.tolerations.contains {
            $0.tolerates(key: unschedulableTaint, value: "", effect: "NoSchedule")
        }
        return isTolerated ? [] : ["node(s) were unschedulable"]
    }

    /// A taint with an effect on scheduling must be tolerated. Which one it was is not told: nodes that
    /// differ only in that count as one reason.
    static let taints: Filter = { pod, _, node in
        for taint in node.taints where taint.effect == "NoSchedule" || taint.effect == "NoExecute" {
            if node.isUnschedulable, taint.key == unschedulableTaint { continue }
            guard pod.tolerations.contains(where: { $0.tolerates(taint) }) else {
                return ["node(s) had untolerated taint(s)"]
            }
        }
        return []
    }

    /// The pod's node selector and its required node affinity.
    static let nodeAffinity: Filter = { pod, _, node in
        let matches =
            pod.nodeSelector.allSatisfy { node.labels[$0.key] == .string($0.value) }
            && (pod.requiredNodes?.matches(labels: node.labels, name: node.name) ?? true)
        return matches ? [] : ["node(s) didn't match Pod's node affinity/selector"]
    }

    /// Ports of the node can be taken once.
    static let nodePorts: Filter = { pod, _, node in
        let isTaken = pod.hostPorts.contains { wanted in
            node.hostPorts.contains { $0.conflicts(with: wanted) }
        }
        return isTaken ? ["node(s) didn't have free ports for the requested pod ports"] : []
    }

    /// What is left of the node must cover what the pod requests.
    static let nodeResources: Filter = { pod, _, node in
        let short = pod.requests.amounts.keys.sorted().filter { name in
            pod.requests[name] > node.allocatable[name] - node.requested[name]
        }
        let isFull = Int128(node.podCount) + 1 > node.allocatable["pods"]
        return (isFull ? ["Too many pods"] : []) + short.map { "Insufficient \($0)" }
    }

    /// The node must reach the volumes that the pod's claims have, and have volumes for those that wait.
    static let volumes: Filter = { _, volumes, node in
        guard volumes.isReached(from: node) else {
            return ["node(s) didn't match PersistentVolume's node affinity"]
        }
        guard volumes.choices(on: node) == nil else { return [] }
        return ["node(s) didn't find available persistent volumes to bind"]
    }
}
