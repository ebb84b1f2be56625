import API
import Support

/// What a job needs now: one step, after which everything is looked at again; and when to look without a reason.
///
/// Pure: it is fed the job, its pods and the time. Its shell is ``JobController``. Each step follows from what is stored,
/// so a controller may stop after any write, and the next one goes on: a verdict is written before pods are ended for it,
/// and the end of a pod before its finalizer goes (``JobCensus``).
struct JobDecision: Hashable, Sendable {
    enum Step: Hashable, Sendable {
        case rest
        /// Writes the status.
        case report
        /// Deletes pods that end with their job: they have failed.
        case end([Pod])
        /// Deletes pods that are too many: as if they had never been.
        case spare([Pod])
        case create([NewPod])
        /// Takes the finalizer from pods whose end is told.
        case release([Pod])
    }

    /// A pod to be made.
    struct NewPod: Hashable, Sendable {
        var index: Int?
        /// The failed pod in whose place it comes, when that is of interest.
        var predecessor: JobPod?
    }

    /// No more pods are created or deleted in one step, and no more uids lie in the status.
    static let most = 500

    let job: Job
    let census: JobCensus
    let now: Timestamp
    /// How the job ends, as its status tells already.
    let told: JobVerdict?
    /// The same, as it turns out now.
    let found: JobVerdict?
    /// Pods cannot be made at present.
    var isRefused = false

    /// - Parameter pods: Those that the job controls; read after the job.
    init(job: Job, pods: [Pod], now: Timestamp) {
        (self.job, self.now) = (job, now)
        census = JobCensus(job: job, pods: pods)
        told = JobVerdict(told: job)
        found = told == nil && job.ending == nil ? JobVerdict(of: census, at: now) : nil
    }

    var isDeleting: Bool { job.metadata.deletionTimestamp != nil }

    var step: Step {
        guard job.ending == nil else {
            let left = census.pods.filter(\.isTracked).map(\.pod)
            return left.isEmpty ? .rest : .release(left)
        }
        if found != nil { return .report }
        if told != nil {
            if !census.active.isEmpty { return .end(census.active.prefix(Self.most).map(\.pod)) }
        } else if !isDeleting {
            let surplus = surplus
            if !surplus.isEmpty { return .spare(surplus) }
            if !isRefused, case .create(let pods) = supply { return .create(pods) }
        }
        if reported != job { return .report }
        let finished = finished
        return finished.isEmpty ? .rest : .release(finished)
    }

    /// When something happens by mere passing of time.
    var nextDeadline: Duration? {
        guard job.ending == nil, told == nil, !isDeleting else { return nil }
        var deadlines: [Duration] = []
        if let deadline = job.deadline { deadlines.append(max(.zero, deadline - now)) }
        if case .wait(let delay) = supply { deadlines.append(delay) }
        return deadlines.min()
    }
}
