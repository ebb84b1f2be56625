import API
import APIMachinery
import Support
import Synchronization
import Wire

/// How many requests there were, how they ended and how long they took, by what they asked for.
///
/// Names and labels are those of Kubernetes' API server, since people's alerts are written for them.
final class RequestMetrics: Sendable {
    struct Key: Hashable, Sendable {
        var verb: String
        var group: String
        var version: String
        var resource: String
        var subresource: String

        var labels: [(String, String)] {
            [
                ("group", group), ("resource", resource), ("subresource", subresource), ("verb", verb.uppercased()),
                ("version", version),
            ]
        }
    }

    private struct Durations {
        /// Requests by the first bound that they kept.
        var counts = [Int](repeating: 0, count: RequestMetrics.bounds.count + 1)
        var seconds = 0.0
    }

    private struct State {
        var codes: [Key: [Int: Int]] = [:]
        var durations: [Key: Durations] = [:]
        var running = (reading: 0, writing: 0, long: 0)
    }

    private static let verbs: Set<String> = [
        "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch",
    ]
    /// Upper bounds of the histogram's buckets, seconds.
    static let bounds = [0.001, 0.005, 0.025, 0.1, 0.4, 1, 5, 30, 60]
    private let state = Mutex(State())

    /// Follows one exchange to its end. Called on the event loop.
    ///
    /// What is counted is bounded by what is served: no client makes the figures grow by making up paths or methods.
    func follow(_ info: RequestInfo, _ definition: ResourceDefinition, _ exchange: HTTPExchange) {
        let resource = definition.resource
        let isKnown = info.subresource.isEmpty || definition.subresource(info.subresource) != nil
        let key = Key(
            verb: Self.verbs.contains(info.verb) ? info.verb : "other", group: resource.group,
            version: resource.version, resource: resource.resource, subresource: isKnown ? info.subresource : "other")
        let start = ContinuousClock.now
        state.withLock { Self.move(info, &$0, 1) }
        exchange.whenEnded { [self] end in
            let status = if case .completed(let status?) = end { status.code } else { 0 }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            state.withLock { state in
                Self.move(info, &state, -1)
                state.codes[key, default: [:]][status, default: 0] += 1
                guard !Self.isLong(info) else { return }
                let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
                state.durations[key, default: Durations()].counts[bucket] += 1
                state.durations[key]?.seconds += seconds
            }
        }
    }

    func write(to text: inout MetricText) {
        let (codes, durations, running) = state.withLock { ($0.codes, $0.durations, $0.running) }
        text.begin("apiserver_request_total", .counter, "Requests by what they asked for and the code of the answer.")
        for (key, counts) in codes.sorted(by: Self.order) {
            for (code, count) in counts.sorted(by: { $0.key < $1.key }) {
                text.sample("apiserver_request_total", [("code", String(code))] + key.labels, Double(count))
            }
        }
        let name = "apiserver_request_duration_seconds"
        text.begin(name, .histogram, "Time from a request's head to the end of its answer, watches and the like left out.")
        for (key, durations) in durations.sorted(by: Self.order) {
            var sum = 0
            for (index, count) in durations.counts.enumerated() {
                sum += count
                let bound = index < Self.bounds.count ? MetricText.text(Self.bounds[index]) : "+Inf"
                text.sample(name + "_bucket", key.labels + [("le", bound)], Double(sum))
            }
            text.sample(name + "_sum", key.labels, durations.seconds)
            text.sample(name + "_count", key.labels, Double(sum))
        }
        text.begin("apiserver_current_inflight_requests", .gauge, "Requests that wait for their answer.")
        text.sample("apiserver_current_inflight_requests", [("request_kind", "mutating")], Double(running.writing))
        text.sample("apiserver_current_inflight_requests", [("request_kind", "readOnly")], Double(running.reading))
        text.begin("apiserver_longrunning_requests", .gauge, "Watches, followed logs and open connections.")
        text.sample("apiserver_longrunning_requests", [], Double(running.long))
    }

    private static func move(_ info: RequestInfo, _ state: inout State, _ count: Int) {
        if isLong(info) {
            state.running.long += count
        } else if info.verb == "get" || info.verb == "list" {
            state.running.reading += count
        } else {
            state.running.writing += count
        }
    }

    private static func isLong(_ info: RequestInfo) -> Bool {
        info.verb == "watch" || ResourceEndpoint.isConnection(info.subresource)
    }

    private static func order<V>(_ a: (key: Key, value: V), _ b: (key: Key, value: V)) -> Bool {
        (a.key.group, a.key.resource, a.key.subresource, a.key.verb)
            < (b.key.group, b.key.resource, b.key.subresource, b.key.verb)
    }
}
