import Support
import Synchronization

/// How often admission webhooks were asked, how long they took and how they failed, under the names that Kubernetes has
/// for the figures.
final class WebhookMetrics: Sendable {
    /// Why a request was refused on a webhook's account.
    enum ErrorType: String, Sendable {
        case calling = "calling_webhook_error"
        case own = "apiserver_internal_error"
        /// The webhook said no.
        case none = "no_error"
    }

    private struct Durations {
        /// Calls by the first bound that they kept.
        var counts = [Int](repeating: 0, count: WebhookMetrics.bounds.count + 1)
        var seconds = 0.0
    }

    private struct State {
        var durations: [[String]: Durations] = [:]
        var requests: [[String]: Int] = [:]
        var rejections: [[String]: Int] = [:]
        var failOpen: [[String]: Int] = [:]
    }

    /// Upper bounds of the histogram's buckets, seconds.
    private static let bounds = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25]
    /// Webhooks come and go; figures of more label values than this are dropped, all at once.
    private static let mostSeries = 2000
    private let state = Mutex(State())

    func asked(
        _ webhook: AdmissionWebhook, _ operation: WriteRequest.Verb, took time: Duration, code: Int, isRejected: Bool
    ) {
        let seconds = time / .seconds(1)
        let rejected = isRejected ? "true" : "false"
        let labels = [webhook.name, operation.rawValue, rejected, webhook.kind.metricType]
        let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        state.withLock { state in
            if state.durations.count + state.requests.count >= Self.mostSeries { state = State() }
            state.durations[labels, default: Durations()].counts[bucket] += 1
            state.durations[labels]?.seconds += seconds
            let request = [webhook.name, operation.rawValue, rejected, webhook.kind.metricType, "\(min(code, 600))"]
            state.requests[request, default: 0] += 1
        }
    }

    func rejected(_ webhook: AdmissionWebhook, _ operation: WriteRequest.Verb, _ type: ErrorType, code: Int) {
        let labels = [
            type.rawValue, webhook.name, operation.rawValue, "\(min(code, 600))", webhook.kind.metricType,
        ]
        state.withLock { state in
            if state.rejections.count >= Self.mostSeries { state.rejections = [:] }
            state.rejections[labels, default: 0] += 1
        }
    }

    func failedOpen(_ webhook: AdmissionWebhook) {
        state.withLock { state in
            if state.failOpen.count >= Self.mostSeries { state.failOpen = [:] }
            state.failOpen[[webhook.name, webhook.kind.metricType], default: 0] += 1
        }
    }

    func write(to text: inout MetricText) {
        let (durations, requests, rejections, failOpen) = state.withLock {
            ($0.durations, $0.requests, $0.rejections, $0.failOpen)
        }
        let name = "apiserver_admission_webhook_admission_duration_seconds"
        let keys = ["name", "operation", "rejected", "type"]
        text.begin(name, .histogram, "Time that admission webhooks took.")
        for (values, durations) in durations.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let labels = Array(zip(keys, values))
            var sum = 0
            for (index, count) in durations.counts.enumerated() {
                sum += count
                let bound = index < Self.bounds.count ? MetricText.text(Self.bounds[index]) : "+Inf"
                text.sample(name + "_bucket", labels + [("le", bound)], Double(sum))
            }
            text.sample(name + "_sum", labels, durations.seconds)
            text.sample(name + "_count", labels, Double(sum))
        }
        Self.write(
            "apiserver_admission_webhook_request_total", "Calls of admission webhooks by the code of the answer.",
            keys + ["code"], requests, to: &text)
        Self.write(
            "apiserver_admission_webhook_rejection_count", "Requests refused on account of admission webhooks.",
            ["error_type", "name", "operation", "rejection_code", "type"], rejections, to: &text)
        Self.write(
            "apiserver_admission_webhook_fail_open_count",
            "Requests that went on although an admission webhook could not be called.", ["name", "type"], failOpen,
            to: &text)
    }

    private static func write(
        _ name: String, _ help: String, _ keys: [String], _ counts: [[String]: Int], to text: inout MetricText
    ) {
        text.begin(name, .counter, help)
        for (values, count) in counts.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            text.sample(name, Array(zip(keys, values)), Double(count))
        }
    }
}
