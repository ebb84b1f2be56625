import API
import APIMachinery
import Support
import Testing

@testable import Controllers

/// Jobs whose pods each have a number, and what jobs say about failure and success.
@Suite struct IndexedJobTests {
    @Test func `each index gets a pod, and is done once`() {
        check(
            """
            job completionMode=Indexed completions=4 parallelism=2
            settle
            ----
            create p1:0 p2:1
            report active=2 started

            succeed p2
            settle
            ----
            create p3:2
            report succeeded=1 completed=1
            release p2

            # The failed index comes again, the others go on.
            succeed p3
            wait 1
            fail p1
            settle
            wait 10
            settle
            ----
            report active=0 succeeded=2 completed=1,2 lost=p1
            release p1 p3
            report failed=1 lost=
            create p4:0 p5:3
            report active=2

            succeed p4
            succeed p5
            settle
            ----
            report active=0 succeeded=4 completed=0-3 SuccessCriteriaMet:CompletionsReached
            release p4 p5
            report Complete:CompletionsReached
            event Completed
            """)
    }

    @Test func `a job grows and shrinks with its parallelism`() {
        check(
            """
            job completionMode=Indexed completions=3 parallelism=3
            settle
            succeed p3
            settle
            ----
            create p1:0 p2:1 p3:2
            report active=3 started
            report active=2 succeeded=1 completed=2
            release p3

            job completions=1 parallelism=1
            settle
            ----
            spare p2
            report active=1 succeeded=0 completed=

            job completions=2 parallelism=2
            settle
            ----
            create p4:1
            report active=2
            """)
    }

    @Test func `of two pods with one index one goes`() {
        var world = JobWorld()
        _ = world.take(["job", "completionMode=Indexed", "completions=2", "parallelism=2"])
        #expect(world.settle() == ["create p1:0 p2:1", "report active=2 started"])
        for (name, phase) in [("twin", "Pending"), ("stray", "Pending")] {
            var pod = world.pods[0]
            pod.metadata.name = name
            pod.metadata.uid = name
            pod.status.phase = phase
            if name == "stray" { pod.metadata.annotations = [:] }
            world.pods.append(pod)
        }
        _ = world.take(["run", "p1"])
        #expect(world.settle() == ["spare stray twin", "report ready=1"])
    }

    @Test func `failures are counted by index, from pod to pod`() {
        check(
            """
            job completionMode=Indexed completions=2 parallelism=2 backoffLimitPerIndex=1 backoffLimit=1000
            settle
            ----
            create p1:0(0) p2:1(0)
            report active=2 started

            # It stays until the next one knows that it failed; the other index has its own time.
            fail p1
            settle
            next
            ----
            report active=1
            10s

            succeed p2
            settle
            wait 10
            settle
            ----
            report active=0 succeeded=1 completed=1
            release p2
            create p3:0(1)
            report active=1 lost=p1
            release p1
            report failed=1 lost=

            fail p3
            settle
            ----
            report active=0 failedIndexes=0 lost=p3 FailureTarget:FailedIndexes
            release p3
            report failed=2 lost= Failed:FailedIndexes
            event FailedIndexes
            """)
    }

    @Test func `too many failed indexes end the job`() {
        check(
            """
            job completionMode=Indexed completions=4 parallelism=2 backoffLimitPerIndex=0 maxFailedIndexes=1 backoffLimit=1000
            settle
            fail p1
            settle
            ----
            create p1:0(0) p2:1(0)
            report active=2 started
            create p3:2(0)
            report failedIndexes=0 lost=p1
            release p1
            report failed=1 lost=

            fail p2
            settle
            ----
            report active=1 failedIndexes=0,1 lost=p2 FailureTarget:MaxFailedIndexesExceeded
            end p3
            report active=0 terminating=1 lost=p2,p3
            release p2 p3
            report terminating=0 failed=3 lost= Failed:MaxFailedIndexesExceeded
            event MaxFailedIndexesExceeded
            """)
    }

    @Test func `a policy says which failures count`() {
        check(
            """
            job completions=2 parallelism=1 backoffLimit=0 rule=Ignore:DisruptionTarget
            settle
            fail p1 condition=DisruptionTarget
            settle
            wait 10
            settle
            ----
            create p1
            report active=1 started
            report active=0
            release p1
            create p2
            report active=1

            fail p2
            settle
            ----
            report active=0 lost=p2 FailureTarget:BackoffLimitExceeded
            release p2
            report failed=1 lost= Failed:BackoffLimitExceeded
            event BackoffLimitExceeded
            """)
        check(
            """
            job completions=2 parallelism=2 backoffLimit=6 rule=FailJob:In:3,4
            settle
            fail p1 code=4
            settle
            ----
            create p1 p2
            report active=2 started
            report active=1 lost=p1 FailureTarget:PodFailurePolicy
            end p2
            report active=0 terminating=1 lost=p1,p2
            release p1 p2
            report terminating=0 failed=2 lost= Failed:PodFailurePolicy
            event PodFailurePolicy
            """)
        check(
            """
            job completionMode=Indexed completions=2 parallelism=2 backoffLimitPerIndex=5 backoffLimit=1000 rule=FailIndex:NotIn:1
            settle
            fail p1 code=7
            succeed p2
            settle
            ----
            create p1:0(0) p2:1(0)
            report active=2 started
            report active=0 succeeded=1 completed=1 failedIndexes=0 lost=p1 FailureTarget:FailedIndexes
            release p1 p2
            report failed=1 lost= Failed:FailedIndexes
            event FailedIndexes
            """)
    }

    @Test func `some indexes may be enough`() {
        let ended = """
            report active=1 succeeded=1 completed=0 SuccessCriteriaMet:SuccessPolicy
            end p2
            report active=0 terminating=1 lost=p2
            release p1 p2
            report terminating=0 failed=1 lost= Complete:SuccessPolicy
            event Completed
            """
        for policy in ["0", "/1", "0-1/1"] {
            check(
                """
                job completionMode=Indexed completions=2 parallelism=2 success=1/1
                job success=\(policy)
                settle
                succeed p1
                settle
                ----
                create p1:0 p2:1
                report active=2 started
                \(ended)
                """)
        }
    }

    @Test func `the words of a failed job name the pod and the rule`() {
        var world = JobWorld()
        _ = world.take(["job", "rule=Ignore:DisruptionTarget"])
        _ = world.take(["job", "rule=FailJob:In:42"])
        _ = world.settle()
        _ = world.take(["fail", "p1", "code=42"])
        _ = world.settle()
        #expect(
            world.job.ending?.message
                == "Container main for pod default/p1 failed with exit code 42 matching FailJob rule at index 1")
        #expect(world.job.status.conditions.map(\.type) == ["FailureTarget", "Failed"])
    }

    @Test func `a pod knows its index by name, annotation, label and variable`() {
        var world = JobWorld()
        world.job.metadata.name = String(repeating: "n", count: 60)
        _ = world.take(["job", "completionMode=Indexed", "completions=1000", "backoffLimitPerIndex=1"])
        let pod = world.decision.pod(JobDecision.NewPod(index: 123))
        #expect(pod.metadata.generateName == String(repeating: "n", count: 53) + "-123-")
        #expect(pod.metadata.annotations[JobNames.completionIndex] == "123")
        #expect(pod.metadata.annotations[JobNames.indexFailures] == "0")
        #expect(pod.metadata.labels[JobNames.completionIndex] == "123")
        #expect(pod.spec.hostname == world.job.metadata.name + "-123")
        #expect(pod.metadata.finalizers == [JobNames.trackingFinalizer])
        let variable = pod.spec.containers.first?.env.first
        #expect(variable?.name == "JOB_COMPLETION_INDEX")
        #expect(
            variable?.valueFrom?.fieldRef?.fieldPath == "metadata.labels['batch.kubernetes.io/job-completion-index']")
    }

    @Test(arguments: [
        ("", 10, ""), ("1,3-5,7", 10, "1,3-5,7"), ("0,1", 10, "0,1"), ("0-1,2", 10, "0-2"), ("1,3-5,7", 5, "1,3,4"),
        ("nonsense,4,9-", 10, "4,9"),
    ])
    func `indexes are read and written as runs`(text: String, limit: Int, expected: String) {
        #expect(IndexSet(text, below: limit).description == expected)
    }

    @Test func `runs of indexes are sets`() {
        let set = IndexSet([7, 1, 2, 3, 9])
        #expect(set.count == 5)
        #expect((0..<11).filter(set.contains) == [1, 2, 3, 7, 9])
        #expect(set.missing(4, below: 20) == [0, 4, 5, 6])
        #expect(set.missing(100, below: 10) == [0, 4, 5, 6, 8])
        #expect(IndexSet().missing(2, below: 1) == [0])
        #expect(IndexSet("0-99", below: 100).missing(5, below: 100).isEmpty)
        #expect(set.count(in: IndexSet("0-2,8-9", below: 10)) == 3)
        #expect(set.union(IndexSet([8, 0])).description == "0-3,7-9")
    }

    private func check(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        var world = JobWorld()
        Conversation(text).check(sourceLocation: sourceLocation) { world.take($0) }
    }
}
