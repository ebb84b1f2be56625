import API
import APIMachinery
import Support

/// The status of an autoscaler, as a pass fills it in.
struct AutoscalerReport: Sendable {
    private(set) var autoscaler: HorizontalPodAutoscaler
    private let now: Timestamp

    init(_ autoscaler: HorizontalPodAutoscaler, at now: Timestamp) {
        (self.autoscaler, self.now) = (autoscaler, now)
        self.autoscaler.status.assign(\.observedGeneration, autoscaler.metadata.generation)
    }

    /// Its time is that of the last change of its status.
    mutating func set(_ type: String, _ verdict: AutoscalingDecision.Verdict) {
        var conditions = autoscaler.status.conditions
        let index = conditions.firstIndex { $0.type == type }
        var condition = index.map { conditions[$0] } ?? HorizontalPodAutoscalerCondition()
        let status = verdict.status ? "True" : "False"
        if condition.status != status { condition.lastTransitionTime = now }
        (condition.type, condition.status) = (type, status)
        (condition.reason, condition.message) = (verdict.reason, verdict.message)
        if let index { conditions[index] = condition } else { conditions.append(condition) }
        autoscaler.status.assign(\.conditions, conditions)
    }

    /// - Parameters:
    ///   - desired: `nil` keeps what was desired before.
    ///   - metrics: Those that are known.
    mutating func finish(current: Int, desired: Int?, metrics: [MetricStatus], isScaled: Bool) {
        autoscaler.status.assign(\.currentReplicas, current)
        autoscaler.status.assign(\.desiredReplicas, desired ?? autoscaler.status.desiredReplicas)
        // Required, also when it is 0.
        if autoscaler.status.value["desiredReplicas"] == nil { autoscaler.status.value["desiredReplicas"] = 0 }
        autoscaler.status.assign(\.currentMetrics, metrics)
        if isScaled { autoscaler.status.lastScaleTime = now }
    }
}
