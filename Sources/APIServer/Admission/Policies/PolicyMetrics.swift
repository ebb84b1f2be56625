import Support
import Synchronization

/// What came of the expressions of admission policies and how long they took, under the names that Kubernetes has for the
/// figures.
final class PolicyMetrics: Sendable {
    /// How an expression ended.
    enum Outcome: String, Sendable {
        case notCompiled = "compile_error"
        case outOfBudget = "out_of_budget"
        /// It failed, or what it demands does not hold.
        case invalid = "invalid_error"
        case good = "no_error"
    }

    /// What became of the request on that account.
    enum Enforcement: String, Sendable {
        case allow, deny, audit, warn
    }

    private struct Series: Hashable {
        var policy: String
        var binding: String
        var outcome: Outcome
        /// Validating policies only.
        var enforcement: Enforcement?

        var labels: [(String, String)] {
            let labels = [("policy", policy), ("policy_binding", binding), ("error_type", outcome.rawValue)]
            return labels + (enforcement.map { [("enforcement_action", $0.rawValue)] } ?? [])
        }

        var order: String { labels.map(\.1).joined(separator: "\n") }
    }

    /// Upper bounds of the histograms' buckets, seconds.
    private static let bounds = [0.0000005, 0.001, 0.01, 0.1, 1]
    /// Policies come and go; figures of more label values than this are dropped, all at once.
    private static let mostSeries = 2000
    private let validations = Mutex<[Series: Histogram]>([:])
    private let mutations = Mutex<[Series: Histogram]>([:])

    /// A validation of an invocation that did not simply hold.
    func validated(
        _ invocation: PolicyInvocation, _ outcome: Outcome, _ enforcement: Enforcement, took time: Duration
    ) {
        Self.count(invocation, outcome, enforcement, time, in: validations)
    }

    /// One mutation of an invocation.
    func mutated(_ invocation: PolicyInvocation, _ outcome: Outcome, took time: Duration) {
        Self.count(invocation, outcome, nil, time, in: mutations)
    }

    private static func count(
        _ invocation: PolicyInvocation, _ outcome: Outcome, _ enforcement: Enforcement?, _ time: Duration,
        in all: borrowing Mutex<[Series: Histogram]>
    ) {
        let series = Series(
            policy: invocation.policy.name, binding: invocation.binding.name, outcome: outcome, enforcement: enforcement)
        all.withLock { all in
            if all.count >= mostSeries { all = [:] }
            all[series, default: Histogram(bounds)].observe(time / .seconds(1))
        }
    }

    func write(to text: inout MetricText) {
        Self.write("apiserver_validating_admission_policy", validations.withLock(\.self), to: &text)
        Self.write("apiserver_mutating_admission_policy", mutations.withLock(\.self), to: &text)
    }

    private static func write(_ name: String, _ all: [Series: Histogram], to text: inout MetricText) {
        let sorted = all.sorted { $0.key.order < $1.key.order }
        text.begin(name + "_check_total", .counter, "Expressions of admission policies by what came of them.")
        for (series, histogram) in sorted {
            text.sample(name + "_check_total", series.labels, Double(histogram.count))
        }
        let seconds = name + "_check_duration_seconds"
        text.begin(seconds, .histogram, "Time that single expressions of admission policies took.")
        for (series, histogram) in sorted { histogram.write(seconds, series.labels, to: &text) }
    }
}
