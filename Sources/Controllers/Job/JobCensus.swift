import API
import Support

/// A job's pods, counted: what its status tells already, and what they tell beyond that.
///
/// A pod is counted in three steps, so that a controller may stop after any of them (KEP-2307): its end is written into
/// the status (by uid, or by its index); then its finalizer goes; then, as it holds none any more, its uid becomes a
/// number. A pod that holds the finalizer and is not in the status was never counted.
///
/// Therefore the job must be read before its pods: what the job of that moment does not tell, no number tells yet.
struct JobCensus: Hashable, Sendable {
    let job: Job
    let pods: [JobPod]
    let active: [JobPod]
    let terminating: [JobPod]
    /// Whose end the status tells by their uids.
    let recordedSucceeded: Set<String>
    let recordedFailed: Set<String>
    /// Done, and failed for good; the second is `nil` for a job that does not count its failures by index.
    let completedIndexes: IndexSet
    let failedIndexes: IndexSet?

    /// - Parameter pods: Those that the job controls.
    init(job: Job, pods: [Pod]) {
        self.job = job
        let pods = pods.map { JobPod($0, of: job) }
        self.pods = pods
        active = pods.filter(\.isActive)
        terminating = pods.filter(\.isTerminating)
        recordedSucceeded = Set(job.status.uncountedTerminatedPods?.succeeded ?? [])
        let recordedFailed = Set(job.status.uncountedTerminatedPods?.failed ?? [])
        self.recordedFailed = recordedFailed
        let completions = job.spec.completions ?? 0
        guard job.isIndexed else {
            (completedIndexes, failedIndexes) = (IndexSet(), nil)
            return
        }
        // Once told, an index is not told otherwise: two pods may have worked on it.
        let toldFailed = IndexSet(job.status.failedIndexes ?? "", below: completions)
        let done = pods.filter { $0.isTracked && $0.hasSucceeded && !recordedFailed.contains($0.uid) }
            .compactMap(\.index).filter { !toldFailed.contains($0) }
        let completed = IndexSet(job.status.completedIndexes, below: completions).union(IndexSet(done))
        completedIndexes = completed
        failedIndexes = job.spec.backoffLimitPerIndex.map { limit in
            // What is ended with the job is no failure of its own.
            guard JobVerdict(told: job) == nil else { return toldFailed }
            let failed = pods.filter { $0.isTracked && job.hasFailedIndex($0, limit: limit) }.compactMap(\.index)
            return toldFailed.union(IndexSet(failed.filter { !completed.contains($0) }))
        }
    }

    // MARK: - Numbers

    /// How much of the job is done, those included that the status does not tell yet.
    var succeeded: Int {
        if job.isIndexed { return completedIndexes.count }
        return job.status.succeeded + recordedSucceeded.count + pods.count { hasNewlySucceeded($0) }
    }

    var failed: Int {
        job.status.failed + recordedFailed.count
            + pods.count { hasNewlyFailed($0) && job.verdict(on: $0.pod).isCounted }
    }

    /// The indexes that have a pod, or must not have another one.
    var takenIndexes: IndexSet {
        var taken = completedIndexes.union(IndexSet(active.compactMap(\.index)))
        if let failedIndexes { taken = taken.union(failedIndexes) }
        return job.replacesOnlyFailedPods ? taken.union(IndexSet(terminating.compactMap(\.index))) : taken
    }

    private func hasNewlySucceeded(_ pod: JobPod) -> Bool {
        pod.isTracked && pod.hasSucceeded && !recordedSucceeded.contains(pod.uid) && !recordedFailed.contains(pod.uid)
    }

    private func hasNewlyFailed(_ pod: JobPod) -> Bool {
        pod.isTracked && pod.hasFailed && pod.counts(in: job) && !recordedFailed.contains(pod.uid)
    }

    // MARK: - Retries by index

    /// For each index that needs another pod, the last one that failed: it stays until the next one has taken over how
    /// often pods of the index failed (KEP-3850).
    var lastFailures: [Int: JobPod] {
        guard let failedIndexes else { return [:] }
        let settled = completedIndexes.union(failedIndexes).union(IndexSet(active.compactMap(\.index)))
        var last: [Int: JobPod] = [:]
        for pod in pods where pod.isTracked && pod.hasFailed {
            guard let index = pod.index, !settled.contains(index) else { continue }
            if let other = last[index], other.isLater(than: pod) { continue }
            last[index] = pod
        }
        return last
    }
}

extension JobPod {
    /// Whether this failure of an index came after the other one.
    fileprivate func isLater(than other: JobPod) -> Bool {
        let (mine, theirs) = (indexFailures + indexIgnoredFailures, other.indexFailures + other.indexIgnoredFailures)
        if mine != theirs { return mine > theirs }
        let epoch = Timestamp(seconds: 0)
        return (finishedAt ?? epoch) > (other.finishedAt ?? epoch)
    }
}

extension Job {
    /// What the failure of a pod means.
    func verdict(on pod: Pod) -> FailureVerdict { spec.podFailurePolicy?.verdict(on: pod) ?? FailureVerdict() }

    /// Whether the pod was the last one that its index may have.
    fileprivate func hasFailedIndex(_ pod: JobPod, limit: Int) -> Bool {
        guard pod.hasFailed, pod.index != nil else { return false }
        let verdict = verdict(on: pod.pod)
        return verdict.failsIndex || (verdict.isCounted && pod.indexFailures >= limit)
    }
}
