import API
import APIMachinery
import Client
import Support

/// How many replicas the target of an autoscaler shall have, given what its metrics ask for.
///
/// Pure: it is fed the autoscaler, the target's scale, the time and the history, which it changes. Its shell is
/// ``HorizontalPodAutoscalerController``.
struct AutoscalingDecision: Sendable {
    /// What there is to do before any metric is asked.
    enum Course: Hashable, Sendable {
        /// The target has no replicas, and its autoscaler may not begin with the first.
        case rest
        case correct(to: Int, reason: String)
        case measure
    }

    /// What a metric asks for.
    enum Outcome: Hashable, Sendable {
        case replicas(Int, name: String, MetricStatus)
        /// `reason` is that of the condition, `error` what went wrong.
        case failure(reason: String, error: String)
    }

    /// A recommendation from all metrics together.
    struct Recommendation: Hashable, Sendable {
        var replicas: Int
        /// The metric that asks for most.
        var metric: String
    }

    /// What a condition says.
    struct Verdict: Hashable, Sendable {
        var status: Bool
        var reason: String
        var message: String
    }

    /// The size after windows and limits, and what the conditions say of it.
    struct Size: Hashable, Sendable {
        var replicas: Int
        var able: Verdict
        var limited: Verdict
    }

    let autoscaler: HorizontalPodAutoscaler
    /// Replicas that the target asks for now.
    let current: Int
    let now: Timestamp
    var options = AutoscalerOptions()

    var least: Int { autoscaler.spec.minReplicas ?? 1 }
    var most: Int { autoscaler.spec.maxReplicas }
    private var upRules: ScalingRules { ScalingRules(autoscaler.spec.behavior?.scaleUp, otherwise: .up) }
    private var downRules: ScalingRules {
        var usual = ScalingRules.down
        usual.window = options.downscaleStabilization
        return ScalingRules(autoscaler.spec.behavior?.scaleDown, otherwise: usual)
    }

    var course: Course {
        if current == 0, least != 0 { return .rest }
        if current > most { return .correct(to: most, reason: "Current number of replicas above Spec.MaxReplicas") }
        if current < least { return .correct(to: least, reason: "Current number of replicas below Spec.MinReplicas") }
        return .measure
    }

    /// How far from its target a metric may be (KEP-4951).
    var tolerance: ReplicaCalculation.Tolerance {
        func number(_ rules: HPAScalingRules?) -> Double? {
            rules?.tolerance.flatMap { try? Quantity($0) }?.double
        }
        var tolerance = ReplicaCalculation.Tolerance(up: options.tolerance, down: options.tolerance)
        if let up = number(autoscaler.spec.behavior?.scaleUp) { tolerance.up = up }
        if let down = number(autoscaler.spec.behavior?.scaleDown) { tolerance.down = down }
        return tolerance
    }

    /// The metric that asks for most decides. When one of them is not known the target may grow, but not shrink.
    func recommendation(
        _ outcomes: [Outcome]
    ) -> (recommendation: Recommendation?, active: Verdict, error: String?) {
        var best: Recommendation?
        var failures: [(reason: String, error: String)] = []
        for outcome in outcomes {
            switch outcome {
            case .failure(let reason, let error): failures.append((reason, error))
            case .replicas(let replicas, let name, _):
                if let present = best, present.replicas != 0, replicas <= present.replicas { continue }
                best = Recommendation(replicas: replicas, metric: name)
            }
        }
        let error = failures.first.map {
            "invalid metrics (\(failures.count) invalid out of \(outcomes.count)), first error is: \($0.error)"
        }
        if let first = failures.first, best.map({ $0.replicas < current }) ?? true {
            let message = "the HPA was unable to compute the replica count: \(first.error)"
            return (nil, Verdict(status: false, reason: first.reason, message: message), error)
        }
        let message = "the HPA was able to successfully calculate a replica count from \(best?.metric ?? "")"
        return (best, Verdict(status: true, reason: "ValidMetricFound", message: message), error)
    }

    /// Why the target is scaled, as its event tells.
    func reason(of recommendation: Recommendation) -> String {
        recommendation.replicas > current ? "\(recommendation.metric) above target" : "All metrics below target"
    }

    // MARK: Windows and limits

    /// The size that a recommendation leads to, weighed against the history, which it becomes a part of.
    func size(_ recommended: Int, _ history: inout ScalingHistory) -> Size {
        autoscaler.spec.behavior == nil ? plainSize(recommended, &history) : ruledSize(recommended, &history)
    }

    /// Notes that the target was scaled; only rules look back at it.
    func note(scaledTo replicas: Int, in history: inout ScalingHistory) {
        guard autoscaler.spec.behavior != nil else { return }
        let period = max(upRules.longestPeriod, downRules.longestPeriod)
        history.scaled(from: current, to: replicas, keeping: period, at: now)
    }

    private func plainSize(_ recommended: Int, _ history: inout ScalingHistory) -> Size {
        let window = options.downscaleStabilization
        let stable = history.highest(recommended, in: window, at: now)
        history.recommend(recommended, keeping: window, at: now)
        let able = stable == recommended ? Verdict.ready : .shrinkingStabilized
        // Twice as many at once, and always four.
        let limit = max(current.multipliedReportingOverflow(by: 2).partialValue, 4)
        let top = min(most, limit)
        if stable < least { return Size(replicas: least, able: able, limited: .tooFew) }
        if stable > top {
            return Size(replicas: top, able: able, limited: most > limit ? .growingTooFast : .tooMany)
        }
        return Size(replicas: stable, able: able, limited: .withinRange)
    }

    private func ruledSize(_ recommended: Int, _ history: inout ScalingHistory) -> Size {
        let (up, down) = (upRules, downRules)
        let lower = history.lowest(recommended, in: up.window, at: now)
        let upper = history.highest(recommended, in: down.window, at: now)
        let stable = min(max(current, lower), upper)
        history.recommend(recommended, keeping: max(up.window, down.window), at: now)
        let stabilized: Verdict = recommended >= current ? .growingStabilized : .shrinkingStabilized
        let able = stable == recommended ? .ready : stabilized
        func start(_ period: Duration) -> Int { history.replicas(at: now, before: period, current: current) }
        if stable > current {
            let limit = up.upperLimit(current: current, startOf: start)
            let top = min(most, limit)
            if stable > top {
                return Size(replicas: top, able: able, limited: most > limit ? .growingTooFast : .tooMany)
            }
        } else if stable < current {
            let limit = down.lowerLimit(current: current, startOf: start)
            let bottom = max(least, limit)
            if stable < bottom {
                return Size(replicas: bottom, able: able, limited: least < limit ? .shrinkingTooFast : .tooFew)
            }
        }
        return Size(replicas: stable, able: able, limited: .withinRange)
    }
}

/// In Kubernetes' words, which programs compare.
extension AutoscalingDecision.Verdict {
    fileprivate static let ready = Self(
        status: true, reason: "ReadyForNewScale", message: "recommended size matches current size")
    fileprivate static let growingStabilized = Self(
        status: true, reason: "ScaleUpStabilized",
        message: "recent recommendations were lower than current one, applying the lowest recent recommendation")
    fileprivate static let shrinkingStabilized = Self(
        status: true, reason: "ScaleDownStabilized",
        message: "recent recommendations were higher than current one, applying the highest recent recommendation")
    fileprivate static let tooFew = Self(
        status: true, reason: "TooFewReplicas",
        message: "the desired replica count is less than the minimum replica count")
    fileprivate static let tooMany = Self(
        status: true, reason: "TooManyReplicas",
        message: "the desired replica count is more than the maximum replica count")
    fileprivate static let growingTooFast = Self(
        status: true, reason: "ScaleUpLimit",
        message: "the desired replica count is increasing faster than the maximum scale rate")
    fileprivate static let shrinkingTooFast = Self(
        status: true, reason: "ScaleDownLimit",
        message: "the desired replica count is decreasing faster than the maximum scale rate")
    fileprivate static let withinRange = Self(
        status: false, reason: "DesiredWithinRange",
        message: "the desired count is within the acceptable range")
    static let resting = Self(
        status: false, reason: "ScalingDisabled",
        message: "scaling is disabled since the replica count of the target is zero")
}
