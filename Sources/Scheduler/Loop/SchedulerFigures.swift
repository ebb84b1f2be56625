public import Support
import Synchronization

/// What the scheduler did, under the names that Kubernetes has for the figures.
public final class SchedulerFigures: Sendable {
    enum Result: String, Sendable {
        case scheduled, unschedulable, error
    }

    /// A pod's way to its node so far.
    struct Journey: Hashable, Sendable {
        /// When the queue first saw it, free of gates.
        var came: Duration
        /// When this attempt began.
        var began: Duration
        var attempts: Int
    }

    private struct Series: Hashable {
        var profile: String
        var result: Result
    }

    private struct Figures {
        var attempts: [Series: Histogram] = [:]
        /// By the number of attempts, up to 16.
        var waited: [Int: Histogram] = [:]
        var victims = Histogram([1, 2, 4, 8, 16, 32, 64])
        var preemptions = 0
        var pending: [(queue: String, pods: Int)] = []
    }

    private let figures = Mutex(Figures())

    public init() {}

    /// An attempt ended at `now`. One that gave the pod a node tells how long the pod has wanted one.
    func attempted(_ profile: String, _ result: Result, _ journey: Journey, at now: Duration) {
        figures.withLock { figures in
            let series = Series(profile: profile, result: result)
            figures.attempts[series, default: Histogram(Self.fractions)].observe(now - journey.began)
            guard result == .scheduled else { return }
            let attempts = min(journey.attempts, 16)
            figures.waited[attempts, default: Histogram(Self.seconds)].observe(now - journey.came)
        }
    }

    func preempted(_ count: Int) {
        figures.withLock { figures in
            figures.victims.observe(Double(count))
            figures.preemptions += 1
        }
    }

    func waiting(_ pending: [(queue: String, pods: Int)]) { figures.withLock { $0.pending = pending } }

    /// From a thousandth of a second on, doubling.
    private static let fractions = (0..<15).map { 0.001 * Double(1 << $0) }
    private static let seconds = (0..<20).map { 0.01 * Double(1 << $0) }

    public func write(to text: inout MetricText) {
        let figures = figures.withLock(\.self)
        let attempts = figures.attempts.sorted {
            ($0.key.profile, $0.key.result.rawValue) < ($1.key.profile, $1.key.result.rawValue)
        }.map { (labels: [("profile", $0.key.profile), ("result", $0.key.result.rawValue)], times: $0.value) }
        text.begin("scheduler_pending_pods", .gauge, "Pods that want a node, by the queue that they are in.")
        for (queue, pods) in figures.pending {
            text.sample("scheduler_pending_pods", [("queue", queue)], Double(pods))
        }
        text.begin("scheduler_schedule_attempts_total", .counter, "Attempts to schedule pods, by what came of them.")
        for (labels, times) in attempts {
            text.sample("scheduler_schedule_attempts_total", labels, Double(times.count))
        }
        text.begin(
            "scheduler_scheduling_attempt_duration_seconds", .histogram, "Time from a pod's turn to its binding.")
        for (labels, times) in attempts {
            times.write("scheduler_scheduling_attempt_duration_seconds", labels, to: &text)
        }
        text.begin(
            "scheduler_pod_scheduling_sli_duration_seconds", .histogram,
            "Time from a pod's entry into the queue to its binding.")
        for (count, times) in figures.waited.sorted(by: { $0.key < $1.key }) {
            let label = count < 16 ? String(count) : "16+"
            times.write("scheduler_pod_scheduling_sli_duration_seconds", [("attempts", label)], to: &text)
        }
        text.begin("scheduler_preemption_attempts_total", .counter, "Times that pods were sent away for another.")
        text.sample("scheduler_preemption_attempts_total", [], Double(figures.preemptions))
        text.begin("scheduler_preemption_victims", .histogram, "Pods that were sent away for another, at a time.")
        figures.victims.write("scheduler_preemption_victims", [], to: &text)
    }
}
