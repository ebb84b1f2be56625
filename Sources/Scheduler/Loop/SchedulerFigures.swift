import Support

/// What the scheduler did, under the names that Kubernetes has for the figures.
struct SchedulerFigures: Sendable {
    enum Result: String, Sendable {
        case scheduled, unschedulable, error
    }

    private(set) var attempts: [String: [Result: Int]] = [:]
    private(set) var waited = Histogram((0..<20).map { 0.01 * Double(1 << $0) })
    private(set) var victims = Histogram([1, 2, 4, 8, 16, 32, 64])

    /// An attempt ended; with `since`, the pod has a node, and has wanted one since then.
    mutating func attempted(
        _ profile: String, _ result: Result, since: Duration?, attempts: Int, at now: Duration
    ) {
        self.attempts[profile, default: [:]][result, default: 0] += 1
        if let since { waited.observe(now - since) }
    }

    mutating func preempted(_ count: Int) { victims.observe(Double(count)) }
}
