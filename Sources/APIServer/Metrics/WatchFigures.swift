import APIMachinery
import Support
import Synchronization

/// How many events went out to watches, and how large they were, by what was watched.
final class WatchFigures: Sendable {
    /// Of one kind in one version. Watches keep theirs, so that an event looks nothing up.
    final class Series: Sendable {
        fileprivate let labels: [(String, String)]
        private let sizes = Mutex(Histogram(WatchFigures.bounds))

        fileprivate init(_ resource: GroupVersionResource, _ kind: String) {
            labels = [
                ("group", resource.group), ("kind", kind), ("resource", resource.resource), ("version", resource.version),
            ]
        }

        /// A frame of so many bytes was given to a client.
        func sent(bytes: Int) { sizes.withLock { $0.observe(Double(bytes)) } }

        fileprivate var histogram: Histogram { sizes.withLock(\.self) }
    }

    /// Upper bounds of the buckets, bytes: 1 KiB, doubled seven times.
    private static let bounds = (0..<8).map { Double(1024 << $0) }

    private let series = Mutex<[GroupVersionResource: Series]>([:])

    func series(_ resource: GroupVersionResource, kind: String) -> Series {
        series.withLock { series in
            if let known = series[resource] { return known }
            let new = Series(resource, kind)
            series[resource] = new
            return new
        }
    }

    func write(to text: inout MetricText) {
        func order(_ key: GroupVersionResource) -> (String, String, String) { (key.group, key.resource, key.version) }
        let present = series.withLock(\.self).sorted { order($0.key) < order($1.key) }
            .map { ($0.value.labels, $0.value.histogram) }
        text.begin("apiserver_watch_events_total", .counter, "Events that were sent to watches.")
        for (labels, sizes) in present { text.sample("apiserver_watch_events_total", labels, Double(sizes.count)) }
        text.begin("apiserver_watch_events_sizes", .histogram, "Bytes of the events that were sent to watches.")
        for (labels, sizes) in present { sizes.write("apiserver_watch_events_sizes", labels, to: &text) }
    }
}
