import API
import APIMachinery
import APIServer
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct CronJobControllerTests {
    private static let start = Timestamp("2030-01-01T00:00:00Z") ?? Timestamp(seconds: 0)

    @Test func `a cron job sleeps until its time, makes a job, and sleeps on`() async throws {
        let (api, clock) = (MemoryAPI(), ManualClock())
        let now: @Sendable () -> Timestamp = { Self.start + clock.now.offset }
        try await api.create(Self.cronJob("*/10 * * * *"))
        try await running([CronJobController()], on: api, clock: clock, now: now) {
            for minutes in [10, 20] {
                await clock.waitForSleepers()
                #expect(api.peek(all: Job.self).count == minutes / 10 - 1)
                clock.advance(by: .seconds(599))
                await clock.waitForSleepers()
                #expect(api.peek(all: Job.self).count == minutes / 10 - 1, "not before its time")
                clock.advance(by: .seconds(1))
                await api.wait { $0.peek(CronJob.self, "cron", in: "default")?.status.active.count == minutes / 10 }
            }
            let cronJob = try #require(api.peek(CronJob.self, "cron", in: "default"))
            #expect(cronJob.status.lastScheduleTime == Self.start + .seconds(1200))
            #expect(cronJob.status.active.map(\.name) == api.peek(all: Job.self).map(\.metadata.name))
        }
    }

    @Test func `a change of the schedule makes up for nothing`() async throws {
        let (api, clock) = (MemoryAPI(), ManualClock())
        let now: @Sendable () -> Timestamp = { Self.start + .seconds(36_000) + clock.now.offset }
        var cronJob = Self.cronJob("0 20 * * *")
        cronJob.metadata.creationTimestamp = Self.start
        try await api.create(cronJob)
        try await running([CronJobController()], on: api, clock: clock, now: now) {
            await clock.waitForSleepers()
            cronJob = try await api.get(CronJob.self, cronJob.objectName)
            cronJob.spec.schedule = "0 9 * * *"
            try await api.update(cronJob)
            var other = Self.cronJob("0 9 * * *")
            other.metadata.name = "other"
            other.metadata.creationTimestamp = Self.start
            try await api.create(other)
            await api.wait { !$0.peek(all: Job.self).isEmpty }
            await api.wait { $0.peek(CronJob.self, "other", in: "default")?.status.lastScheduleTime != nil }
            #expect(api.peek(all: Job.self).map { $0.metadata.controller?.name } == ["other"])
        }
    }

    @Test(arguments: 0..<6, [false, true])
    func `a controller may be stopped after any write, and a time has one job`(writes: Int, isLastDone: Bool) async throws {
        let api = MemoryAPI()
        let breaking = BreakingAPI(api, after: writes, isLastDone: isLastDone)
        var cronJob = Self.cronJob("0 * * * *")
        cronJob.spec.concurrencyPolicy = "Replace"
        cronJob.metadata.creationTimestamp = Self.start
        try await api.create(cronJob)
        for hours in 1...3 {
            let now: @Sendable () -> Timestamp = { Self.start + .seconds(hours * 3600 + 1) }
            let due = Self.start + .seconds(hours * 3600)
            let isDone: @Sendable (MemoryAPI) -> Bool = { api in
                api.peek(CronJob.self, "cron", in: "default")?.status.lastScheduleTime == due
            }
            if !breaking.isBroken {
                try await running([CronJobController()], on: breaking, now: now) {
                    await withTaskGroup { group in
                        group.addTask { await api.wait(for: isDone) }
                        group.addTask { await breaking.waitUntilBroken() }
                        await group.next()
                        group.cancelAll()
                    }
                }
            }
            try await running([CronJobController()], on: api, now: now) { await api.wait(for: isDone) }
            let jobs = api.peek(all: Job.self)
            #expect(jobs.map(\.metadata.name) == ["cron-\(due.seconds / 60)"])
            let status = try #require(api.peek(CronJob.self, "cron", in: "default")).status
            #expect(status.active.map(\.uid) == jobs.map(\.metadata.uid))
        }
        #expect(api.journal.count { $0.hasPrefix("create jobs") } == 3)
    }

    /// With the rights that the controller has, and together with the one of jobs.
    @Test func `jobs of a cron job run, and old ones go`() async throws {
        try await withServer { server in
            var cronJob = Self.cronJob("@every 1s")
            cronJob.spec.timeZone = "Europe/Rome"
            cronJob.spec.successfulJobsHistoryLimit = 1
            let client = server.client()
            try await running([JobNode { _ in "Succeeded" }], on: client) {
                let account = server.controllerClient("cronjob-controller")
                try await running([CronJobController()], on: account, now: { .now }) {
                    let jobs = server.controllerClient("job-controller")
                    try await running([JobController()], on: jobs, now: { .now }) {
                        cronJob = try await client.create(cronJob)
                        let name = cronJob.objectName
                        try await wait(for: CronJob.self, name, client) { $0?.status.lastSuccessfulTime != nil }
                        let job = try #require(try await client.list(Job.self).last)
                        #expect(job.metadata.controller?.uid == cronJob.metadata.uid)
                    }
                }
            }
        }
    }

    private static func cronJob(_ schedule: String) -> CronJob {
        var cronJob = CronJob(namespace: "default", name: "cron")
        cronJob.spec.schedule = schedule
        cronJob.spec.jobTemplate.spec.template.spec = PodSpec([
            "restartPolicy": "Never", "containers": [["name": "main", "image": "busybox"]],
        ])
        return cronJob
    }
}
