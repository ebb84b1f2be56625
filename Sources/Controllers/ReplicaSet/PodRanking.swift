import API
import Support

/// Which of several equal pods can be spared first when there are too many.
///
/// Kubernetes' order: not yet placed, not running, not ready, cheaper by annotation, on a more crowded node,
/// ready for a shorter time, restarted more often, younger. Times are compared on a logarithmic scale
/// (KEP-2185), and ties by uid, so that the choice does not always hit the newest pods and yet is the same
/// after a restart.
struct PodRanking: Sendable {
    static let costAnnotation = "controller.kubernetes.io/pod-deletion-cost"

    let podsPerNode: [String: Int]
    let now: Timestamp

    func leastValuableFirst(_ pods: [Pod]) -> [Pod] {
        let ranked = pods.map { (pod: $0, rank: rank($0)) }
        return ranked.sorted { a, b in
            if a.rank == b.rank { return a.pod.metadata.uid < b.pod.metadata.uid }
            return a.rank.lexicographicallyPrecedes(b.rank)
        }.map(\.pod)
    }

    /// Compared number by number; the lower, the sooner the pod goes.
    private func rank(_ pod: Pod) -> [Int] {
        let isReady = pod.isReady
        return [
            pod.spec.nodeName.isEmpty ? 0 : 1,
            ["Pending": 0, "Unknown": 1][pod.status.phase] ?? (pod.status.phase.isEmpty ? 0 : 2),
            isReady ? 1 : 0,
            pod.metadata.annotations[Self.costAnnotation].flatMap { Int($0) } ?? 0,
            -(podsPerNode[pod.spec.nodeName] ?? 0),
            isReady ? ageClass(pod.readyCondition?.lastTransitionTime) : 0,
            -(pod.status.containerStatuses.map(\.restartCount).max() ?? 0),
            ageClass(pod.metadata.creationTimestamp),
        ]
    }

    /// The power of two that an age in seconds falls into; an unknown time counts as just now.
    private func ageClass(_ since: Timestamp?) -> Int {
        guard let since, since < now else { return 0 }
        let seconds = (now - since).components.seconds
        return seconds > 0 ? Int64.bitWidth - seconds.leadingZeroBitCount : 0
    }
}
