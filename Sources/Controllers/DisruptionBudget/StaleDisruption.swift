import API
import APIMachinery
import Client
import Support

/// What becomes of the mark of a pod that was to be deleted and lives on (KEP-3329).
enum StaleDisruption: Hashable, Sendable {
    case none
    case wait(Duration)
    case clear

    /// How long a pod may bear the mark without being deleted.
    static let timeout: Duration = .seconds(120)

    /// The kubelet's own mark may take any time to come true.
    init(_ pod: Pod, at now: Timestamp) {
        guard pod.isActive, let mark = pod.condition("DisruptionTarget"), mark.status == "True",
            mark.reason != "TerminationByKubelet"
        else {
            self = .none
            return
        }
        let due = (mark.lastTransitionTime ?? now) + Self.timeout
        self = due > now ? .wait(due - now) : .clear
    }

    /// The pod's status with the mark taken back.
    static func cleared(at now: Timestamp) -> Value {
        let condition: Value = [
            "type": "DisruptionTarget", "status": "False", "lastTransitionTime": .string(now.description),
        ]
        return ["conditions": [condition]]
    }
}
