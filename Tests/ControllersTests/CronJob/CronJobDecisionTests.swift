import API
import APIMachinery
import Support
import Testing

@testable import Controllers

/// What cron jobs do, told as conversations: `cron` sets fields (`_` is a space in a schedule), `at` the time of the day,
/// `last` when a job was made last; `decide` lets the controller make a pass; `end` is what jobs come to. Jobs are called by
/// the times that they are made for.
@Suite struct CronJobDecisionTests {
    @Test func `a job is made at each time, and is named for it`() {
        check(
            """
            cron schedule=*/5_*_*_*_*
            last 10:00
            at 10:02
            decide
            ----
            next 3m

            at 10:05
            decide
            ----
            create 10:05
            active 10:05
            next 5m

            # The same time has no second job, and an old time none at all.
            decide
            end 10:05
            at 10:06
            decide
            ----
            next 5m
            event SawCompletedJob
            active
            next 4m

            at 10:17
            decide
            ----
            create 10:15
            active 10:15
            next 3m
            """)
    }

    @Test func `times that were missed are made up for once, unless it is too late`() {
        check(
            """
            cron schedule=*/5_*_*_*_* startingDeadlineSeconds=120
            last 10:00
            at 10:31
            decide
            ----
            create 10:30
            active 10:30
            next 4m

            at 10:38
            decide
            ----
            event MissSchedule
            next 2m

            cron startingDeadlineSeconds=none
            decide
            ----
            create 10:35
            active 10:30 10:35
            next 2m

            cron schedule=*_*_*_*_*
            at 12:30
            decide
            ----
            event TooManyMissedTimes
            create 12:30
            active 10:30 10:35 12:30
            next 1m
            """)
    }

    @Test func `a job may have to wait for the one before it`() {
        check(
            """
            cron schedule=*/5_*_*_*_* concurrencyPolicy=Forbid
            last 10:00
            at 10:05
            decide
            at 10:10
            decide
            ----
            create 10:05
            active 10:05
            next 5m
            event JobAlreadyActive
            next 5m

            # It comes late then.
            at 10:12
            end 10:05
            decide
            ----
            create 10:10
            event SawCompletedJob
            active 10:10
            next 3m
            """)
    }

    @Test func `a job may take the place of the one before it`() {
        check(
            """
            cron schedule=*/5_*_*_*_* concurrencyPolicy=Replace
            last 10:00
            at 10:05
            decide
            at 10:10
            decide
            ----
            create 10:05
            active 10:05
            next 5m
            delete 10:05
            create 10:10
            active 10:10
            next 5m
            """)
    }

    @Test func `only so many finished jobs are kept`() {
        check(
            """
            cron schedule=0_*_*_*_* successfulJobsHistoryLimit=1 failedJobsHistoryLimit=0
            job a start=9:00 end=Complete
            job b start=9:10 end=Complete
            job c start=9:20 end=Failed
            job d
            last 9:00
            at 9:59
            decide
            ----
            event UnexpectedJob
            delete a
            delete c
            next 1m
            """)
    }

    @Test func `a suspended one makes nothing, and one that cannot be read says so`() {
        check(
            """
            cron schedule=*/5_*_*_*_* suspend=true
            last 10:00
            at 10:07
            decide
            ----
            next never

            cron suspend=false schedule=nonsense
            decide
            ----
            event UnparseableSchedule
            next never

            cron schedule=0_0_31_2_*
            decide
            ----
            event InvalidSchedule
            next never

            cron schedule=*/5_*_*_*_* timeZone=Nowhere
            decide
            ----
            event UnknownTimeZone
            next never

            cron timeZone=Asia/Kolkata
            decide
            ----
            create 10:05
            active 10:05
            next 3m
            """)
    }

    @Test func `a pass that was cut off after its job was made is finished by the next one`() {
        var world = CronWorld()
        _ = world.take(["cron", "schedule=*/5_*_*_*_*"])
        _ = world.take(["last", "10:00"])
        _ = world.take(["at", "10:05"])
        let before = world.cronJob
        #expect(world.take(["decide"]).first == "create 10:05")
        world.cronJob.status = before.status
        #expect(world.take(["decide"]) == ["active 10:05", "next 5m"])
        #expect(world.cronJob.status.lastScheduleTime == world.now)
    }

    @Test func `a new schedule has missed nothing`() {
        var world = CronWorld()
        _ = world.take(["cron", "schedule=0_9_*_*_*"])
        _ = world.take(["at", "10:05"])
        var decision = CronJobDecision(cronJob: world.cronJob, jobs: [], now: world.now, validSince: world.now)
        #expect(decision.newJob == nil)
        decision = CronJobDecision(cronJob: world.cronJob, jobs: [], now: world.now)
        #expect(decision.newJob != nil)
    }

    @Test func `a job knows its time by the clocks of its zone`() throws {
        var world = CronWorld()
        _ = world.take(["cron", "schedule=*/5_*_*_*_*", "timeZone=America/St_Johns"])
        world.cronJob.spec.jobTemplate.metadata.labels = ["a": "b"]
        world.cronJob.spec.jobTemplate.spec.parallelism = 3
        _ = world.take(["at", "10:05"])
        let job = try #require(CronJobDecision(cronJob: world.cronJob, jobs: [], now: world.now).newJob)
        #expect(job.metadata.annotations[CronJobDecision.scheduledTime] == "2026-08-06T07:35:00-02:30")
        #expect(job.metadata.labels == ["a": "b"])
        #expect(job.metadata.controller?.name == "cron")
        #expect(job.spec.parallelism == 3)
    }

    private func check(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        var world = CronWorld()
        Conversation(text).check(sourceLocation: sourceLocation) { world.take($0) }
    }
}

/// A cron job with its jobs, in memory, on the 6th of August 2026.
private struct CronWorld {
    var cronJob = CronJob(namespace: "default", name: "cron")
    var jobs: [Job] = []
    var now = Timestamp(seconds: midnight)

    private static let midnight: Int64 = 1_785_974_400

    init() {
        cronJob.metadata.uid = "cron"
        cronJob.metadata.creationTimestamp = now
    }

    private func time(_ text: String) -> Timestamp {
        let numbers = text.split(separator: ":").compactMap { Int64($0) }
        return Timestamp(seconds: Self.midnight + numbers[0] * 3600 + numbers[1] * 60)
    }

    mutating func take(_ command: [String]) -> [String] {
        let options = options(command)
        switch command[0] {
        case "cron":
            for (key, text) in options {
                let text = text.replacing("_", with: key == "schedule" ? " " : "_")
                cronJob.spec.value[key] =
                    switch text {
                    case "none": nil
                    case "true", "false": .bool(text == "true")
                    default: Int64(text).map { .integer($0) } ?? .string(text)
                    }
            }
        case "at": now = time(command[1])
        case "last": cronJob.status.lastScheduleTime = time(command[1])
        case "end": end(command[1], "Complete")
        case "job":
            var job = Job(namespace: "default", name: command[1])
            job.metadata.uid = command[1]
            job.status.startTime = options["start"].map { time($0) }
            jobs.append(job)
            if let type = options["end"] { end(command[1], type) }
        default: return decide()
        }
        return []
    }

    /// Jobs that the controller made are called by their time.
    private func name(_ job: String) -> String {
        guard let minutes = Int64(job.replacing("cron-", with: "")).map({ $0 - Self.midnight / 60 }) else { return job }
        return "\(minutes / 60):\(minutes % 60 < 10 ? "0" : "")\(minutes % 60)"
    }

    private mutating func end(_ name: String, _ type: String) {
        for index in jobs.indices where self.name(jobs[index].metadata.name) == name {
            jobs[index].status.conditions = [JobCondition(["type": .string(type), "status": "True"])]
            jobs[index].status.completionTime = type == "Complete" ? now : nil
        }
    }

    private mutating func decide() -> [String] {
        let decision = CronJobDecision(cronJob: cronJob, jobs: jobs, now: now)
        var lines = decision.note.map { ["event \($0.reason)"] } ?? []
        for job in decision.replaced { lines.append("delete \(name(job.metadata.name))") }
        jobs.removeAll { decision.replaced.contains($0) }
        var made: Job?
        if var job = decision.newJob {
            job.metadata.uid = job.metadata.name
            jobs.append(job)
            made = job
            lines.append("create \(name(job.metadata.name))")
        }
        lines += decision.news.map { "event \($0.reason)" }
        let reported = decision.reported(made: made)
        if reported.status.active != cronJob.status.active {
            lines.append((["active"] + reported.status.active.map { name($0.name) }).joined(separator: " "))
        }
        cronJob = reported
        for job in decision.expired { lines.append("delete \(job.metadata.name)") }
        jobs.removeAll { decision.expired.contains($0) }
        return lines + ["next " + (decision.nextDeadline.map { "\($0.components.seconds / 60)m" } ?? "never")]
    }
}
