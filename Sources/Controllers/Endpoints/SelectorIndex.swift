import API
import APIMachinery
import Client
import Synchronization

/// Which services select a pod: a pod knows nothing of them.
///
/// Holds a name and a selector for each service, nothing else.
final class SelectorIndex: Sendable {
    private let selectors = Mutex<[String: [ObjectName: [String: String]]]>([:])

    /// Follows the services as long as the returned observation runs. Complete when this returns.
    func follow(_ services: any ObjectSet) -> any Observation {
        services.observe { [self] change in
            let name = change.name
            let selector = change.new.map { Service($0).spec.selector } ?? [:]
            selectors.withLock { $0[name.namespace, default: [:]][name] = selector.isEmpty ? nil : selector }
        }
    }

    /// The services that select an object, as it was or as it is.
    func services(selecting change: ObjectChange) -> [ObjectName] {
        let candidates = selectors.withLock { $0[change.name.namespace] ?? [:] }
        return candidates.filter { Self.matches($0.value, change.old) || Self.matches($0.value, change.new) }
            .map(\.key)
    }

    static func matches(_ selector: [String: String], _ object: StoredObject?) -> Bool {
        guard let object else { return false }
        return selector.allSatisfy { object.labels[$0.key]?.string == $0.value }
    }
}
