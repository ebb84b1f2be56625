import API
import Support

/// When a pod has to leave its node because of taints that it does not tolerate, or not for ever.
struct EvictionDecision: Sendable {
    /// A taint with the effect `NoExecute`, and since when the node has it.
    struct Threat: Hashable, Sendable {
        var key: String
        var value: String
        var since: Timestamp
    }

    enum Action: Hashable, Sendable {
        case stay
        /// Look again then, unless something changes before.
        case wait(Duration)
        case evict
    }

    var tolerations: [Toleration]
    var threats: [Threat]
    var now: Timestamp

    var action: Action {
        var due: Timestamp?
        for threat in threats {
            let covering = tolerations.filter {
                $0.tolerates(key: threat.key, value: threat.value, effect: NodeTaintKey.noExecute)
            }
            guard !covering.isEmpty else { return .evict }
            // Of several tolerations the shortest counts; without seconds one lasts for ever.
            guard let seconds = covering.compactMap(\.tolerationSeconds).min() else { continue }
            let end = threat.since + .seconds(max(seconds, 0))
            due = min(due ?? end, end)
        }
        guard let due else { return .stay }
        return due <= now ? .evict : .wait(due - now)
    }
}
