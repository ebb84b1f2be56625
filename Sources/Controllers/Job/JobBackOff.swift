import API
import Support

/// How long a failed pod is not replaced: ten seconds after the first failure, twice as long after each further one, ten
/// minutes at most.
///
/// Told by the pods themselves, so that it outlasts the controller. A pod that somebody deleted tells nothing any more: the
/// next one comes at once.
enum JobBackOff {
    private static let first: Duration = .seconds(10)
    private static let most: Duration = .seconds(600)

    /// What is left to wait after the failures that no success followed.
    static func remaining(_ pods: [JobPod], at now: Timestamp) -> Duration {
        let lastSuccess = pods.filter(\.hasSucceeded).compactMap(\.finishedAt).max()
        // One that is deleted and not tracked was spared by the controller: it has not failed.
        let failures = pods.filter { $0.hasFailed && ($0.isTracked || $0.pod.metadata.deletionTimestamp == nil) }
            .compactMap(\.finishedAt).filter { failure in lastSuccess.map { failure > $0 } ?? true }
        guard let last = failures.max() else { return .zero }
        return remaining(afterFailures: failures.count, last: last, at: now)
    }

    /// What is left to wait for the next pod of an index, of which this one failed.
    static func remaining(after pod: JobPod, at now: Timestamp) -> Duration {
        let failures = pod.indexFailures + pod.indexIgnoredFailures + 1
        return remaining(afterFailures: failures, last: pod.finishedAt ?? now, at: now)
    }

    private static func remaining(afterFailures failures: Int, last: Timestamp, at now: Timestamp) -> Duration {
        var delay = first
        for _ in 1..<max(min(failures, 10), 1) { delay = min(delay * 2, most) }
        // A node whose clock is ahead of ours makes nobody wait longer.
        return max(.zero, delay - max(.zero, now - last))
    }
}
