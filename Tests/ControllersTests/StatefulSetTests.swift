import API
import APIMachinery
import Support
import Testing

@testable import Controllers

@Suite struct StatefulSetTests {
    @Test func `ordered pods come one after the other, and go the other way`() {
        hold(
            """
            set replicas=2
            step
            step
            ----
            create web-0 v1

            # Running is not enough.
            phase web-0 Running
            step
            ----

            ready
            step
            ----
            create web-1 v1

            ready
            step
            status
            ----
            replicas 2 ready 2 available 2
            current 2 updated 2 done

            scale 0
            step
            step
            ----
            delete web-1

            gone
            step
            gone
            step
            status
            ----
            delete web-0
            replicas 0 ready 0 available 0
            current 0 updated 0 done
            """)
    }

    @Test func `scaling halts at a pod that is not well, both ways`() {
        hold(
            """
            set replicas=2
            settle
            ----
            create web-0 v1
            create web-1 v1

            unready web-0
            scale 3
            step
            ----

            scale 1
            step
            ----

            ready
            step
            ----
            delete web-1

            # Of those that are to go the first that is not well does not hold up itself, nor others it.
            set replicas=3
            settle
            unready web-2
            scale 2
            step
            ----
            create web-0 v1
            create web-1 v1
            create web-2 v1
            delete web-2

            set replicas=3
            settle
            unready web-1
            unready web-2
            scale 1
            step
            ----
            create web-0 v1
            create web-1 v1
            create web-2 v1
            """)
    }

    @Test func `parallel pods come and go at once, well or not`() {
        hold(
            """
            set replicas=3 policy=Parallel
            step
            ----
            create web-0 v1
            create web-1 v1
            create web-2 v1

            ready web-1
            scale 1
            step
            ----
            delete web-2
            delete web-1
            """)
    }

    @Test func `a rolling update goes from the last pod to the first, as far as the partition`() {
        hold(
            """
            set replicas=3
            settle
            ----
            create web-0 v1
            create web-1 v1
            create web-2 v1

            partition 2
            image v2
            settle
            status
            ----
            delete web-2
            create web-2 v2
            replicas 3 ready 3 available 3
            current 2 updated 1 rolling

            # What is before the partition comes back as it was.
            delete web-0
            gone
            step
            ----
            create web-0 v1

            ready
            partition 0
            step
            ----
            delete web-1

            gone
            step
            step
            ----
            create web-1 v2

            ready
            settle
            status
            ----
            delete web-0
            create web-0 v2
            replicas 3 ready 3 available 3
            current 3 updated 3 done
            """)
    }

    @Test func `a template that was there before is a revision of old with a new number`() throws {
        var world = StatefulWorld()
        for command in ["set replicas=1", "settle", "image v2", "settle", "image v1"] {
            _ = world.answer(command.split(separator: " ").map(String.init))
        }
        #expect(world.revisions.map(\.revision) == [2, 3])
        let template = try #require(world.revisions.last.flatMap { RevisionData.template(in: $0) })
        #expect(template == world.set.spec.template)
        #expect(world.answer(["settle"]) == ["delete web-0", "create web-0 v1"])
        #expect(world.set.status.currentRevision == world.revisions.last?.metadata.name)
    }

    @Test func `an update waits for whoever deletes the pods`() {
        hold(
            """
            set replicas=2 strategy=OnDelete
            settle
            image v2
            settle
            ----
            create web-0 v1
            create web-1 v1

            delete web-0
            gone
            step
            status
            ----
            create web-0 v2
            replicas 2 ready 1 available 1
            current 1 updated 1 rolling
            """)
    }

    @Test func `a pod of an earlier template that never gets well is replaced in its turn`() {
        hold(
            """
            set replicas=2 policy=Parallel
            step
            ready web-1
            image v2
            step
            ----
            create web-0 v1
            create web-1 v1
            delete web-1

            gone
            step
            ready web-1
            step
            ----
            create web-1 v2
            delete web-0
            """)
    }

    @Test func `several may be missing where that is allowed`() {
        hold(
            """
            set replicas=4 unavailable=2 policy=Parallel
            settle
            image v2
            step
            step
            ----
            create web-0 v1
            create web-1 v1
            create web-2 v1
            create web-3 v1
            delete web-3
            delete web-2

            gone
            step
            ready web-3
            step
            ----
            create web-2 v2
            create web-3 v2
            delete web-1
            """)
    }

    @Test func `a pod that is over is replaced, but not too often`() {
        hold(
            """
            set replicas=1
            settle
            phase web-0 Failed
            step
            step
            gone
            step
            ----
            create web-0 v1
            delete web-0
            create web-0 v1

            phase web-0 Succeeded
            pause 0
            step
            deadline
            ----
            10 s
            """)
    }

    @Test func `pods are numbered from the start, and those before it go`() {
        hold(
            """
            set replicas=2
            settle
            ----
            create web-0 v1
            create web-1 v1
            """)
        var world = StatefulWorld()
        for command in ["set replicas=2", "settle"] { _ = world.answer(command.split(separator: " ").map(String.init)) }
        world.set.spec.ordinals = StatefulSetOrdinals(["start": 1])
        #expect(world.answer(["settle"]) == ["create web-2 v1", "delete web-0"])
    }

    @Test func `a pod is available after it was ready for long enough`() {
        hold(
            """
            set replicas=2 minReady=10
            step
            ready
            step
            status
            deadline
            ----
            create web-0 v1
            replicas 1 ready 1 available 0
            current 1 updated 1 done
            10 s

            after 10
            step
            ----
            create web-1 v1
            """)
    }

    @Test func `claims come before their pod, and follow the policy`() {
        hold(
            """
            set replicas=2 claim=data
            settle
            ----
            claim data-web-0
            create web-0 v1
            claim data-web-1
            create web-1 v1

            set replicas=2 claim=data whenDeleted=Delete
            settle
            ----
            claim data-web-0 StatefulSet
            create web-0 v1
            claim data-web-1 StatefulSet
            create web-1 v1

            set replicas=2 claim=data whenScaled=Delete
            settle
            scale 1
            step
            ----
            claim data-web-0
            create web-0 v1
            claim data-web-1
            create web-1 v1
            owner data-web-1 Pod
            delete web-1

            # The claim goes with the pod before: the next one waits for a claim of its own.
            gone
            scale 2
            step
            ----

            set replicas=1 claim=data
            settle
            stale data-web-0
            delete web-0
            gone
            step
            ----
            claim data-web-0
            create web-0 v1
            wait FailedCreate create Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted
            """)
    }

    @Test func `a claim with another controller is left to it`() {
        var set = StatefulSet(namespace: "default", name: "web")
        set.metadata.uid = "s"
        set.spec.persistentVolumeClaimRetentionPolicy = StatefulSetPersistentVolumeClaimRetentionPolicy([
            "whenDeleted": "Delete", "whenScaled": "Delete",
        ])
        let retention = ClaimRetention(set: set, ordinal: 0, pod: nil)
        func owners(_ references: [Value]) -> [String] {
            let claim = PersistentVolumeClaim(["metadata": ["ownerReferences": .array(references)]])
            return retention.owners(of: claim).map(\.uid)
        }
        #expect(owners([]) == ["s"])
        #expect(owners([["uid": "x", "kind": "Thing", "name": "x"]]) == ["x", "s"])
        #expect(owners([["uid": "x", "kind": "Thing", "name": "x", "controller": true]]) == ["x"])
        #expect(
            owners([["uid": "before", "kind": "StatefulSet", "name": "web", "apiVersion": "apps/v1"]]) == ["before"],
            "the garbage collector decides on what a set of the same name left behind")
    }

    @Test(arguments: [
        ("web-0", 0), ("web-12", 12), ("web-01", nil), ("web-", nil), ("web-+1", nil), ("web--1", nil), ("other-1", nil),
        ("web-9999999999", nil), ("web", nil),
    ])
    func `a number is read from a name only as the set would write it`(name: String, ordinal: Int?) {
        #expect(StatefulSet(namespace: "default", name: "web").ordinal(of: name) == ordinal)
    }

    @Test func `a pod has its names, its volumes and its revision`() {
        var world = StatefulWorld()
        for command in ["set replicas=1 claim=data", "step"] {
            _ = world.answer(command.split(separator: " ").map(String.init))
        }
        let pod = world.pods["web-0"] ?? Pod(name: "none")
        #expect(
            pod.metadata.labels == [
                "app": "web", "statefulset.kubernetes.io/pod-name": "web-0", "apps.kubernetes.io/pod-index": "0",
                "controller-revision-hash": world.revisions[0].metadata.name,
            ])
        #expect(pod.spec.hostname == "web-0")
        #expect(pod.spec.subdomain == "peers")
        #expect(pod.spec.volumes.first?.persistentVolumeClaim?.claimName == "data-web-0")
        #expect(world.claims["data-web-0"]?.metadata.labels == ["app": "web"])
    }

    @Test(arguments: [Int(Int32.max), -1]) func `any number of replicas is borne`(replicas: Int) {
        var world = StatefulWorld()
        _ = world.answer(["set", "policy=Parallel", "start=2147483647"])
        world.set.spec.replicas = replicas
        #expect(world.decision.steps.count == (replicas > 0 ? StatefulSetDecision.burst : 0))
        #expect(world.decision.rollout.isEmpty)
    }

    private func hold(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        var world = StatefulWorld()
        Conversation(text).check(sourceLocation: sourceLocation) { world.answer($0) }
    }
}
