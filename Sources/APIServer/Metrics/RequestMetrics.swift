import API
import APIMachinery
import Support
import Synchronization
import Wire

/// How many requests there were, how they ended and how long they took, by what they asked for.
///
/// Names, labels and bounds are those of Kubernetes' API server, since people's alerts are written for them.
final class RequestMetrics: Sendable {
    private struct Series {
        var codes: [Int: Int] = [:]
        var terminations: [Int: Int] = [:]
        /// From the request's head to the end of its answer.
        var time: Histogram?
        /// The same without what a request waited for a seat.
        var ownTime: Histogram?
        /// Those that are long by nature and run now.
        var running = 0
    }

    private struct State {
        var series: [Key: Series] = [:]
        var running = (reading: 0, writing: 0)
        /// Bytes of the answers to those who read, whatever `dryRun` says.
        var sizes: [Key: Histogram] = [:]
    }

    /// Upper bounds of the histograms' buckets, seconds.
    private static let bounds = [
        0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
    ]
    /// The same of sizes, bytes: from a kilobyte to a gigabyte.
    private static let sizeBounds = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
    private let state = Mutex(State())

    // MARK: Counting

    /// Follows one exchange to its end, which began `waited` ago. Called on the event loop.
    func follow(_ key: Key, _ info: RequestInfo, _ exchange: HTTPExchange, waited: Duration) {
        let start = ContinuousClock.now
        state.withLock { Self.move(key, info, &$0, 1) }
        exchange.whenEnded { [self] end in
            let status = end.status?.code ?? 0
            let time = ContinuousClock.now - start
            let size = key.isReading ? exchange.sentBytes : nil
            state.withLock { state in
                Self.move(key, info, &state, -1)
                Self.count(status, info.isLong ? nil : time, waited, &state.series[key, default: Series()])
                guard let size else { return }
                var key = key
                key.isDryRun = false
                state.sizes[key, default: Histogram(Self.sizeBounds)].observe(Double(size))
            }
        }
    }

    private static func count(_ code: Int, _ time: Duration?, _ waited: Duration, _ series: inout Series) {
        series.codes[code, default: 0] += 1
        guard let time else { return }
        if series.time == nil { (series.time, series.ownTime) = (Histogram(bounds), Histogram(bounds)) }
        series.time?.observe((time + waited) / .seconds(1))
        series.ownTime?.observe(time / .seconds(1))
    }

    /// The server ended a request to save itself: for want of a seat, or since it took too long.
    func terminated(_ key: Key, _ code: Int) {
        state.withLock { $0.series[key, default: Series()].terminations[code, default: 0] += 1 }
    }

    private static func move(_ key: Key, _ info: RequestInfo, _ state: inout State, _ count: Int) {
        if info.isLong {
            state.series[key, default: Series()].running += count
        } else if info.verb == "get" || info.verb == "list" {
            state.running.reading += count
        } else {
            state.running.writing += count
        }
    }

    // MARK: Writing

    /// `isDeprecated` says whether those who use a resource are warned.
    func write(to text: inout MetricText, isDeprecated: (GroupVersionResource) -> Bool) {
        let (series, running, sizes) = state.withLock { ($0.series, $0.running, $0.sizes) }
        let sorted = series.sorted { $0.key < $1.key }
        Self.write(
            "apiserver_request_total", "Requests by what they asked for and the code of the answer.",
            sorted.map { ($0.key.labels, $0.value.codes) }, to: &text)
        Self.write(
            "apiserver_request_terminations_total", "Requests that the server ended to save itself.",
            sorted.map { ($0.key.labels, $0.value.terminations) }, to: &text)
        let (time, ownTime) = ("apiserver_request_duration_seconds", "apiserver_request_sli_duration_seconds")
        text.begin(time, .histogram, "Time from a request's head to the end of its answer, without watches and the like.")
        for (key, series) in sorted { series.time?.write(time, key.labels, to: &text) }
        text.begin(ownTime, .histogram, "The same, without the time that requests waited for their turn.")
        for (key, series) in sorted { series.ownTime?.write(ownTime, key.labels, to: &text) }
        text.begin("apiserver_current_inflight_requests", .gauge, "Requests that wait for their answer.")
        text.sample("apiserver_current_inflight_requests", [("request_kind", "mutating")], Double(running.writing))
        text.sample("apiserver_current_inflight_requests", [("request_kind", "readOnly")], Double(running.reading))
        text.begin("apiserver_longrunning_requests", .gauge, "Watches, followed logs and open connections.")
        for (key, series) in sorted where key.isLong {
            text.sample("apiserver_longrunning_requests", key.labels, Double(series.running))
        }
        let old = "apiserver_requested_deprecated_apis"
        text.begin(old, .gauge, "Resources that were asked for and are not there to stay.")
        for key in Set(sorted.map(\.key.api)).sorted() where !key.resource.isEmpty && isDeprecated(key.groupVersionResource) {
            text.sample(
                old,
                [
                    ("group", key.group), ("removed_release", ""), ("resource", key.resource),
                    ("subresource", key.subresource), ("version", key.version),
                ], 1)
        }
        let answers = "apiserver_response_sizes"
        text.begin(answers, .histogram, "Bytes of the answers to those who read.")
        for (key, histogram) in sizes.sorted(by: { $0.key < $1.key }) {
            histogram.write(answers, key.labels.filter { $0.0 != "dry_run" }, to: &text)
        }
    }

    private static func write(
        _ name: String, _ help: String, _ series: [(labels: [(String, String)], counts: [Int: Int])],
        to text: inout MetricText
    ) {
        text.begin(name, .counter, help)
        for (labels, counts) in series {
            for (code, count) in counts.sorted(by: { $0.key < $1.key }) {
                text.sample(name, [("code", String(code))] + labels, Double(count))
            }
        }
    }
}
