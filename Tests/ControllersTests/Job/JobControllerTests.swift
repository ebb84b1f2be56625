import API
import APIMachinery
import APIServer
import Client
import ClientTestSupport
import Support
import Synchronization
import Testing

@testable import Controllers

/// The loop of jobs on an API: what happens when it is stopped anywhere, when there are two, and what the real API says.
@Suite(.timeLimit(.minutes(2))) struct JobControllerTests {
    /// Long after the pods were made, so that nobody waits for a back-off.
    private static let now: @Sendable () -> Timestamp = { Timestamp("2031-01-01T00:00:00Z") ?? Timestamp(seconds: 0) }

    /// The first two pods fail, the others succeed, and are noted.
    private static func node(_ successes: Names = Names()) -> JobNode {
        let count = Mutex(0)
        return JobNode { pod in
            let isOld = count.withLock { count in
                count += 1
                return count <= 2
            }
            return !isOld && successes.insert(pod.metadata.uid) ? "Succeeded" : "Failed"
        }
    }

    @Test(arguments: [false, true], [false, true])
    func `a controller may be stopped after any write, and every pod is counted once`(
        isIndexed: Bool, isLastDone: Bool
    ) async throws {
        var writes = 0
        var hasBroken = true
        while hasBroken, writes < 200 {
            let api = MemoryAPI()
            let breaking = BreakingAPI(api, after: writes, isLastDone: isLastDone)
            try await api.create(Self.job(completions: 4, parallelism: 2, isIndexed: isIndexed))
            try await running([Self.node()], on: api, now: Self.now) {
                try await running([JobController(), JobOrphans()], on: breaking, now: Self.now) {
                    await withTaskGroup { group in
                        group.addTask { await api.wait { Self.job($0)?.ending != nil } }
                        group.addTask { await breaking.waitUntilBroken() }
                        await group.next()
                        group.cancelAll()
                    }
                }
                hasBroken = breaking.isBroken
                try await running([JobController(), JobOrphans()], on: api, now: Self.now) {
                    await api.wait { Self.job($0)?.ending != nil }
                }
            }
            let status = try #require(Self.job(api)?.status)
            #expect(status.conditions.map(\.type) == ["SuccessCriteriaMet", "Complete"], "after \(writes) writes")
            #expect(status.succeeded == 4, "after \(writes) writes")
            #expect(status.failed == 2, "after \(writes) writes")
            Self.checkCounts(api)
            writes += 1
        }
        #expect(writes >= 12, "there was something to break")
    }

    @Test(arguments: [false, true])
    func `two controllers at once count every pod once`(isIndexed: Bool) async throws {
        for _ in 0..<5 {
            let (api, successes) = (MemoryAPI(), Names())
            try await running([Self.node(successes), JobController(), JobOrphans()], on: api, now: Self.now) {
                try await running([JobController(), JobOrphans()], on: api, now: Self.now) {
                    try await api.create(Self.job(completions: 12, parallelism: 5, isIndexed: isIndexed))
                    await api.wait { Self.job($0)?.ending != nil }
                }
            }
            #expect(Self.job(api)?.ending?.type == "Complete")
            if isIndexed { #expect(Self.job(api)?.status.completedIndexes == "0-11") }
            // Of pods made in the same moment one may have ended as it was taken back.
            Self.checkCounts(api, atMost: successes.count)
        }
    }

    @Test func `a pod that began to go before its job was over is let go when it is`() async throws {
        let api = MemoryAPI()
        var job = try await api.create(Self.job(completions: 1, parallelism: 1, isIndexed: false))
        var pod = Pod(namespace: job.metadata.namespace, name: "p")
        pod.metadata.ownerReferences = [job.controllerReference]
        pod.metadata.finalizers = [JobNames.trackingFinalizer]
        try await api.create(pod)
        try await api.delete(Pod.self, pod.objectName)
        try await running([JobOrphans()], on: api, now: Self.now) {
            #expect(api.peek(Pod.self, "p", in: job.metadata.namespace)?.metadata.finalizers.count == 1)
            job.value[path: ["status", "conditions"]] = [["type": "Complete", "status": "True"]]
            try await api.updateStatus(job)
            await api.wait { $0.peek(Pod.self, "p", in: job.metadata.namespace)?.metadata.finalizers.isEmpty != false }
        }
    }

    /// What the status says is what the pods say.
    private static func checkCounts(_ api: MemoryAPI, atMost most: Int? = nil) {
        guard let status = job(api)?.status else { return }
        let pods = api.peek(all: Pod.self)
        let succeeded = pods.filter { $0.status.phase == "Succeeded" }
        let isIndexed = !status.completedIndexes.isEmpty
        let done = isIndexed ? Set(succeeded.map { $0.metadata.annotations[JobNames.completionIndex] }).count : succeeded.count
        #expect((done...max(done, most ?? done)).contains(status.succeeded))
        #expect(status.failed == pods.count { $0.status.phase == "Failed" })
        #expect(pods.allSatisfy { $0.metadata.finalizers.isEmpty }, "every pod is let go")
        #expect(status.active == 0)
        #expect(status.uncountedTerminatedPods?.succeeded == [])
        #expect(status.uncountedTerminatedPods?.failed == [])
    }

    @Test func `pods are adopted with the finalizer, and let go without it`() async throws {
        let api = MemoryAPI()
        var orphan = Pod(namespace: "default", name: "orphan")
        orphan.metadata.labels = ["job": "work"]
        try await api.create(orphan)
        try await api.create(Self.job(completions: 1, parallelism: 1, isIndexed: false))
        try await running([JobController()], on: api, now: Self.now) {
            await api.wait { Self.job($0)?.status.active == 1 }
            var pod = try #require(api.peek(Pod.self, "orphan", in: "default"))
            #expect(pod.metadata.controller?.name == "work")
            #expect(pod.metadata.finalizers == [JobNames.trackingFinalizer])
            pod.metadata.labels = [:]
            try await api.update(pod)
            await api.wait { $0.peek(Pod.self, "orphan", in: "default")?.metadata.controller == nil }
            await api.wait { $0.peek(all: Pod.self).count == 2 }
            #expect(api.peek(Pod.self, "orphan", in: "default")?.metadata.finalizers == [])
        }
    }

    @Test func `a job that another controller runs is left alone`() async throws {
        let api = MemoryAPI()
        var job = Self.job(completions: 1, parallelism: 1, isIndexed: false)
        job.spec.managedBy = "example.com/queue"
        try await api.create(job)
        job = Self.job(completions: 1, parallelism: 1, isIndexed: false)
        job.metadata.name = "mine"
        job.spec.selector = MetaV1LabelSelector(["matchLabels": ["job": "mine"]])
        job.spec.template.metadata.labels = ["job": "mine"]
        try await running([JobController()], on: api, now: Self.now) {
            try await api.create(job)
            await api.wait { $0.peek(Job.self, "mine", in: "default")?.status.active == 1 }
        }
        #expect(Self.job(api)?.status.startTime == nil)
        #expect(api.peek(all: Pod.self).count == 1)
    }

    private static func job(_ api: MemoryAPI) -> Job? { api.peek(Job.self, "work", in: "default") }

    private static func job(completions: Int, parallelism: Int, isIndexed: Bool) -> Job {
        var job = Job(namespace: "default", name: "work")
        job.spec.completions = completions
        job.spec.parallelism = parallelism
        job.spec.backoffLimit = 6
        job.spec.podReplacementPolicy = "TerminatingOrFailed"
        job.spec.completionMode = isIndexed ? "Indexed" : "NonIndexed"
        job.spec.selector = MetaV1LabelSelector(["matchLabels": ["job": "work"]])
        job.spec.template.metadata.labels = ["job": "work"]
        job.spec.template.spec = PodSpec(["containers": [["name": "main"]]])
        return job
    }
}
