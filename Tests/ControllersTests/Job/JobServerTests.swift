import API
import APIMachinery
import APIServer
import Client
import Support
import Testing

@testable import Controllers

/// Jobs on the whole API, with the rights that the controller has: what it writes must be what the API allows.
@Suite(.timeLimit(.minutes(2))) struct JobServerTests {
    private static let name = ObjectName(namespace: "default", name: "work")

    @Test func `a job runs to its end, and is deleted with its pods`() async throws {
        try await withJobs({ _ in "Succeeded" }) { client in
            try await client.create(Self.job(["completions": 3, "parallelism": 2]))
            let job = try await Self.end(client)
            #expect(job.status.conditions.map(\.type) == ["SuccessCriteriaMet", "Complete"])
            #expect(job.status.succeeded == 3)
            #expect(job.status.startTime != nil && job.status.completionTime != nil)
            #expect(job.status.ready == 0 && job.status.terminating == 0)
            try await client.delete(Job.self, Self.name, DeletionOptions(propagation: .background))
            for pod in try await client.list(Pod.self) {
                #expect(pod.metadata.finalizers.isEmpty)
                try await client.delete(Pod.self, pod.objectName)
            }
        }
    }

    @Test func `indexes fail and succeed on their own`() async throws {
        let outcome: @Sendable (Pod) -> String? = { pod in
            ["0", "2"].contains(pod.metadata.labels[JobNames.completionIndex]) ? "Failed" : "Succeeded"
        }
        try await withJobs(outcome) { client in
            try await client.create(
                Self.job(["completions": 4, "parallelism": 2, "completionMode": "Indexed", "backoffLimitPerIndex": 0]))
            let job = try await Self.end(client)
            #expect(job.status.conditions.map(\.reason) == ["FailedIndexes", "FailedIndexes"])
            #expect(job.status.failedIndexes == "0,2")
            #expect(job.status.completedIndexes == "1,3")
            #expect((job.status.succeeded, job.status.failed) == (2, 2))
            let pod = try #require(try await client.list(Pod.self).first)
            #expect(pod.spec.containers.first?.env.first?.name == "JOB_COMPLETION_INDEX")
        }
    }

    @Test func `a job fails by policy, and one succeeds by policy`() async throws {
        try await withJobs({ $0.metadata.labels[JobNames.completionIndex] == "0" ? "Succeeded" : nil }) { client in
            try await client.create(
                Self.job([
                    "completions": 3, "parallelism": 3, "completionMode": "Indexed",
                    "successPolicy": ["rules": [["succeededCount": 1]]],
                ]))
            let job = try await Self.end(client)
            #expect(job.status.conditions.map(\.reason) == ["SuccessPolicy", "SuccessPolicy"])
            #expect(job.status.completedIndexes == "0")
        }
        try await withJobs({ _ in "Failed" }) { client in
            try await client.create(Self.job(["backoffLimit": 0]))
            let job = try await Self.end(client)
            #expect(job.status.conditions.map(\.type) == ["FailureTarget", "Failed"])
            #expect(job.status.failed == 1)
        }
    }

    @Test func `a job is suspended, goes on, grows and shrinks`() async throws {
        try await withJobs({ $0.metadata.labels[JobNames.completionIndex] == "2" ? "Succeeded" : nil }) { client in
            try await client.create(Self.job(["completions": 3, "parallelism": 3, "completionMode": "Indexed"]))
            try await wait(for: Job.self, Self.name, client) { $0?.status.completedIndexes == "2" && $0?.status.active == 2 }
            try await Self.change(client, ["suspend": true])
            try await wait(for: Job.self, Self.name, client) { $0?.holds("Suspended") == true && $0?.status.startTime == nil }
            let left = try await client.list(Pod.self)
            #expect(left.allSatisfy { $0.isFinished })
            try await Self.change(client, ["suspend": false])
            try await wait(for: Job.self, Self.name, client) { $0?.status.active == 2 && $0?.status.startTime != nil }
            try await Self.change(client, ["completions": 1, "parallelism": 1])
            let job = try await wait(for: Job.self, Self.name, client) { $0?.status.active == 1 && $0?.status.succeeded == 0 }
            #expect(job?.status.completedIndexes == "")
        }
    }

    @Test func `pods of a job that is gone are not held`() async throws {
        try await withJobs({ _ in nil }) { client in
            try await client.create(Self.job(["completions": 2, "parallelism": 2]))
            try await wait(for: Job.self, Self.name, client) { $0?.status.active == 2 }
            let pods = try await client.list(Pod.self)
            // Both ways around: the pod is deleted before the job, and after it.
            try await client.delete(Job.self, Self.name, DeletionOptions(propagation: .background))
            for pod in pods { try await client.delete(Pod.self, pod.objectName) }
            for pod in pods { try await wait(for: Pod.self, pod.objectName, client) { $0 == nil } }
        }
    }

    // MARK: -

    /// Runs the controllers of jobs, and a node on which pods end as `outcome` says.
    private func withJobs(
        _ outcome: @escaping @Sendable (Pod) -> String?, _ body: (LocalClient) async throws -> Void
    ) async throws {
        try await withServer { server in
            try await running([JobNode(outcome)], on: server.client()) {
                let client = server.controllerClient("job-controller")
                try await running([JobController(), JobOrphans()], on: client, now: { .now }) {
                    try await body(server.client())
                }
            }
        }
    }

    private static func end(_ client: LocalClient) async throws -> Job {
        try #require(try await wait(for: Job.self, name, client) { $0?.ending != nil })
    }

    private static func change(_ client: LocalClient, _ spec: Value) async throws {
        try await client.patch(Job.self, name, .merge(["spec": spec]))
    }

    private static func job(_ spec: Value) -> Job {
        var job = Job(namespace: "default", name: "work")
        job.value["spec"] = spec
        job.value[path: ["spec", "template", "spec"]] = [
            "restartPolicy": "Never", "containers": [["name": "main", "image": "busybox"]],
        ]
        return job
    }
}
