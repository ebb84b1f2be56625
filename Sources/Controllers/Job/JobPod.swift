import API
import Support

/// A pod, as its job sees it.
struct JobPod: Hashable, Sendable {
    let pod: Pod
    let uid: String
    /// Which of the job's indexes it works on. `nil` without one, and for one that the job does not have (any more).
    let index: Int?
    /// Whether it waits for its end to be counted.
    let isTracked: Bool
    let isActive: Bool
    /// On its way out.
    let isTerminating: Bool
    let hasSucceeded: Bool
    let hasFailed: Bool

    init(_ pod: Pod, of job: Job) {
        self.pod = pod
        uid = pod.metadata.uid
        index = job.index(of: pod)
        isTracked = pod.metadata.finalizers.contains(JobNames.trackingFinalizer)
        let (phase, isDeleting) = (pod.status.phase, pod.metadata.deletionTimestamp != nil)
        hasSucceeded = phase == PodPhase.succeeded
        let isOver = hasSucceeded || phase == PodPhase.failed
        isActive = !isOver && !isDeleting
        isTerminating = !isOver && isDeleting
        // A pod that is being deleted may never tell how it ended, so it has failed, unless the job wants to be sure.
        hasFailed = phase == PodPhase.failed || (isTerminating && !job.replacesOnlyFailedPods)
    }

    /// Whether its end says something about its job.
    func counts(in job: Job) -> Bool { !job.isIndexed || index != nil }

    /// How often pods of the index failed, this one included, if it has.
    var indexFailures: Int { Self.number(pod, JobNames.indexFailures) }
    var indexIgnoredFailures: Int { Self.number(pod, JobNames.indexIgnoredFailures) }

    private static func number(_ pod: Pod, _ annotation: String) -> Int {
        // Twice the largest would still be a number.
        pod.metadata.annotations[annotation].flatMap { Int32($0) }.map { Int(max(0, $0)) } ?? 0
    }

    /// When its last container ended, as far as anybody knows.
    var finishedAt: Timestamp? {
        let ends = pod.status.containerStatuses.map { $0.state.terminated?.finishedAt }
        if !ends.isEmpty, !ends.contains(nil), let last = ends.compactMap(\.self).max() { return last }
        if let ready = pod.readyCondition, ready.status != "True", let since = ready.lastTransitionTime { return since }
        if let deletion = pod.metadata.deletionTimestamp {
            return deletion + .seconds(-max(0, pod.metadata.deletionGracePeriodSeconds ?? 0))
        }
        return pod.metadata.creationTimestamp
    }
}

extension Job {
    var isIndexed: Bool { spec.completionMode == CompletionMode.indexed }

    /// Whether a pod is replaced only when it has ended, not when it is about to (KEP-3939).
    var replacesOnlyFailedPods: Bool { spec.podReplacementPolicy == PodReplacementPolicy.failed }

    fileprivate func index(of pod: Pod) -> Int? {
        guard isIndexed, let index = pod.metadata.annotations[JobNames.completionIndex].flatMap({ Int($0) }) else {
            return nil
        }
        return index >= 0 && index < spec.completions ?? 0 ? index : nil
    }
}
