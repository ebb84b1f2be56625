import Support

/// How the probes of the node's containers went, as `/metrics/probes` tells it (Kubernetes' names).
///
/// Pure. What is counted of a container lasts over its restarts, and goes with its pod.
struct ProbeFigures: Sendable {
    /// A probe of a container.
    struct Key: Hashable, Sendable {
        var namespace: String
        var pod: String
        var container: String
        var kind: ProbeKind
    }

    private struct Figures: Sendable {
        var successful = 0
        var failed = 0
        var unknown = 0
        /// How many took no longer than each of ``bounds``, but longer than the one before; longer ones last.
        var durations: [UInt32] = []
        var seconds = 0.0
    }

    /// In seconds: those that Prometheus' own libraries take.
    static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// By the uid of the pod.
    private var figures: [String: [Key: Figures]] = [:]

    mutating func note(_ uid: String, _ key: Key, _ outcome: ProbeOutcome, took: Duration) {
        var present = figures[uid]?[key] ?? Figures()
        switch outcome {
        case .success, .warning: present.successful += 1
        case .failure: present.failed += 1
        case .unknown: present.unknown += 1
        }
        // As in Kubernetes, what failed is not timed: it would show the timeout.
        if outcome.isSuccess {
            let (whole, attoseconds) = took.components
            let seconds = Double(whole) + Double(attoseconds) / 1e18
            if present.durations.isEmpty { present.durations = Array(repeating: 0, count: Self.bounds.count + 1) }
            present.durations[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] &+= 1
            present.seconds += seconds
        }
        figures[uid, default: [:]][key] = present
    }

    /// The pod is gone.
    mutating func forget(_ uid: String) { figures[uid] = nil }

    /// In the text form of Prometheus.
    var text: [UInt8] {
        var text = MetricText()
        let all = figures.flatMap { uid, list in list.map { (uid: uid, key: $0.key, figures: $0.value) } }
            .sorted { ($0.key.order, $0.uid) < ($1.key.order, $1.uid) }
        let total = "prober_probe_total"
        text.begin(
            total, .counter,
            "[ALPHA] Cumulative number of a liveness, readiness or startup probe for a container by result.")
        for (uid, key, figures) in all {
            for (result, count) in [
                ("failed", figures.failed), ("successful", figures.successful), ("unknown", figures.unknown),
            ] where count > 0 {
                let labels = key.labels + [("pod_uid", uid), ("probe_type", key.kind.rawValue), ("result", result)]
                text.sample(total, labels, Double(count))
            }
        }
        let duration = "prober_probe_duration_seconds"
        text.begin(duration, .histogram, "[ALPHA] Duration in seconds for a probe response.")
        for (_, key, figures) in all where !figures.durations.isEmpty {
            let labels = key.labels + [("probe_type", key.kind.rawValue)]
            var sum: UInt64 = 0
            for (index, count) in figures.durations.enumerated() {
                sum += UInt64(count)
                let bound = index < Self.bounds.count ? MetricText.text(Self.bounds[index]) : "+Inf"
                text.sample(duration + "_bucket", labels + [("le", bound)], Double(sum))
            }
            text.sample(duration + "_sum", labels, figures.seconds)
            text.sample(duration + "_count", labels, Double(sum))
        }
        return text.bytes
    }
}

extension ProbeFigures.Key {
    fileprivate var labels: [(String, String)] { [("container", container), ("namespace", namespace), ("pod", pod)] }

    fileprivate var order: String { "\(namespace)/\(pod)/\(container)/\(kind.rawValue)" }
}
