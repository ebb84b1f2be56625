import APIMachinery
import Client
import Support
import Synchronization

/// Which APIServices are not available, and how often and why that came about, under the names that Kubernetes has for
/// the figures.
final class AggregationMetrics: Sendable {
    private struct Event: Hashable {
        var name: String
        var reason: String
    }

    /// APIServices come and go; more than this many pairs of name and reason are dropped, all at once.
    private static let mostEvents = 500

    private let apiServices: any ObjectSet
    private let events = Mutex<[Event: Int]>([:])

    init(_ apiServices: any ObjectSet) { self.apiServices = apiServices }

    /// Counts a change of an APIService's condition, if by it the version is available no longer.
    func count(_ name: String, from old: APIServiceCondition?, to new: APIServiceCondition) {
        guard !new.isTrue, old?.isTrue ?? true else { return }
        events.withLock { events in
            if events.count >= Self.mostEvents { events = [:] }
            events[Event(name: name, reason: new.reason), default: 0] += 1
        }
    }

    func write(to text: inout MetricText) {
        let gauge = "aggregator_unavailable_apiservice"
        text.begin(gauge, .gauge, "Whether an APIService is not available.")
        for object in apiServices.list(namespace: nil) {
            let isAvailable = APIServiceCondition(object.value)?.isTrue ?? false
            text.sample(gauge, [("name", object.name)], isAvailable ? 0 : 1)
        }
        let counter = "aggregator_unavailable_apiservice_total"
        text.begin(counter, .counter, "APIServices that ceased to be available, by the reason.")
        let events = events.withLock(\.self).sorted { ($0.key.name, $0.key.reason) < ($1.key.name, $1.key.reason) }
        for (event, count) in events {
            text.sample(counter, [("name", event.name), ("reason", event.reason)], Double(count))
        }
    }
}
