import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct FinishedJobTests {
    private static let start = Timestamp(seconds: 1_000_000)

    @Test func `a job expires so long after its end, if it says so`() {
        var job = Self.job(life: 30, endedAt: nil)
        #expect(job.expiry == nil)
        job = Self.job(life: 30, endedAt: Self.start)
        #expect(job.expiry == Self.start + .seconds(30))
        job.status.conditions[0].type = "Complete"
        #expect(job.expiry == Self.start + .seconds(30))
        job.status.conditions[0].status = "False"
        #expect(job.expiry == nil)
        job = Self.job(life: nil, endedAt: Self.start)
        #expect(job.expiry == nil)
        job = Self.job(life: .max, endedAt: Self.start)
        #expect(job.expiry.map { $0 > Self.start } ?? false, "a life without end is no crash")
        job = Self.job(life: 0, endedAt: Self.start)
        job.metadata.deletionTimestamp = Self.start
        #expect(job.expiry == nil, "it is on its way out")
    }

    @Test func `an expired job is deleted at its time, after its pods`() async throws {
        let (api, clock) = (MemoryAPI(), ManualClock())
        let now: @Sendable () -> Timestamp = { Self.start + clock.now.offset }
        try await api.create(Self.job(life: 30, endedAt: Self.start))
        try await running([FinishedJobCleaner()], on: api, clock: clock, now: now) {
            await clock.waitForSleepers()
            clock.advance(by: .seconds(29))
            await clock.waitForSleepers()
            #expect(api.peek(Job.self, "done", in: "default")?.metadata.deletionTimestamp == nil)
            clock.advance(by: .seconds(1))
            await api.wait { $0.peek(Job.self, "done", in: "default")?.metadata.deletionTimestamp != nil }
            #expect(api.peek(Job.self, "done", in: "default")?.metadata.finalizers == ["foregroundDeletion"])
        }
    }

    private static func job(life: Int?, endedAt end: Timestamp?) -> Job {
        var job = Job(namespace: "default", name: "done")
        job.spec.ttlSecondsAfterFinished = life
        if let end {
            var condition = JobCondition()
            condition.type = "Failed"
            condition.status = "True"
            condition.lastTransitionTime = end
            job.status.conditions = [condition]
        }
        return job
    }
}
