/// Why a node cannot take a pod, in Kubernetes' words.
struct Refusal: Hashable, Sendable {
    var plugin: Plugin
    /// Whether it would stand if pods left the node, so that preemption is of no help.
    var isFinal: Bool
    var reasons: [String]

    init(_ plugin: Plugin, isFinal: Bool = false, _ reasons: String...) {
        self.init(plugin, isFinal: isFinal, reasons: reasons)
    }

    init(_ plugin: Plugin, isFinal: Bool = false, reasons: [String]) {
        self.plugin = plugin
        self.isFinal = isFinal
        self.reasons = reasons
    }
}

/// Why no node can take a pod.
struct Diagnosis {
    /// How many nodes there are.
    var total: Int
    var refused: [(node: NodeFacts, refusal: Refusal)] = []
    /// What holds of all nodes that were not even asked.
    var unasked: Refusal?
    /// What the pod itself lacks, whatever the node.
    var ofPod: Refusal?
    /// What became of the attempts to make room.
    var aftermath = ""

    /// The rules that must change their mind.
    var plugins: PluginSet {
        var plugins = PluginSet()
        for (_, refusal) in refused { plugins.insert(refusal.plugin) }
        for refusal in [unasked, ofPod] { if let refusal { plugins.insert(refusal.plugin) } }
        return plugins
    }

    /// The event's and the condition's message, as kube-scheduler writes it (`FitError`).
    var message: String {
        guard total > 0 else { return "no nodes available to schedule pods" }
        var message = "0/\(total) nodes are available:"
        if let ofPod {
            message += " " + ofPod.reasons.joined(separator: ", ") + "."
        } else {
            var counts: [String: Int] = [:]
            for (_, refusal) in refused {
                for reason in refusal.reasons { counts[reason, default: 0] += 1 }
            }
            let left = total - refused.count
            if left > 0, let unasked { for reason in unasked.reasons { counts[reason, default: 0] += left } }
            let reasons = counts.map { "\($0.value) \($0.key)" }.sorted().joined(separator: ", ")
            if !reasons.isEmpty { message += " " + reasons + "." }
        }
        return aftermath.isEmpty ? message : message + " " + aftermath
    }
}
