public import APIMachinery
import API
import Client
import Support
import Synchronization

/// Makes jobs at the times that cron jobs name.
///
/// Sleeps until the next time of each; there is no pass in between but for a change.
public struct CronJobController: Controller {
    public let name = "cronjob-controller"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let cronJobs = try await context.client.observe(CronJob.self)
        let jobs = try await context.client.observe(Job.self)
        let names = OwnerIndex()
        let work = CronJobWork(context: context, cronJobs: cronJobs, jobs: jobs)
        let own = ReconcileLoop<ObjectName>.Source(cronJobs) { change in
            names.take(change)
            work.take(change)
            return [change.name]
        }
        let made = ReconcileLoop<ObjectName>.Source(jobs) { change in
            let owners = Set([change.old?.controllerUID, change.new?.controllerUID].compactMap(\.self))
            return owners.compactMap { names.name(of: $0) }
        }
        await ReconcileLoop<ObjectName>(context).run([own, made]) { name throws(Status) in
            try await work.reconcile(name)
        }
    }
}

/// One pass over one cron job.
private final class CronJobWork: Sendable {
    private let context: ControllerContext
    private let cronJobs: any ObjectSet
    private let jobs: any ObjectSet
    /// When the schedules changed that changed while this controller looked, by the uids of their cron jobs.
    private let rescheduled = Mutex<[String: Timestamp]>([:])

    init(context: ControllerContext, cronJobs: any ObjectSet, jobs: any ObjectSet) {
        (self.context, self.cronJobs, self.jobs) = (context, cronJobs, jobs)
    }

    func take(_ change: ObjectChange) {
        guard let old = change.old else { return }
        guard let new = change.new, new.uid == old.uid else {
            rescheduled.withLock { $0[old.uid] = nil }
            return
        }
        let (before, after) = (CronJob(old).spec, CronJob(new).spec)
        guard before.schedule != after.schedule || before.timeZone != after.timeZone else { return }
        let now = context.now()
        rescheduled.withLock { $0[new.uid] = now }
    }

    func reconcile(_ name: ObjectName) async throws(Status) -> Duration? {
        guard let cronJob = cronJobs.get(CronJob.self, name) else { return nil }
        let uid = cronJob.metadata.uid
        let owned = jobs.owned(by: uid).filter { $0.controllerUID == uid }.map { Job($0) }
        let decision = CronJobDecision(
            cronJob: cronJob, jobs: owned, now: context.now(), validSince: rescheduled.withLock { $0[uid] })
        if let note = decision.note { context.record(note, about: cronJob) }
        for job in decision.replaced { try await delete(job, cronJob) }
        var made: Job?
        if let job = decision.newJob { made = try await create(job, cronJob) }
        let reported = decision.reported(made: made)
        if reported != cronJob { try await context.client.updateStatus(reported) }
        for note in decision.news { context.record(note, about: cronJob) }
        try await inParallel(decision.expired) { [self] job throws(Status) in try await delete(job, cronJob) }
        return decision.nextDeadline
    }

    /// `nil` when somebody else has a job of this name.
    private func create(_ job: Job, _ cronJob: CronJob) async throws(Status) -> Job? {
        do throws(Status) {
            let made = try await context.client.create(job)
            context.record(.normal, "SuccessfulCreate", "Created job \(made.metadata.name)", about: cronJob)
            return made
        } catch {
            guard !error.isAlreadyExists else { return nil }
            if !error.isNamespaceEnding {
                context.record(.warning, "FailedCreate", "Error creating job: \(error.message)", about: cronJob)
            }
            throw error
        }
    }

    private func delete(_ job: Job, _ cronJob: CronJob) async throws(Status) {
        do throws(Status) {
            let options = DeletionOptions(propagation: .background, preconditionUID: job.metadata.uid)
            try await context.client.delete(Job.self, job.objectName, options)
            context.record(.normal, "SuccessfulDelete", "Deleted job \(job.metadata.name)", about: cronJob)
        } catch {
            context.record(.warning, "FailedDelete", "Deleted job: \(error.message)", about: cronJob)
            throw error
        }
    }
}
