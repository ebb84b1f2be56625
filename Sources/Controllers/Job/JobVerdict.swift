import API
import Support

/// That a job will end, and how: the interim condition that is written before its last pods are, and the final one after
/// they are gone (KEP-3998, KEP-4368).
struct JobVerdict: Hashable, Sendable {
    var hasSucceeded: Bool
    var reason: String
    var message: String

    static let interim = (success: JobConditionType.successCriteriaMet, failure: JobConditionType.failureTarget)

    var interimType: String { hasSucceeded ? Self.interim.success : Self.interim.failure }
    var finalType: String { hasSucceeded ? JobConditionType.complete : JobConditionType.failed }

    private init(_ hasSucceeded: Bool, _ reason: String, _ message: String) {
        (self.hasSucceeded, self.reason, self.message) = (hasSucceeded, reason, message)
    }

    /// What the job's status tells already.
    init?(told job: Job) {
        let told = job.status.conditions.filter { $0.status == "True" }
        // A success is not taken back.
        for type in [Self.interim.success, Self.interim.failure] {
            guard let condition = told.first(where: { $0.type == type }) else { continue }
            self.init(type == Self.interim.success, condition.reason, condition.message)
            return
        }
        return nil
    }

    /// What its pods and the time amount to; `nil` while it must go on.
    init?(of census: JobCensus, at now: Timestamp) {
        let found = Self.failure(of: census, at: now) ?? Self.failureOfIndexes(census) ?? Self.success(of: census)
        guard let found else { return nil }
        self = found
    }

    // MARK: - Failure

    private static func failure(of census: JobCensus, at now: Timestamp) -> JobVerdict? {
        let job = census.job
        if job.spec.podFailurePolicy != nil {
            for pod in census.pods where pod.hasFailed {
                guard let message = job.verdict(on: pod.pod).failsJob else { continue }
                return JobVerdict(false, "PodFailurePolicy", message)
            }
        }
        let limit = job.spec.backoffLimit ?? .max
        if census.failed > limit || restarts(census, limit) {
            return JobVerdict(false, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        }
        if let deadline = job.deadline, deadline <= now {
            return JobVerdict(false, "DeadlineExceeded", "Job was active longer than specified deadline")
        }
        return nil
    }

    /// Whether containers that are started again where they are were started too often.
    private static func restarts(_ census: JobCensus, _ limit: Int) -> Bool {
        guard census.job.spec.template.spec.restartPolicy == "OnFailure" else { return false }
        let running = census.pods.filter { [PodPhase.running, PodPhase.pending].contains($0.pod.status.phase) }
        let count = running.flatMap { $0.pod.status.initContainerStatuses + $0.pod.status.containerStatuses }
            .reduce(0) { $0 + $1.restartCount }
        return limit == 0 ? count > 0 : count >= limit
    }

    private static func failureOfIndexes(_ census: JobCensus) -> JobVerdict? {
        guard let failed = census.failedIndexes?.count, failed > 0 else { return nil }
        if let most = census.job.spec.maxFailedIndexes, failed > most {
            let message = "Job has exceeded the specified maximal number of failed indexes"
            return JobVerdict(false, "MaxFailedIndexesExceeded", message)
        }
        guard failed + census.completedIndexes.count >= census.job.spec.completions ?? 0 else { return nil }
        return JobVerdict(false, "FailedIndexes", "Job has failed indexes")
    }

    // MARK: - Success

    private static func success(of census: JobCensus) -> JobVerdict? {
        let job = census.job
        if let policy = job.spec.successPolicy {
            let done = census.completedIndexes
            if let rule = policy.rules.firstIndex(where: { $0.isMet(by: done, below: job.spec.completions ?? 0) }) {
                return JobVerdict(true, "SuccessPolicy", "Matched rules at index \(rule)")
            }
        }
        // Without a number, the first success is that of the job, and the other pods end in their own time.
        guard census.active.isEmpty, census.succeeded >= job.spec.completions ?? 1 else { return nil }
        return JobVerdict(true, "CompletionsReached", "Reached expected number of succeeded pods")
    }
}

extension SuccessPolicyRule {
    fileprivate func isMet(by done: IndexSet, below completions: Int) -> Bool {
        guard let meant = succeededIndexes.map({ IndexSet($0, below: completions) }) else {
            return succeededCount.map { done.count >= $0 } ?? false
        }
        return meant.count(in: done) >= succeededCount ?? meant.count
    }
}

extension Job {
    /// When it has been active for as long as it may.
    var deadline: Timestamp? {
        guard !isSuspended, let start = status.startTime, let most = spec.activeDeadlineSeconds else { return nil }
        return start + .seconds(most)
    }
}
