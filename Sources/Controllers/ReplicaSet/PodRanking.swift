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

    func leastValuableFirst(_ pods: [Pod]) -> [Pod] { sorted(pods) { PodOutline($0) } }

    func leastValuableFirst(_ pods: [PodOutline]) -> [PodOutline] { sorted(pods) { $0 } }

    private func sorted<P>(_ pods: [P], _ outline: (P) -> PodOutline) -> [P] {
        let ranked = pods.map { pod in
            let outline = outline(pod)
            return (pod: pod, uid: outline.uid, rank: rank(outline))
        }
        return ranked.sorted { a, b in
            if a.rank == b.rank { return a.uid < b.uid }
            return a.rank.lexicographicallyPrecedes(b.rank)
        }.map(\.pod)
    }

    /// Compared number by number; the lower, the sooner the pod goes.
    private func rank(_ pod: PodOutline) -> [Int] {
        [
            pod.node.isEmpty ? 0 : 1,
            ["Pending": 0, "Unknown": 1][pod.phase] ?? (pod.phase.isEmpty ? 0 : 2),
            pod.isReady ? 1 : 0,
            pod.cost,
            -(podsPerNode[pod.node] ?? 0),
            pod.isReady ? ageClass(pod.readyChange) : 0,
            -pod.restarts,
            ageClass(pod.createdAt),
        ]
    }

    /// The power of two that an age in seconds falls into; an unknown time counts as just now.
    private func ageClass(_ since: Timestamp?) -> Int {
        guard let since, since < now else { return 0 }
        let seconds = (now - since).components.seconds
        return seconds > 0 ? Int64.bitWidth - seconds.leadingZeroBitCount : 0
    }
}
