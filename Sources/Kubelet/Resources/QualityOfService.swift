public import API
import APIMachinery

/// How well a pod is kept when the node runs short, as its requests and limits tell.
public enum QualityOfService: String, Hashable, Sendable, CaseIterable {
    case guaranteed = "Guaranteed"
    case burstable = "Burstable"
    case bestEffort = "BestEffort"

    /// The class that the server wrote down when it created the pod; worked out anew for a pod that has none, as a
    /// static pod before the server knows it.
    public init(_ pod: Pod) {
        self = QualityOfService(rawValue: pod.status.qosClass) ?? QualityOfService(pod.spec)
    }

    /// The class that follows from what the pod and its containers ask for.
    init(_ spec: PodSpec) { self = QualityOfService(rawValue: PodQuality.of(spec: spec.value)) ?? .bestEffort }

    /// The names of the control groups that lead to those of its pods.
    var groups: [String] {
        switch self {
        case .guaranteed: ["kubepods"]
        case .burstable: ["kubepods", "burstable"]
        case .bestEffort: ["kubepods", "besteffort"]
        }
    }

    /// `oom_score_adj` of a container: who asked for much of the memory is killed late, who asked for none first.
    ///
    /// A burstable container always lies between the two other classes. `memoryCapacity` is the node's, in bytes.
    public func oomScoreAdjustment(memoryRequest: Int64, memoryCapacity: Int64) -> Int {
        precondition(memoryCapacity > 0, "a node has memory")
        switch self {
        case .guaranteed: return Self.guaranteedAdjustment
        case .bestEffort: return Self.bestEffortAdjustment
        case .burstable:
            let part = min(max(memoryRequest, 0), memoryCapacity)
            let thousandths = Int(Int128(part) * 1000 / Int128(memoryCapacity))
            let (lowest, highest) = (1000 + Self.guaranteedAdjustment, Self.bestEffortAdjustment - 1)
            return min(max(1000 - thousandths, lowest), highest)
        }
    }

    private static let guaranteedAdjustment = -997
    private static let bestEffortAdjustment = 1000
}
