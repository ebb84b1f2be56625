import APIMachinery
import Client
import Support
import Synchronization

/// How long writes to a log took, under the name that Kubernetes has for requests to etcd: what people look at first when
/// everything is slow.
final class LogFigures: Sendable {
    private struct Key: Hashable {
        var operation: String
        var resource: GroupVersionResource
    }

    /// Upper bounds of the histogram's buckets, seconds.
    private static let bounds = [
        0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
    ]
    private let state = Mutex<(times: [Key: Histogram], failures: [Key: Int])>(([:], [:]))

    /// Resources come and go with their definitions; what is told of them is bounded by those that there have been.
    func wrote(_ operation: String, _ resource: GroupVersionResource, took time: Duration, hasFailed: Bool) {
        let key = Key(operation: operation, resource: resource)
        state.withLock { state in
            state.times[key, default: Histogram(Self.bounds)].observe(time)
            if hasFailed { state.failures[key, default: 0] += 1 }
        }
    }

    func forget(_ resource: GroupVersionResource) {
        state.withLock { state in
            state.times = state.times.filter { $0.key.resource != resource }
            state.failures = state.failures.filter { $0.key.resource != resource }
        }
    }

    /// Of several logs, whose resources are not the same.
    static func write(_ logs: [LogFigures], to text: inout MetricText) {
        let states = logs.map { $0.state.withLock(\.self) }
        func sorted<Figure>(_ figures: [Key: Figure]) -> [(labels: [(String, String)], figure: Figure)] {
            figures.map { key, figure in
                ([("operation", key.operation), ("type", key.resource.groupResource)], figure)
            }.sorted { ($0.labels[1].1, $0.labels[0].1) < ($1.labels[1].1, $1.labels[0].1) }
        }
        let name = "etcd_request_duration_seconds"
        text.begin(name, .histogram, "Time that writes to the log took.")
        for state in states {
            for (labels, histogram) in sorted(state.times) { histogram.write(name, labels, to: &text) }
        }
        text.begin("etcd_request_errors_total", .counter, "Writes to the log that failed, conflicts among them.")
        for state in states {
            for (labels, count) in sorted(state.failures) {
                text.sample("etcd_request_errors_total", labels, Double(count))
            }
        }
    }
}
