import APIMachinery
import Support
import Testing

@testable import Simulation

/// What the simulator finds missing when a cluster shall be at rest.
@Suite struct ConvergenceTests {
    private typealias Step = History.Step

    private func complaints(_ steps: [Step]) -> [String] { History(steps).complaints }

    private func status(_ replicas: Int64, ready: Int64? = nil, seen: Int64 = 1) -> Value {
        let ready = Value.integer(ready ?? replicas)
        return [
            "replicas": .integer(replicas), "readyReplicas": ready, "updatedReplicas": .integer(replicas),
            "availableReplicas": ready, "observedGeneration": .integer(seen),
        ]
    }

    /// A set or deployment `a` that wants one pod.
    private func workload(_ kind: String, _ status: Value, _ spec: Value = [:], metadata: Value = [:]) -> Step {
        var (spec, metadata) = (spec, metadata)
        if spec["replicas"] == nil { spec["replicas"] = 1 }
        metadata["generation"] = 1
        return Step(kind, "ns/a", ["metadata": metadata, "spec": spec, "status": status])
    }

    private func pod(_ name: String, of kind: String, labels: Value = [:], conditions: Value = Step.ready) -> Step {
        var metadata = Step.owner(kind, "a")
        metadata["labels"] = labels
        return .pod(name, on: "n", metadata: metadata, conditions: conditions)
    }

    @Test func `a deployment has the pods that it wants, and says so`() {
        var middle = workload("replicasets", status(1), metadata: Step.owner("Deployment", "a"))
        middle.name = "ns/r"
        var mine = pod("p", of: "ReplicaSet")
        mine.content?["metadata"] = Step.owner("ReplicaSet", "r")
        let rest = [Step.node(), middle, mine]
        #expect(complaints([workload("deployments", status(1))] + rest) == [])
        #expect(complaints([workload("deployments", status(1, seen: 0))] + rest) == ["deployments ns/a: was not looked at"])
        #expect(
            complaints([workload("deployments", status(1, ready: 0))] + rest)
                == ["deployments ns/a: wants 1 replicas, tells [1, 1, 0, 0] (all, updated, ready, available)"])
        #expect(
            complaints([workload("deployments", status(1))]) == ["deployments ns/a: wants 1 replicas and has 0"])
    }

    @Test func `a replica set has the pods that it wants, and says so`() {
        let mine = [Step.node(), pod("p", of: "ReplicaSet")]
        #expect(complaints([workload("replicasets", status(1))] + mine) == [])
        #expect(complaints([workload("replicasets", status(1))]) == ["replicasets ns/a: wants 1 pods and has 0"])
        #expect(
            complaints([workload("replicasets", status(1, ready: 0))] + mine)
                == ["replicasets ns/a: wants 1 pods, tells [1, 0] (all, ready)"])
    }

    @Test func `a stateful set has the pods of its ordinals, of its newest template`() {
        var counts = status(1)
        counts["updateRevision"] = "new"
        let rolling: Value = ["updateStrategy": ["type": "RollingUpdate"]]
        let mine = [Step.node(), pod("a-0", of: "StatefulSet", labels: ["controller-revision-hash": "new"])]
        #expect(complaints([workload("statefulsets", counts, rolling)] + mine) == [])
        #expect(
            complaints([workload("statefulsets", counts, rolling)])
                == [#"statefulsets ns/a: wants the pods ["a-0"] and has []"#])
        var untold = counts
        untold["readyReplicas"] = 0
        #expect(
            complaints([workload("statefulsets", untold, rolling)] + mine)
                == ["statefulsets ns/a: wants 1 pods, tells [1, 0] (all, ready)"])
        counts["updateRevision"] = "newer"
        #expect(
            complaints([workload("statefulsets", counts, rolling)] + mine)
                == ["statefulsets ns/a: has pods of an older template than newer"])
    }

    @Test func `a daemon set is on each node that it is for`() {
        func set(_ wanted: Int64, ready: Int64, updated: Int64 = 1) -> Step {
            workload(
                "daemonsets",
                [
                    "desiredNumberScheduled": .integer(wanted), "numberReady": .integer(ready),
                    "updatedNumberScheduled": .integer(updated),
                ], ["updateStrategy": ["type": "RollingUpdate"]])
        }
        let mine = [Step.node(), pod("p", of: "DaemonSet")]
        #expect(complaints([set(1, ready: 1)] + mine) == [])
        #expect(
            complaints([set(1, ready: 1), .node("m")] + mine) == [#"daemonsets ns/a: belongs on ["m", "n"] and is on ["n"]"#])
        #expect(complaints([set(1, ready: 0)] + mine) == ["daemonsets ns/a: belongs on 1 nodes, tells [1, 0] (wanted, ready)"])
        #expect(
            complaints([set(1, ready: 1, updated: 0)] + mine)
                == ["daemonsets ns/a: has pods of an older template on 1 nodes"])
    }

    @Test func `a pod is placed on a node that is there, and ready`() {
        #expect(complaints([.node(), .pod("p", on: "n", conditions: Step.ready)]) == [])
        #expect(complaints([.pod("p", phase: "Pending")]) == ["pods ns/p: was not placed"])
        #expect(complaints([.pod("p", on: "n", conditions: Step.ready)]) == ["pods ns/p: is on n, which is gone"])
        #expect(complaints([.node(), .pod("p", on: "n")]) == ["pods ns/p: is not ready"])
        #expect(complaints([.node(), .pod("p", on: "n", ["restartPolicy": "Never"])]) == [])
    }

    @Test func `a job ends, and has no pods then`() {
        func job(_ status: Value, _ spec: Value = [:]) -> Step { Step("jobs", "ns/j", ["spec": spec, "status": status]) }
        let complete: Value = [["type": "Complete", "status": "True"]]
        #expect(complaints([job(["conditions": complete])]) == [])
        #expect(complaints([job(["conditions": complete, "active": 1])]) == ["jobs ns/j: is over and tells 1 active pods"])
        #expect(complaints([job([:])]).first?.hasPrefix("jobs ns/j: has not ended: ") == true)
        #expect(complaints([job([:], ["suspend": true])]) == [])
    }

    @Test func `a service lists the ready pods that it selects`() {
        let service = Step("services", "ns/s", ["spec": ["selector": ["app": "a"]]])
        func slice(_ addresses: String...) -> Step {
            let endpoints = addresses.map { ["addresses": [.string($0)], "conditions": ["ready": true]] as Value }
            let content: Value = [
                "metadata": ["labels": ["kubernetes.io/service-name": "s"]], "endpoints": .array(endpoints),
            ]
            return Step("endpointslices", "ns/s-1", content)
        }
        let mine = Step.pod("p", on: "n", metadata: ["labels": ["app": "a"]], conditions: Step.ready)
        #expect(complaints([.node(), service, mine, slice("10.0.0.1")]) == [])
        #expect(
            complaints([.node(), service, mine, slice()])
                == [#"services ns/s: has the ready pods ["10.0.0.1"], lists []"#])
        #expect(
            complaints([.node(), service, slice("10.0.0.1")])
                == [#"services ns/s: has the ready pods [], lists ["10.0.0.1"]"#])
    }

    @Test func `nothing is ending for ever, and nothing outlives its owners`() {
        #expect(
            complaints([Step("secrets", "ns/s", ["metadata": ["deletionTimestamp": "2030-01-01T00:00:00Z"]])])
                == ["secrets ns/s: is still ending"])
        let owned = Step("secrets", "ns/s", ["metadata": Step.owner("ConfigMap", "c")])
        #expect(complaints([owned]) == ["secrets ns/s: its owners are gone, among them uid-c"])
        #expect(complaints([owned, Step("configmaps", "ns/c", [:])]) == [])
    }

    @Test(arguments: [
        (1, 100, nil), (2, 220, nil), (2, 180, nil), (1, 50, nil), (3, 900, nil),
        (1, 240, "has 1 replicas at 240m of 100m, and may have 3"),
        (3, 100, "has 3 replicas at 33m of 100m, and needs 1"), (2, 0, "has 2 replicas at 0m of 100m, and needs 1"),
        (4, 400, "may have 1 to 3 replicas, and has 4"), (0, 400, nil),
    ] as [(Int64, Int, String?)])
    func `an autoscaler comes to rest where the work is done`(replicas: Int64, load: Int, told: String?) {
        let scaler = Step(
            "horizontalpodautoscalers", "ns/a",
            ["spec": ["minReplicas": 1, "maxReplicas": 3, "scaleTargetRef": ["kind": "Deployment", "name": "a"]]])
        let annotations: Value = .object(Fields([(SimulatedMetrics.load, .string(String(load)))]))
        let target = Step(
            "deployments", "ns/a", ["metadata": ["annotations": annotations], "spec": ["replicas": .integer(replicas)]])
        let pods = (0..<replicas).map { number in
            Step.pod("p\(number)", on: "n", metadata: ["labels": ["app": "a"]], conditions: Step.ready)
        }
        let mine = complaints([.node(), scaler, target] + pods).filter { $0.hasPrefix("horizontal") }
        #expect(mine == told.map { ["horizontalpodautoscalers ns/a: " + $0] } ?? [])
    }
}
