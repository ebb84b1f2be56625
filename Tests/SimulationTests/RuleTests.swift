import API
import APIMachinery
import Support
import Testing

@testable import Simulation

/// Each rule of the simulator sees what it is there for, and is silent about what may be: what is told of each history.
@Suite struct RuleTests {
    private typealias Step = History.Step

    private func check(_ steps: [Step], _ told: [String], sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(History(steps).violations == told, sourceLocation: sourceLocation)
    }

    // MARK: Placement

    private static let noSchedule: Value = ["taints": [["key": "k", "effect": "NoSchedule"]]]

    @Test func `a pod is bound once, to a node that is there`() {
        check([.node("m"), .node("n"), .pod("a"), .pod("a", on: "n"), .pod("a", on: "n", phase: "Failed")], [])
        check([.node("m"), .node("n"), .pod("a", on: "m"), .pod("a", on: "n")], ["pods ns/a: moved from m to n"])
        // Another pod of the name.
        check([.node("m"), .node("n"), .pod("a", on: "m"), .pod("a", on: "n", metadata: ["uid": "other"])], [])
        check([.pod("a", on: "n")], ["pods ns/a: bound to n, which is not there"])
        check([.node(), .gone("nodes", "n"), .pod("a", on: "n", after: .seconds(15))], [])
        check(
            [.node(), .gone("nodes", "n"), .pod("a", on: "n", after: .seconds(16))],
            ["pods ns/a: bound to n, which is not there"])
    }

    @Test func `a node has room for its pods`() {
        let (half, rest): (Value, Value) = (["cpu": "1", "memory": "512Mi"], ["cpu": "1001m"])
        check([.node(), .pod("a", on: "n", requests: half), .pod("b", on: "n", requests: half)], [])
        check(
            [.node(), .pod("a", on: "n", requests: half), .pod("b", on: "n", requests: rest)],
            ["pods ns/b: bound to n, of whose 2000m CPU 2001m are asked for"])
        check(
            [.node(), .pod("a", on: "n", requests: half), .pod("b", on: "n", requests: ["memory": "513Mi"])],
            ["pods ns/b: bound to n, of whose 1073741824 bytes 1074790400 are asked for"])
        check(
            [.node(), .pod("a", on: "n", phase: "Succeeded", requests: rest), .pod("b", on: "n", requests: rest)], [])
        check(
            [.node()] + ["a", "b", "c", "d"].map { .pod($0, on: "n") },
            ["pods ns/d: bound to n, which takes no more than 3 pods"])
    }

    @Test func `a pod is where it may be`() {
        let selector: Value = ["nodeSelector": ["disk": "ssd"]]
        check([.node(labels: ["disk": "ssd"]), .pod("a", on: "n", selector)], [])
        check([.node(), .pod("a", on: "n", selector)], ["pods ns/a: bound to n, which lacks disk=ssd"])
        check([.node("n", Self.noSchedule), .pod("a", on: "n", after: .seconds(15))], [])
        let late = Step.pod("a", on: "n", after: .seconds(16))
        check([.node("n", Self.noSchedule), late], ["pods ns/a: bound to n, which has had the taint k for 16.000 s"])
        check(
            [.node("n", ["unschedulable": true]), late],
            ["pods ns/a: bound to n, which has had the taint node.kubernetes.io/unschedulable for 16.000 s"])
        let tolerant: Value = ["tolerations": [["key": "k", "operator": "Exists"]]]
        check([.node("n", Self.noSchedule), .pod("a", on: "n", tolerant, after: .seconds(16))], [])
    }

    // MARK: Quotas and generations

    @Test func `a namespace holds no more pods than its quota allows`() {
        let spec: Value = ["hard": ["pods": "1"]]
        let quota = Step("resourcequotas", "ns/q", ["spec": spec, "status": spec])
        check([quota, .pod("a"), .pod("a")], [])
        check([quota, .pod("a"), .pod("b")], ["pods ns/b: created as pod 2 of a namespace that may hold 1"])
        check([Step("resourcequotas", "other/q", ["spec": spec, "status": spec]), .pod("a"), .pod("b")], [])
        // Not counted yet.
        check([Step("resourcequotas", "ns/q", ["spec": spec]), .pod("a"), .pod("b")], [])
        check([quota, .pod("a", metadata: ["deletionTimestamp": "2030-01-01T00:00:00Z"]), .pod("b")], [])
        check([quota, .pod("a", phase: "Failed"), .pod("b")], [])
    }

    @Test(arguments: ["deployments", "replicasets", "statefulsets", "daemonsets"])
    func `what was seen is there, and stays seen`(kind: String) {
        func set(_ generation: Int64, seen: Int64, uid: String = "u") -> Step {
            let metadata: Value = ["generation": .integer(generation), "uid": .string(uid)]
            return Step(kind, "ns/a", ["metadata": metadata, "status": ["observedGeneration": .integer(seen)]])
        }
        check([set(1, seen: 0), set(2, seen: 1), set(2, seen: 2)], [])
        check([set(1, seen: 2)], ["\(kind) ns/a: generation 2 was seen before it was there"])
        check([set(3, seen: 2), set(3, seen: 1)], ["\(kind) ns/a: generation 2 had been seen, now 1"])
        check([set(3, seen: 2), set(3, seen: 1, uid: "other")], [])
    }

    // MARK: Jobs and budgets

    @Test func `a job counts each pod once, and all that are asked for`() {
        func job(_ succeeded: Int64, isComplete: Bool = false) -> Step {
            var status: Value = ["succeeded": .integer(succeeded)]
            if isComplete { status["conditions"] = [["type": "Complete", "status": "True"]] }
            return Step("jobs", "ns/j", ["spec": ["completions": 2], "status": status])
        }
        func pod(_ name: String) -> Step { .pod(name, phase: "Succeeded", metadata: Step.owner("Job", "j")) }
        check([job(0), pod("a"), job(1), pod("b"), pod("b"), job(2, isComplete: true)], [])
        check([pod("a"), job(2)], ["jobs ns/j: counts 2 pods that succeeded, of which 1 were seen"])
        check([pod("a"), pod("b"), job(2), job(1)], ["jobs ns/j: counted 2 pods that succeeded, and now 1"])
        check([pod("a"), job(1, isComplete: true)], ["jobs ns/j: is complete with 1 of 2 pods"])
    }

    @Test func `a budget gives what it has, and is asked`() {
        func budget(_ allowed: Int64, _ taken: String...) -> Step {
            let disrupted = Fields(taken.map { ($0, .string("2030-01-01T00:00:00Z")) })
            return Step(
                "poddisruptionbudgets", "ns/b",
                [
                    "metadata": ["creationTimestamp": "2020-01-01T00:00:00Z"],
                    "spec": ["selector": ["matchLabels": ["app": "a"]]],
                    "status": ["disruptionsAllowed": .integer(allowed), "disruptedPods": .object(disrupted)],
                ])
        }
        func pod(isEvicted: Bool, isReady: Bool = true) -> Step {
            var conditions = isReady ? Step.ready.array ?? [] : []
            var metadata: Value = ["labels": ["app": "a"]]
            if isEvicted {
                conditions.append(["type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"])
                metadata["deletionTimestamp"] = "2030-01-01T00:00:00Z"
            }
            return .pod("p", metadata: metadata, conditions: .array(conditions))
        }
        check([budget(1), pod(isEvicted: false), budget(0, "p"), pod(isEvicted: true)], [])
        check([budget(-1)], ["poddisruptionbudgets ns/b: allows -1 disruptions"])
        check(
            [budget(1), budget(1, "p")],
            ["poddisruptionbudgets ns/b: had 1 disruptions to give, gave 1, and has 1"])
        check(
            [budget(1), pod(isEvicted: false), pod(isEvicted: true)],
            ["pods ns/p: was evicted, and budget b was not asked"])
        // One that is not ready may go.
        check([budget(1), pod(isEvicted: false, isReady: false), pod(isEvicted: true, isReady: false)], [])
    }

    // MARK: Autoscalers and addresses

    @Test func `an autoscaler asks for what it may`() {
        func scaler(_ wanted: Int64) -> Step {
            Step(
                "horizontalpodautoscalers", "ns/h",
                ["spec": ["minReplicas": 2, "maxReplicas": 3], "status": ["desiredReplicas": .integer(wanted)]])
        }
        check([scaler(0), scaler(2), scaler(3), scaler(0)], [])
        check([scaler(0), scaler(1)], ["horizontalpodautoscalers ns/h: asks for 1 replicas, and may for 2 to 3"])
        check([scaler(0), scaler(4)], ["horizontalpodautoscalers ns/h: asks for 4 replicas, and may for 2 to 3"])
    }

    @Test func `a node has addresses of its own, and keeps them`() {
        func node(_ name: String, _ block: String?) -> Step {
            var spec: Value = [:]
            spec["podCIDR"] = block.map(Value.string)
            return .node(name, spec)
        }
        check([node("m", nil), node("m", "10.0.0.0/24"), node("n", "10.0.1.0/24"), node("m", "10.0.0.0/24")], [])
        check(
            [node("m", "10.0.0.0/24"), node("n", "10.0.0.0/24")],
            ["nodes n: has the addresses of m, 10.0.0.0/24"])
        check(
            [node("m", "10.0.0.0/24"), node("m", "10.0.1.0/24")],
            ["nodes m: had the addresses 10.0.0.0/24, and now 10.0.1.0/24"])
        check([node("m", "10.0.0.0/24"), node("m", nil)], ["nodes m: had the addresses 10.0.0.0/24, and now none"])
        check([node("m", "10.0.0.0/24"), .gone("nodes", "m"), node("n", "10.0.0.0/24")], [])
    }

    // MARK: What machines know

    @Test func `two pods of one name never run at once`() {
        let name = ObjectName(namespace: "ns", name: "s-0")
        var twins = Twins()
        #expect(twins.began(name, uid: "a", on: "m") == nil)
        #expect(twins.began(name, uid: "a", on: "m") == nil)
        #expect(twins.began(name, uid: "b", on: "n") == "runs on n while the one before still runs on m")
        twins.ended(name, uid: "a", on: "m")
        twins.ended(name, uid: "b", on: "n")
        #expect(twins.began(name, uid: "c", on: "m") == nil)
        // Whoever deletes the node says that the machine is off.
        twins.disown("m")
        #expect(twins.began(name, uid: "d", on: "n") == nil)
    }

    @Test func `what a node is refused as wrong is told`() {
        let told = Told()
        let witness = Witness { what, _ in told.add(what) }
        let name = ObjectName(namespace: "ns", name: "p")
        witness.refused(name, .conflict(.pods, "p", "changed"))
        #expect(told.all.isEmpty)
        witness.refused(name, .badRequest("no"))
        #expect(told.all.count == 1)
    }
}
