import API
import APIMachinery
import Support
import Testing

@testable import Controllers

/// What jobs do, told as conversations. Commands: `job`, `settle`, `wait`, and what becomes of pods: `run`, `succeed`,
/// `fail`, `delete`.
@Suite struct JobDecisionTests {
    @Test func `a job runs its pods, counts each end once, and is complete when all is counted`() {
        check(
            """
            job completions=3 parallelism=2
            settle
            ----
            create p1 p2
            report active=2 started

            # The next one comes before the first is counted; its uid is told, then the finalizer goes, then it is a number.
            run p1
            run p2
            succeed p1
            settle
            ----
            create p3
            report ready=1 newly=p1
            release p1
            report succeeded=1 newly=

            succeed p2
            succeed p3
            settle
            ----
            report active=0 ready=0 newly=p2,p3 SuccessCriteriaMet:CompletionsReached
            release p2 p3
            report succeeded=3 newly= Complete:CompletionsReached
            event Completed

            settle
            ----
            """)
    }

    @Test func `without a number of completions, the first success ends the job in its own time`() {
        check(
            """
            job completions=none parallelism=2
            settle
            ----
            create p1 p2
            report active=2 started

            succeed p1
            settle
            ----
            report active=1 newly=p1
            release p1
            report succeeded=1 newly=

            fail p2
            settle
            ----
            report active=0 lost=p2 SuccessCriteriaMet:CompletionsReached
            release p2
            report failed=1 lost= Complete:CompletionsReached
            event Completed
            """)
    }

    @Test func `failures are retried ever later, and too many of them end the job`() {
        check(
            """
            job parallelism=1 backoffLimit=2
            settle
            ----
            create p1
            report active=1 started

            fail p1
            settle
            next
            ----
            report active=0 lost=p1
            release p1
            report failed=1 lost=
            10s

            wait 10
            settle
            ----
            create p2
            report active=1

            fail p2
            settle
            next
            ----
            report active=0 lost=p2
            release p2
            report failed=2 lost=
            20s

            wait 20
            settle
            fail p3
            settle
            ----
            create p3
            report active=1
            report active=0 lost=p3 FailureTarget:BackoffLimitExceeded
            release p3
            report failed=3 lost= Failed:BackoffLimitExceeded
            event BackoffLimitExceeded
            """)
    }

    @Test func `a failure ends the pods that still run, and the job fails when they are gone`() {
        check(
            """
            job completions=4 parallelism=3 backoffLimit=0
            settle
            run p1
            run p2
            fail p3
            settle
            ----
            create p1 p2 p3
            report active=3 started
            report active=2 ready=2 lost=p3 FailureTarget:BackoffLimitExceeded
            end p1 p2
            report active=0 ready=0 terminating=2 lost=p3,p1,p2
            release p1 p2 p3
            report failed=3 lost=

            fail p1
            settle
            ----
            report terminating=1

            # It did its work after all, but was counted already.
            succeed p2
            settle
            ----
            report terminating=0 Failed:BackoffLimitExceeded
            event BackoffLimitExceeded
            """)
    }

    @Test func `a job that is active for too long fails, and the time begins anew when it goes on`() {
        check(
            """
            job parallelism=1 activeDeadlineSeconds=30
            settle
            next
            ----
            create p1
            report active=1 started
            30s

            wait 20
            job suspend=true
            settle
            next
            ----
            spare p1
            report active=0 stopped Suspended:JobSuspended
            event Suspended
            never

            wait 100
            settle
            job suspend=false
            settle
            next
            ----
            create p2
            report active=1 started not-Suspended:JobResumed
            event Resumed
            30s

            wait 30
            settle
            ----
            report FailureTarget:DeadlineExceeded
            end p2
            report active=0 terminating=1 lost=p2
            release p2
            report terminating=0 failed=1 lost= Failed:DeadlineExceeded
            event DeadlineExceeded
            """)
    }

    @Test func `a job that begins suspended has no pods and no start`() {
        check(
            """
            job suspend=true completions=2 parallelism=2
            settle
            ----
            report Suspended:JobSuspended
            event Suspended

            job suspend=false
            settle
            ----
            create p1 p2
            report active=2 started not-Suspended:JobResumed
            event Resumed
            """)
    }

    @Test func `containers started again where they are count when the job wants that`() {
        check(
            """
            job parallelism=1 backoffLimit=2 restart=OnFailure
            settle
            run p1
            restarts p1 1
            settle
            restarts p1 2
            settle
            ----
            create p1
            report active=1 started
            report ready=1
            report FailureTarget:BackoffLimitExceeded
            end p1
            report active=0 ready=0 terminating=1 lost=p1
            release p1
            report failed=1 lost=
            """)
    }

    @Test func `a deleted pod has failed, or has when it ends, as the job says`() {
        check(
            """
            job parallelism=1
            settle
            run p1
            delete p1
            settle
            ----
            create p1
            report active=1 started
            report active=0 terminating=1 lost=p1
            release p1
            create p2
            report active=1 failed=1 lost=
            """)
        check(
            """
            job parallelism=1 podReplacementPolicy=Failed
            settle
            run p1
            delete p1
            settle
            wait 60
            settle
            ----
            create p1
            report active=1 started
            report active=0 terminating=1

            fail p1
            settle
            ----
            report terminating=0 lost=p1
            release p1
            create p2
            report active=1 failed=1 lost=
            """)
    }

    @Test func `fewer pods are wanted: those that go are not counted`() {
        check(
            """
            job completions=5 parallelism=3
            settle
            run p1
            run p2
            job parallelism=1
            settle
            ----
            create p1 p2 p3
            report active=3 started
            spare p3 p1
            report active=1 ready=1 terminating=1

            fail p1
            settle
            ----
            report terminating=0
            """)
    }

    @Test func `the pods of a job that is being deleted are counted and let go`() {
        check(
            """
            job completions=3 parallelism=2
            settle
            succeed p1
            deleting
            settle
            ----
            create p1 p2
            report active=2 started
            report active=1 newly=p1
            release p1 p2
            report succeeded=1 newly=
            """)
    }

    private func check(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        var world = JobWorld()
        Conversation(text).check(sourceLocation: sourceLocation) { world.take($0) }
    }
}

extension JobWorld {
    /// Carries a command of a conversation out.
    mutating func take(_ command: [String]) -> [String] {
        let options = options(command)
        switch command[0] {
        case "job": configure(options)
        case "settle": return settle()
        case "next":
            return [decision.nextDeadline.map { "\($0.components.seconds)s" } ?? "never"]
        case "wait": now = now + .seconds(Int(command[1]) ?? 0)
        case "run":
            change(command[1]) { pod in
                pod.status.phase = "Running"
                pod.spec.nodeName = "n"
                pod.status.conditions = [PodCondition(["type": "Ready", "status": "True"])]
            }
        case "restarts":
            change(command[1]) { pod in
                pod.status.containerStatuses = [ContainerStatus(["restartCount": .integer(Int64(command[2]) ?? 0)])]
            }
        case "succeed": finish(command[1], "Succeeded", code: 0, condition: nil)
        case "fail":
            finish(command[1], "Failed", code: options["code"].flatMap { Int($0) } ?? 1, condition: options["condition"])
        case "delete": deletePod(command[1])
        case "deleting": job.metadata.deletionTimestamp = now
        default: return ["no such command: \(command[0])"]
        }
        return []
    }

    private mutating func configure(_ options: [String: String]) {
        for (key, text) in options {
            switch key {
            case "restart": job.spec.template.spec.restartPolicy = text
            case "suspend": job.spec.suspend = text == "true"
            case "rule": addRule(text.split(separator: ":").map(String.init))
            case "success":
                let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
                var rule = SuccessPolicyRule()
                if !parts[0].isEmpty { rule.succeededIndexes = parts[0] }
                if parts.count > 1 { rule.succeededCount = Int(parts[1]) }
                var policy = job.spec.successPolicy ?? SuccessPolicy()
                policy.rules.append(rule)
                job.spec.successPolicy = policy
            default: job.spec.value[key] = Int64(text).map { .integer($0) } ?? (text == "none" ? nil : .string(text))
            }
        }
    }

    /// `Ignore:DisruptionTarget`, `FailJob:In:3,4`.
    private mutating func addRule(_ parts: [String]) {
        var rule: Value = ["action": .string(parts[0])]
        if parts.count == 2 {
            rule["onPodConditions"] = [["type": .string(parts[1]), "status": "True"]]
        } else {
            let codes = parts[2].split(separator: ",").compactMap { Int64($0) }.map { Value.integer($0) }
            rule["onExitCodes"] = ["operator": .string(parts[1]), "values": .array(codes)]
        }
        var policy = job.spec.podFailurePolicy ?? PodFailurePolicy()
        policy.rules.append(PodFailurePolicyRule(rule))
        job.spec.podFailurePolicy = policy
        job.spec.podReplacementPolicy = "Failed"
    }
}
