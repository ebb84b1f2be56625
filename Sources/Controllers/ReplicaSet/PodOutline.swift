import API
import APIMachinery
import Support
import Synchronization

/// What a set looks at of one of its pods: little, so that it can be kept from one look to the next.
struct PodOutline: Hashable, Sendable {
    let name: ObjectName
    let uid: String
    let labels: Fields
    let node: String
    let phase: String
    let isDeleting: Bool
    let isReady: Bool
    /// When its readiness changed last.
    let readyChange: Timestamp?
    let createdAt: Timestamp?
    let restarts: Int
    /// How dear its loss is, by its annotation.
    let cost: Int

    init(_ pod: Pod) {
        let (metadata, ready) = (pod.metadata, pod.readyCondition)
        name = pod.objectName
        uid = metadata.uid
        labels = pod.value.at("metadata", "labels")?.fields ?? Fields()
        node = pod.spec.nodeName
        phase = pod.status.phase
        isDeleting = metadata.deletionTimestamp != nil
        isReady = ready?.status == "True"
        readyChange = ready?.lastTransitionTime
        createdAt = metadata.creationTimestamp
        restarts = pod.status.containerStatuses.map(\.restartCount).max() ?? 0
        cost = metadata.annotations[PodRanking.costAnnotation].flatMap { Int($0) } ?? 0
    }

    var isFinished: Bool { phase == PodPhase.succeeded || phase == PodPhase.failed }

    /// Neither over nor on its way out: it counts as a replica.
    var isActive: Bool { !isFinished && !isDeleting }

    /// When the pod has been ready for `minReadySeconds`, if it stays so; `nil` while it is not ready.
    func availableAt(minReadySeconds: Int) -> Timestamp? {
        guard isReady else { return nil }
        guard minReadySeconds > 0 else { return Timestamp(seconds: 0) }
        return readyChange.map { $0 + .seconds(minReadySeconds) }
    }
}

/// The outlines of the pods of each set, as of its last pass.
///
/// A set of hundreds of pods is looked at whenever one of them changes. Each version of a pod is read once: what a pass
/// costs beyond that is the look at numbers.
final class PodOutlines: Sendable {
    private typealias Known = (revision: Int64, outline: PodOutline)

    /// Of each set, in order of the pods' names.
    private let sets = Mutex<[ObjectName: [Known]]>([:])

    /// Outlines of all pods of a set, which come in order of their names, as they do from an owner's index.
    func of(_ set: ObjectName, _ pods: [StoredObject]) -> [PodOutline] {
        let known = sets.withLock { $0[set] ?? [] }
        var present: [Known] = []
        present.reserveCapacity(pods.count)
        var next = 0
        for pod in pods {
            // No two objects are of the same revision. Mostly the next one is meant: no name need be compared.
            if next >= known.count || known[next].revision != pod.revision {
                while next < known.count, known[next].outline.name.name < pod.name { next += 1 }
            }
            if next < known.count, known[next].revision == pod.revision {
                present.append(known[next])
                next += 1
            } else {
                present.append((pod.revision, PodOutline(Pod(pod))))
            }
        }
        sets.withLock { [present] in $0[set] = present.isEmpty ? nil : present }
        return present.map(\.outline)
    }

    /// Nothing is asked of a set any more.
    func forget(_ set: ObjectName) { sets.withLock { $0[set] = nil } }
}
