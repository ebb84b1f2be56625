import API
import APIMachinery

/// What is particular to the pods of a DaemonSet.
enum DaemonPod {
    static let generationLabel = "pod-template-generation"
    static let generationAnnotation = "deprecated.daemonset.template.generation"
    private static let nameField = "metadata.name"

    /// The template's tolerations, and those that every daemon has: it runs where a node is not well, or cordoned.
    static func tolerations(of spec: PodSpec) -> [Toleration] {
        var taints = [
            ("not-ready", "NoExecute"), ("unreachable", "NoExecute"), ("disk-pressure", "NoSchedule"),
            ("memory-pressure", "NoSchedule"), ("pid-pressure", "NoSchedule"), ("unschedulable", "NoSchedule"),
        ]
        // One that uses the node's own network may be what makes the other.
        if spec.hostNetwork { taints.append(("network-unavailable", "NoSchedule")) }
        let added = taints.map { name, effect in
            Toleration([
                "key": .string("node.kubernetes.io/" + name), "operator": "Exists", "effect": .string(effect),
            ])
        }
        func isSame(_ a: Toleration, _ b: Toleration) -> Bool {
            a.key == b.key && a.effect == b.effect && a.operator == b.operator && a.valueText == b.valueText
        }
        let own = spec.tolerations.filter { toleration in !added.contains { isSame($0, toleration) } }
        return own + added
    }

    /// The node that a pod is on or meant for; `nil` when nothing tells it.
    static func node(of pod: Pod) -> String? {
        if !pod.spec.nodeName.isEmpty { return pod.spec.nodeName }
        let required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
        for term in required?.nodeSelectorTerms ?? [] {
            for field in term.matchFields
            where field.key == nameField && field.operator == "In" && field.values.count == 1 {
                return field.values[0]
            }
        }
        return nil
    }
}

extension DaemonSet {
    /// A pod for one node, that the scheduler will put there and nowhere else. What else the template requires of nodes
    /// was asked already.
    func pod(on node: String, hash: String) -> Pod {
        var pod = Pod(template: spec.template, of: self)
        pod.metadata.labels[RevisionLabel.ofPods] = hash
        if let generation = templateGeneration { pod.metadata.labels[DaemonPod.generationLabel] = generation }
        pod.spec.tolerations = DaemonPod.tolerations(of: spec.template.spec)
        let term: Value = [
            "matchFields": [["key": "metadata.name", "operator": "In", "values": [.string(node)]]]
        ]
        pod.value[path: [
            "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution",
        ]] = ["nodeSelectorTerms": [term]]
        return pod
    }

    /// The number of its template, as the API counts templates for clients of old.
    var templateGeneration: String? {
        metadata.annotations[DaemonPod.generationAnnotation].flatMap { Int64($0) }.map { String($0) }
    }

    /// How many nodes may be without an available pod, or may have two, during a rolling update.
    func limits(nodes: Int) -> (unavailable: Int, surge: Int) {
        guard let update = spec.updateStrategy.rollingUpdate else { return (1, 0) }
        func count(_ value: Value?, _ absent: Int32) -> Int {
            let amount = value.flatMap { IntOrString(json: $0) } ?? .int(absent)
            return max(0, (try? amount.scaled(of: nodes, roundingUp: true)) ?? 0)
        }
        let (unavailable, surge) = (count(update.maxUnavailable, 1), count(update.maxSurge, 0))
        // Validation keeps both from being nothing; percentages of no nodes are.
        return unavailable == 0 && surge == 0 ? (1, 0) : (unavailable, surge)
    }

    /// Whether it may have two pods on a node during an update, whatever the number of nodes.
    var allowsSurge: Bool {
        guard spec.updateStrategy.type == DaemonSetUpdateStrategyType.rollingUpdate else { return false }
        return limits(nodes: 100).surge > 0
    }
}
