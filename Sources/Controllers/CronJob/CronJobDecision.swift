import API
import APIMachinery
import Client
import Support

/// What a cron job needs now: jobs deleted, a job created, its status written; and when to look again.
///
/// Pure: it is fed the cron job, its jobs and the time. Its shell is ``CronJobController``. A job is named for its time, so
/// the same time never has two of them, wherever the controller stopped.
struct CronJobDecision: Hashable, Sendable {
    static let scheduledTime = "batch.kubernetes.io/cronjob-scheduled-timestamp"

    let cronJob: CronJob
    /// Those that it controls.
    let jobs: [Job]
    let now: Timestamp
    private let schedule: CronJobSchedule?
    /// Why there is no schedule.
    private var unusable: ControllerNote?

    init(cronJob: CronJob, jobs: [Job], now: Timestamp, validSince: Timestamp? = nil) {
        (self.cronJob, self.jobs, self.now) = (cronJob, jobs, now)
        guard cronJob.metadata.deletionTimestamp == nil, cronJob.spec.suspend != true else {
            schedule = nil
            return
        }
        do throws(CronJobSchedule.Unusable) {
            schedule = try CronJobSchedule(cronJob, now: now, validSince: validSince)
        } catch {
            schedule = nil
            unusable = error.note
        }
    }

    // MARK: - The present

    private func job(_ uid: String) -> Job? { jobs.first { $0.metadata.uid == uid } }

    /// Those that the status calls active, as far as they are.
    private var running: [ObjectReference] {
        cronJob.status.active.filter { reference in job(reference.uid).map { $0.ending == nil } ?? false }
    }

    private func isListed(_ job: Job) -> Bool { cronJob.status.active.contains { $0.uid == job.metadata.uid } }

    /// What people are told of how the jobs fare.
    var news: [ControllerNote] {
        var notes: [ControllerNote] = []
        for reference in cronJob.status.active {
            guard let job = job(reference.uid) else {
                let message = "Active job went missing: \(reference.name)"
                notes.append(ControllerNote(reason: "MissingJob", message: message))
                continue
            }
            guard let ending = job.ending else { continue }
            let message = "Saw completed job: \(job.metadata.name), condition: \(ending.type)"
            notes.append(ControllerNote(reason: "SawCompletedJob", message: message))
        }
        for job in jobs where job.ending == nil && !isListed(job) && job.metadata.name != present?.metadata.name {
            let message = "Saw a job that the controller did not create or forgot: \(job.metadata.name)"
            notes.append(ControllerNote(kind: .warning, reason: "UnexpectedJob", message: message))
        }
        return notes
    }

    // MARK: - The next job

    private enum Verdict: Hashable {
        case nothing
        case start(Timestamp)
        /// It is there already: the status was not written then.
        case started(Timestamp, Job)
        case refuse(ControllerNote)
    }

    private var verdict: Verdict {
        if let unusable { return .refuse(unusable) }
        guard let schedule else { return .nothing }
        if let missed = schedule.missed {
            let message = "Missed scheduled time to start a job: \(missed.inWords)"
            return .refuse(ControllerNote(kind: .warning, reason: "MissSchedule", message: message))
        }
        guard let due = schedule.due else { return .nothing }
        if let job = jobs.first(where: { $0.metadata.name == name(of: due) }) { return .started(due, job) }
        if cronJob.spec.concurrencyPolicy == ConcurrencyPolicy.forbid, !running.isEmpty {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid"
            return .refuse(ControllerNote(reason: "JobAlreadyActive", message: message))
        }
        return .start(due)
    }

    /// A job to be made.
    var newJob: Job? { if case .start(let time) = verdict { make(for: time) } else { nil } }

    /// The job of the time that is due, when it was made by a pass that did not come to its end.
    private var present: Job? { if case .started(_, let job) = verdict { job } else { nil } }

    /// Active jobs that make room for the new one.
    var replaced: [Job] {
        guard newJob != nil, cronJob.spec.concurrencyPolicy == ConcurrencyPolicy.replace else { return [] }
        return running.compactMap { job($0.uid) }
    }

    /// Why nothing is started, or what is wrong although something is.
    var note: ControllerNote? {
        switch verdict {
        case .refuse(let note): return note
        case .start where schedule?.hasMissedMany == true:
            let message =
                "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
            return ControllerNote(kind: .warning, reason: "TooManyMissedTimes", message: message)
        default: return nil
        }
    }

    /// After how long the next time comes.
    var nextDeadline: Duration? { schedule?.untilNext }

    private func name(of time: Timestamp) -> String { "\(cronJob.metadata.name)-\(time.seconds / 60)" }

    private func make(for time: Timestamp) -> Job {
        let template = cronJob.spec.jobTemplate
        var job = Job(namespace: cronJob.metadata.namespace, name: name(of: time))
        job.metadata.labels = template.metadata.labels
        job.metadata.annotations = template.metadata.annotations
        job.metadata.annotations[Self.scheduledTime] = time.text(in: schedule?.zone ?? .utc)
        job.metadata.ownerReferences = [cronJob.controllerReference]
        job.spec = template.spec
        return job
    }

    // MARK: - The past

    /// Finished jobs beyond those that are kept, the oldest first.
    var expired: [Job] {
        let spec = cronJob.spec
        let limits = [
            (JobConditionType.complete, spec.successfulJobsHistoryLimit), (JobConditionType.failed, spec.failedJobsHistoryLimit),
        ]
        return limits.flatMap { type, limit -> [Job] in
            guard let limit else { return [] }
            let finished = jobs.filter { $0.ending?.type == type && $0.metadata.deletionTimestamp == nil }
            return Array(finished.sorted(by: Self.isOlder).prefix(max(0, finished.count - max(0, limit))))
        }
    }

    private static func isOlder(_ a: Job, _ b: Job) -> Bool {
        switch (a.status.startTime, b.status.startTime) {
        case (let x?, let y?) where x != y: x < y
        case (_?, nil): true
        case (nil, _?): false
        default: a.metadata.name < b.metadata.name
        }
    }

    // MARK: - The status

    /// The cron job as its jobs let it be, after `made` was made and what is replaced was deleted.
    func reported(made: Job?) -> CronJob {
        var (cronJob, status) = (cronJob, cronJob.status)
        let gone = Set(replaced.map(\.metadata.uid))
        var active = running.filter { !gone.contains($0.uid) }
        switch verdict {
        case .start(let time):
            if let made {
                active.append(made.reference)
                status.lastScheduleTime = time
            }
        case .started(let time, let job):
            if job.ending == nil, !isListed(job) { active.append(job.reference) }
            status.lastScheduleTime = time
        case .nothing, .refuse: break
        }
        status.assign(\.active, active)
        let ends = jobs.filter { $0.ending?.type == JobConditionType.complete }.compactMap(\.status.completionTime)
        if let last = ends.max(), last > status.lastSuccessfulTime ?? Timestamp(seconds: .min) {
            status.lastSuccessfulTime = last
        }
        if status != cronJob.status { cronJob.status = status }
        return cronJob
    }
}

extension Job {
    fileprivate var reference: ObjectReference {
        var reference = ObjectReference()
        reference.apiVersion = Self.resource.apiVersion
        reference.kind = Self.kind
        reference.namespace = metadata.namespace
        reference.name = metadata.name
        reference.uid = metadata.uid
        reference.resourceVersion = metadata.resourceVersion
        return reference
    }
}

extension Timestamp {
    /// RFC 3339, by the clocks of a zone.
    fileprivate func text(in zone: TimeZoneRule) -> String {
        let offset = zone.period(at: seconds).offset
        guard offset != 0 else { return description }
        let (sign, minutes) = (offset < 0 ? "-" : "+", abs(offset) / 60)
        let distance = [minutes / 60, minutes % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
        return Timestamp(seconds: seconds + offset).description.dropLast() + sign + distance
    }

    /// As in mail (RFC 1123): `Mon, 02 Jan 2006 15:04:05 +0000`.
    fileprivate var inWords: String {
        let (day, _) = CivilDate.dayAndSecond(seconds)
        let date = CivilDate(daysSinceEpoch: day)
        let weekday = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][Int(CivilDate.weekday(daysSinceEpoch: day))]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let number = date.day < 10 ? "0\(date.day)" : "\(date.day)"
        let time = description.split(separator: "T").last?.dropLast() ?? ""
        return "\(weekday), \(number) \(months[Int(date.month) - 1]) \(date.year) \(time) +0000"
    }
}
