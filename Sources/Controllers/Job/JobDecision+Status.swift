import API
import APIMachinery
import Client
import Support

// What the status shall tell, and which pods it tells of.
extension JobDecision {
    /// The job with the status that its pods amount to.
    var reported: Job {
        var (job, status) = (job, job.status)
        status.assign(\.active, census.active.count)
        status.assign(\.ready, census.active.count { $0.pod.isReady })
        status.assign(\.terminating, census.terminating.count)
        if !job.isSuspended, status.startTime == nil { status.startTime = now }
        count(&status)
        if job.isIndexed {
            status.assign(\.succeeded, census.completedIndexes.count)
            status.assign(\.completedIndexes, census.completedIndexes.description)
            status.assign(\.failedIndexes, census.failedIndexes.map(\.description))
        }
        if let found {
            status.conditions.append(condition(found.interimType, found.reason, found.message))
        } else if let told {
            if isOver(status) { conclude(&status, told) }
        } else if !isDeleting {
            tellSuspension(&status)
        }
        if status != job.status { job.status = status }
        return job
    }

    /// What happens with `reported` that people are told of.
    var notes: [ControllerNote] {
        let reported = reported
        var notes: [ControllerNote] = []
        if job.holds(JobConditionType.suspended) != reported.holds(JobConditionType.suspended) {
            let (reason, message) = job.isSuspended ? ("Suspended", "Job suspended") : ("Resumed", "Job resumed")
            notes.append(ControllerNote(reason: reason, message: message))
        }
        guard job.ending == nil, let ending = reported.ending else { return notes }
        guard ending.type == JobConditionType.complete else {
            return notes + [ControllerNote(kind: .warning, reason: ending.reason, message: ending.message)]
        }
        if let completions = job.spec.completions, reported.status.succeeded > completions {
            let message = "Too many succeeded pods running after completion count reached"
            notes.append(ControllerNote(kind: .warning, reason: "TooManySucceededPods", message: message))
        }
        return notes + [ControllerNote(reason: "Completed", message: "Job completed")]
    }

    // MARK: - Counting

    /// Pods whose end the stored status tells, or that have nothing to tell. Asked for when there is nothing to report.
    var finished: [Pod] {
        let waiting = awaited
        return census.pods.filter { pod in
            guard pod.isTracked, !waiting.contains(pod.uid) else { return false }
            guard hasEnded(pod) else { return isDeleting }
            if !pod.counts(in: job) || census.recordedFailed.contains(pod.uid) { return true }
            guard pod.hasSucceeded else { return !job.verdict(on: pod.pod).isCounted }
            guard let index = pod.index else { return census.recordedSucceeded.contains(pod.uid) }
            return census.completedIndexes.contains(index) || census.failedIndexes?.contains(index) == true
        }.map(\.pod)
    }

    /// A pod that is on its way out when its job ends has failed, whatever becomes of it.
    private func hasEnded(_ pod: JobPod) -> Bool {
        pod.hasSucceeded || pod.hasFailed || (told != nil && pod.isTerminating)
    }

    /// Failed pods that stay as they are until the next one of their index has come.
    private var awaited: Set<String> {
        guard told == nil, found == nil, !isDeleting else { return [] }
        return Set(census.lastFailures.values.map(\.uid))
    }

    private func count(_ status: inout JobStatus) {
        let tracked = Set(census.pods.filter(\.isTracked).map(\.uid))
        var uncounted = status.uncountedTerminatedPods ?? UncountedTerminatedPods()
        // Those that hold no finalizer any more become numbers.
        let (succeeded, failed) = (uncounted.succeeded, uncounted.failed)
        uncounted.assign(\.succeeded, succeeded.filter { tracked.contains($0) })
        uncounted.assign(\.failed, failed.filter { tracked.contains($0) })
        status.assign(\.succeeded, status.succeeded + succeeded.count - uncounted.succeeded.count)
        status.assign(\.failed, status.failed + failed.count - uncounted.failed.count)
        record(&uncounted)
        status.uncountedTerminatedPods = uncounted
    }

    /// Those whose end is news are told by their uids, unless their indexes tell it.
    private func record(_ uncounted: inout UncountedTerminatedPods) {
        let waiting = awaited
        var (succeeded, failed) = (uncounted.succeeded, uncounted.failed)
        for pod in census.pods where pod.isTracked && hasEnded(pod) && pod.counts(in: job) {
            guard succeeded.count + failed.count < Self.most else { break }
            guard !census.recordedFailed.contains(pod.uid), !census.recordedSucceeded.contains(pod.uid),
                !waiting.contains(pod.uid)
            else { continue }
            if pod.hasSucceeded {
                if pod.index == nil { succeeded.append(pod.uid) }
            } else if job.verdict(on: pod.pod).isCounted {
                failed.append(pod.uid)
            }
        }
        uncounted.assign(\.succeeded, succeeded)
        uncounted.assign(\.failed, failed)
    }

    // MARK: - Conditions

    /// Whether nothing is left of the job's pods that anybody waits for.
    private func isOver(_ status: JobStatus) -> Bool {
        let uncounted = status.uncountedTerminatedPods
        return census.active.isEmpty && census.terminating.isEmpty && !census.pods.contains(where: \.isTracked)
            && uncounted?.succeeded.isEmpty ?? true && uncounted?.failed.isEmpty ?? true
    }

    private func conclude(_ status: inout JobStatus, _ verdict: JobVerdict) {
        status.conditions.append(condition(verdict.finalType, verdict.reason, verdict.message))
        let start = status.startTime ?? now
        status.assign(\.startTime, start)
        if verdict.hasSucceeded { status.completionTime = max(now, start) }
    }

    /// One that was never suspended does not speak of it.
    private func tellSuspension(_ status: inout JobStatus) {
        let type = JobConditionType.suspended
        let isSuspended = job.isSuspended
        guard isSuspended != job.holds(type) else { return }
        var told = condition(type, isSuspended ? "JobSuspended" : "JobResumed", isSuspended ? "Job suspended" : "Job resumed")
        told.status = isSuspended ? "True" : "False"
        if let place = status.conditions.firstIndex(where: { $0.type == type }) {
            status.conditions[place] = told
        } else {
            status.conditions.append(told)
        }
        // The time that it may take begins anew when it goes on.
        status.startTime = isSuspended ? nil : now
    }

    private func condition(_ type: String, _ reason: String, _ message: String) -> JobCondition {
        var condition = JobCondition()
        condition.type = type
        condition.status = "True"
        condition.reason = reason
        condition.message = message
        condition.lastProbeTime = now
        condition.lastTransitionTime = now
        return condition
    }
}
