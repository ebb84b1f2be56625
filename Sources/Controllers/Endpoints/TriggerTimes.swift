import API
import APIMachinery
import Client
import Support
import Synchronization

/// When that happened which endpoints change for: what is measured of the network's programming begins there.
///
/// Known from the times that services and pods bear themselves. Of several changes since the last look the first counts.
final class TriggerTimes: Sendable {
    private struct Seen {
        var service: Timestamp?
        var pods: [String: Timestamp]
    }

    private let seen = Mutex<[ObjectName: Seen]>([:])

    init() {}

    func forget(_ name: ObjectName) { seen.withLock { $0[name] = nil } }

    /// Takes a look; `nil` when nothing is known to have changed.
    func take(_ service: Service, _ pods: [Pod]) -> Timestamp? {
        var present = Seen(service: service.metadata.creationTimestamp, pods: [:])
        for pod in pods { present.pods[pod.metadata.name] = pod.readyCondition?.lastTransitionTime }
        let name = service.objectName
        let last = seen.withLock { $0.updateValue(present, forKey: name) }
        var changed: [Timestamp] = []
        for (pod, time) in present.pods where (last?.pods[pod]).map({ time > $0 }) ?? true { changed.append(time) }
        if let time = present.service, (last?.service).map({ time > $0 }) ?? true { changed.append(time) }
        return changed.min()
    }
}
