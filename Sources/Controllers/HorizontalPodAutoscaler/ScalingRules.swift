import API
import APIMachinery
import Support

/// How fast a target may grow or shrink (KEP-853): the rules of an autoscaler's `behavior` with their defaults.
struct ScalingRules: Hashable, Sendable {
    enum Choice: Hashable, Sendable {
        /// Of several policies the one that changes most, or least.
        case most
        case least
        case disabled
    }

    struct Policy: Hashable, Sendable {
        enum Amount: Hashable, Sendable {
            case pods(Int)
            case percent(Int)
        }

        var amount: Amount
        var period: Duration
    }

    var choice = Choice.most
    var policies: [Policy]
    /// Of the recommendations of so long a time the least change counts.
    var window: Duration

    static let up = ScalingRules(
        policies: [
            Policy(amount: .pods(4), period: .seconds(15)), Policy(amount: .percent(100), period: .seconds(15)),
        ], window: .zero)
    static let down = ScalingRules(
        policies: [Policy(amount: .percent(100), period: .seconds(15))], window: .seconds(300))

    init(choice: Choice = .most, policies: [Policy], window: Duration) {
        (self.choice, self.policies, self.window) = (choice, policies, window)
    }

    init(_ rules: HPAScalingRules?, otherwise: ScalingRules) {
        self = otherwise
        guard let rules else { return }
        switch rules.selectPolicy {
        case "Min"?: choice = .least
        case "Disabled"?: choice = .disabled
        default: choice = .most
        }
        if !rules.policies.isEmpty {
            policies = rules.policies.map { policy in
                Policy(
                    amount: policy.type == "Percent" ? .percent(policy.valueNumber) : .pods(policy.valueNumber),
                    period: .seconds(min(max(policy.periodSeconds, 0), 3600)))
            }
        }
        if let seconds = rules.stabilizationWindowSeconds { window = .seconds(min(max(seconds, 0), 3600)) }
    }

    /// The longest time for which changes must be remembered.
    var longestPeriod: Duration { policies.map(\.period).max() ?? .zero }

    /// The most replicas there may be now. `startOf` gives how many there were at the beginning of a period.
    func upperLimit(current: Int, startOf: (Duration) -> Int) -> Int {
        guard choice != .disabled else { return current }
        let limits = policies.map { policy in
            let start = startOf(policy.period)
            switch policy.amount {
            case .pods(let count): return start + count
            case .percent(let percent): return part(start, 100 + percent, roundingUp: true)
            }
        }
        return max(current, (choice == .least ? limits.min() : limits.max()) ?? current)
    }

    /// The fewest replicas there may be now.
    func lowerLimit(current: Int, startOf: (Duration) -> Int) -> Int {
        guard choice != .disabled else { return current }
        let limits = policies.map { policy in
            let start = startOf(policy.period)
            switch policy.amount {
            case .pods(let count): return start - count
            case .percent(let percent): return part(start, 100 - percent, roundingUp: false)
            }
        }
        return min(current, (choice == .least ? limits.max() : limits.min()) ?? current)
    }

    private func part(_ count: Int, _ percent: Int, roundingUp: Bool) -> Int {
        let product = Int128(count) * Int128(percent)
        return Int(Int32(clamping: roundingUp ? (product + 99) / 100 : product / 100))
    }
}
