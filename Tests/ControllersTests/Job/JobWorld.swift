import API
import APIMachinery
import Support

@testable import Controllers

/// A job with its pods, in memory: what the API and the nodes would do to them, one step at a time.
struct JobWorld {
    var job = Job(namespace: "default", name: "work")
    var pods: [Pod] = []
    var now = Timestamp(seconds: 1_000_000)
    private var created = 0

    init() {
        job.metadata.uid = "job"
        job.spec.backoffLimit = 6
        job.spec.parallelism = 1
        job.spec.completions = 1
        job.spec.podReplacementPolicy = "TerminatingOrFailed"
        job.spec.template.spec = PodSpec(["restartPolicy": "Never", "containers": [["name": "main"]]])
    }

    var decision: JobDecision { JobDecision(job: job, pods: pods, now: now) }

    /// Steps until there is nothing to do. What was done, in words.
    mutating func settle() -> [String] {
        var lines: [String] = []
        for _ in 0..<100 {
            let decision = decision
            switch decision.step {
            case .rest: return lines
            case .report:
                lines.append("report " + Self.difference(job, decision.reported))
                lines += decision.notes.map { "event \($0.reason)" }
                job = decision.reported
            case .create(let new): lines.append("create " + new.map { make(decision.pod($0)) }.joined(separator: " "))
            case .end(let victims):
                lines.append("end " + names(victims))
                for pod in victims { delete(pod) }
            case .spare(let victims):
                lines.append("spare " + names(victims))
                for pod in victims {
                    release(pod)
                    delete(pod)
                }
            case .release(let ended):
                lines.append("release " + names(ended))
                for pod in ended { release(pod) }
            }
        }
        return lines + ["for ever"]
    }

    private func names(_ pods: [Pod]) -> String { pods.map(\.metadata.name).joined(separator: " ") }

    private mutating func make(_ pod: Pod) -> String {
        created += 1
        var pod = pod
        let name = "p\(created)"
        pod.metadata.name = name
        pod.metadata.uid = name
        pod.metadata.creationTimestamp = now
        pod.status.phase = "Pending"
        pods.append(pod)
        let index = pod.metadata.annotations[JobNames.completionIndex].map { ":" + $0 } ?? ""
        let failures = pod.metadata.annotations[JobNames.indexFailures].map { "(\($0))" } ?? ""
        return name + index + failures
    }

    mutating func change(_ name: String, _ body: (inout Pod) -> Void) {
        for index in pods.indices where pods[index].metadata.name == name { body(&pods[index]) }
    }

    mutating func finish(_ name: String, _ phase: String, code: Int, condition: String?) {
        let now = now
        change(name) { pod in
            pod.status.phase = phase
            var container = ContainerStatus()
            container.name = "main"
            var end = ContainerStateTerminated()
            end.exitCode = code
            end.finishedAt = now
            container.state.terminated = end
            pod.status.containerStatuses = [container]
            pod.status.conditions = condition.map { [PodCondition(["type": .string($0), "status": "True"])] } ?? []
        }
        dropEnded()
    }

    /// As the API does: a pod on a node stays until its node lets it go, and one that is held until it is not.
    private mutating func delete(_ pod: Pod) {
        let now = now
        change(pod.metadata.name) { $0.metadata.deletionTimestamp = now }
        dropEnded()
    }

    private mutating func release(_ pod: Pod) {
        change(pod.metadata.name) { $0.metadata.finalizers.removeAll { $0 == JobNames.trackingFinalizer } }
        dropEnded()
    }

    mutating func deletePod(_ name: String) {
        for pod in pods where pod.metadata.name == name { delete(pod) }
    }

    private mutating func dropEnded() {
        pods.removeAll { pod in
            pod.metadata.deletionTimestamp != nil && pod.metadata.finalizers.isEmpty
                && (pod.spec.nodeName.isEmpty || pod.isFinished)
        }
    }

    /// What is new in the status.
    private static func difference(_ old: Job, _ new: Job) -> String {
        let (a, b) = (old.status, new.status)
        var words: [String] = []
        func note<Field: Equatable>(_ name: String, _ before: Field, _ after: Field) {
            if before != after { words.append("\(name)=\(after)") }
        }
        note("active", a.active, b.active)
        note("ready", a.ready ?? 0, b.ready ?? 0)
        note("terminating", a.terminating ?? 0, b.terminating ?? 0)
        note("succeeded", a.succeeded, b.succeeded)
        note("failed", a.failed, b.failed)
        note("completed", a.completedIndexes, b.completedIndexes)
        note("failedIndexes", a.failedIndexes ?? "", b.failedIndexes ?? "")
        let (c, d) = (a.uncountedTerminatedPods, b.uncountedTerminatedPods)
        note("newly", (c?.succeeded ?? []).joined(separator: ","), (d?.succeeded ?? []).joined(separator: ","))
        note("lost", (c?.failed ?? []).joined(separator: ","), (d?.failed ?? []).joined(separator: ","))
        if a.startTime != b.startTime { words.append(b.startTime == nil ? "stopped" : "started") }
        for condition in b.conditions where !a.conditions.contains(condition) {
            words.append("\(condition.status == "True" ? "" : "not-")\(condition.type):\(condition.reason)")
        }
        return words.joined(separator: " ")
    }
}
