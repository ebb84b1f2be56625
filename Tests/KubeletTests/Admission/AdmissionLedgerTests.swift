import API
import APIMachinery
import Testing

@testable import Kubelet

/// Which pods a node takes, and which go for others.
@Suite struct AdmissionLedgerTests {
    private static let allocatable: [String: Int64] = [
        "cpu": 2000, "memory": 1000, "pods": 3, "ephemeral-storage": 5000,
    ]

    private func pod(_ name: String, _ requests: [String: String] = [:], _ change: (inout Pod) -> Void = { _ in }) -> Pod {
        var pod = Pod(namespace: "default", name: name)
        pod.metadata.uid = name
        var container = Container(["name": "a", "image": "a"])
        container.resources.requests = requests
        pod.spec.containers = [container]
        pod.spec.nodeName = "n1"
        change(&pod)
        return pod
    }

    private func node(_ change: (inout Node) -> Void = { _ in }) -> Node {
        var node = Node(name: "n1")
        node.metadata.labels = ["zone": "a"]
        change(&node)
        return node
    }

    private func words(_ verdict: AdmissionVerdict) -> String {
        switch verdict {
        case .admitted: "admitted"
        case .waits: "waits"
        case .preempts(let uids): "preempts " + uids.joined(separator: ",")
        case .refused(let end): "\(end.reason): \(end.message)"
        }
    }

    private func judge(
        _ pod: Pod, besides others: [Pod] = [], node: Node? = nil, _ pressures: Set<NodePressure> = []
    ) -> String {
        var ledger = AdmissionLedger(allocatable: Self.allocatable)
        for other in others { ledger.note(other.metadata.uid, PodClaim(other)) }
        return words(ledger.admit(pod, AdmissionLedger.Place(name: "n1", node: node, pressures: pressures)))
    }

    // MARK: Room

    @Test func `what is too much for what is left is refused, and what is taken counts`() {
        var ledger = AdmissionLedger(allocatable: Self.allocatable)
        let place = AdmissionLedger.Place(name: "n1")
        #expect(ledger.admit(pod("a", ["cpu": "1500m"]), place) == .admitted)
        #expect(ledger.admit(pod("a", ["cpu": "1500m"]), place) == .admitted)
        #expect(
            words(ledger.admit(pod("b", ["cpu": "1"]), place))
                == "OutOfcpu: Pod was rejected: Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000")
        #expect(ledger.admit(pod("c", ["cpu": "500m"]), place) == .admitted)
        #expect(ledger.admit(pod("d"), place) == .admitted)
        #expect(words(ledger.admit(pod("e"), place)).hasPrefix("OutOfpods: Pod was rejected"))
        #expect(ledger.forget("a") == [])
        #expect(ledger.admit(pod("b", ["cpu": "1"]), place) == .admitted)
    }

    @Test(arguments: [
        (["memory": "1001"], "OutOfmemory"), (["ephemeral-storage": "5001"], "OutOfephemeral-storage"),
        (["hugepages-2Mi": "2Mi"], "OutOfhugepages-2Mi"), (["example.com/gpu": "2"], "OutOfexample.com/gpu"),
        (["cpu": "9000000000000000", "memory": "7Ei"], "OutOfcpu"), (["example.com/other": "1"], "admitted"),
    ])
    func `each resource has its reason, and one that nobody gives none`(_ requests: [String: String], _ wanted: String) {
        let node = node { $0.status.value["allocatable"] = ["example.com/gpu": "1"] }
        #expect(judge(pod("a", requests), node: node).hasPrefix(wanted))
    }

    // MARK: The rest

    @Test func `labels, names, ports and taints of the node count`() {
        let rejected = "Pod was rejected: Predicate "
        let elsewhere = pod("a") { $0.spec.nodeSelector = ["zone": "b"] }
        #expect(
            judge(elsewhere, node: node())
                == "NodeAffinity: \(rejected)NodeAffinity failed: node(s) didn't match Pod's node affinity/selector")
        // Nobody knows the labels.
        #expect(judge(elsewhere) == "admitted")
        #expect(judge(pod("a") { $0.spec.nodeName = "n2" }).hasPrefix("NodeName: "))
        let listening = { (name: String) in
            pod(name) { $0.spec.containers[0].value["ports"] = [["containerPort": 80, "hostPort": 80]] }
        }
        #expect(
            judge(listening("a"), besides: [listening("b")])
                == "NodePorts: \(rejected)NodePorts failed: node(s) didn't have free ports for the requested pod ports")
        let tainted = node {
            var taint = Taint()
            (taint.key, taint.effect) = ("k", "NoExecute")
            $0.spec.taints = [taint]
        }
        #expect(
            judge(pod("a"), node: tainted)
                == "TaintToleration: \(rejected)TaintToleration failed: node(s) had taints that the pod didn't tolerate")
        #expect(judge(pod("a") { $0.metadata.annotations[StaticPod.source] = "file" }, node: tainted) == "admitted")
        #expect(judge(pod("a") { $0.spec.value["os"] = ["name": "windows"] }).hasPrefix("PodOSNotSupported: "))
        #expect(
            judge(pod("a") { $0.metadata.labels["kubernetes.io/os"] = "windows" })
                .hasPrefix("PodOSSelectorNodeLabelDoesNotMatch: "))
    }

    @Test func `a node under pressure takes what it must`() {
        let message = "Evicted: Pod was rejected: The node had condition: "
        #expect(judge(pod("a"), [.memory]) == message + "[MemoryPressure]. ")
        #expect(judge(pod("a", ["cpu": "1m"]), [.memory]) == "admitted")
        #expect(judge(pod("a", ["cpu": "1m"]), [.memory, .disk]) == message + "[MemoryPressure DiskPressure]. ")
        #expect(judge(pod("a") { $0.spec.priority = 2_000_000_000 }, [.disk]) == "admitted")
        let bearing = pod("a") {
            $0.spec.tolerations = [Toleration(["key": "node.kubernetes.io/memory-pressure", "operator": "Exists"])]
        }
        #expect(judge(bearing, [.memory]) == "admitted")
    }

    private func judge(_ pod: Pod, _ pressures: Set<NodePressure>) -> String {
        judge(pod, besides: [], node: nil, pressures)
    }

    // MARK: Preemption

    private func critical(_ requests: [String: String]) -> Pod { pod("critical", requests) { $0.spec.priority = 2_000_001_000 } }

    private func guaranteed(_ name: String, _ cpu: String, _ memory: String) -> Pod {
        pod(name, ["cpu": cpu, "memory": memory]) {
            $0.spec.containers[0].resources.limits = ["cpu": cpu, "memory": memory]
        }
    }

    @Test func `the least important and best fitting pods go for a critical one`() {
        let (small, large) = (pod("small", ["cpu": "600m"]), pod("large", ["cpu": "800m"]))
        let sure = guaranteed("sure", "600m", "100")
        #expect(judge(critical(["cpu": "500m"]), besides: [small, large, sure]) == "preempts small")
        #expect(judge(critical(["cpu": "700m"]), besides: [small, large, sure]) == "preempts large")
        #expect(judge(critical(["cpu": "1400m"]), besides: [small, large, sure]) == "preempts large,small")
        #expect(judge(critical(["cpu": "2"]), besides: [small, large, sure]) == "preempts large,small,sure")
        let idle = [pod("idle"), pod("other", ["cpu": "10m"]), sure]
        #expect(judge(critical([:]), besides: idle) == "preempts idle")
    }

    @Test func `a critical pod that cannot have room fails, and another one never preempts`() {
        let other = pod("b", ["cpu": "1"]) { $0.spec.priority = 2_000_001_000 }
        #expect(
            judge(critical(["cpu": "1500m"]), besides: [other])
                == "UnexpectedAdmissionError: Pod was rejected: Unexpected error while attempting to recover from "
                + "admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to "
                + "reclaim resources: [(res: cpu, q: 500), ]")
        #expect(judge(pod("a", ["cpu": "1500m"]), besides: [pod("b", ["cpu": "1"])]).hasPrefix("OutOfcpu"))
        // What no eviction helps is said first.
        let elsewhere = pod("critical", ["cpu": "1500m"]) {
            $0.spec.priority = 2_000_001_000
            $0.spec.nodeSelector = ["zone": "b"]
        }
        #expect(judge(elsewhere, besides: [pod("b", ["cpu": "1"])], node: node()).hasPrefix("NodeAffinity"))
    }

    @Test func `it waits until those have left, and takes no more of them`() {
        var ledger = AdmissionLedger(allocatable: Self.allocatable)
        let place = AdmissionLedger.Place(name: "n1")
        for name in ["a", "b"] { ledger.note(name, PodClaim(pod(name, ["cpu": "1"]))) }
        let wanted = critical(["cpu": "1"])
        #expect(ledger.admit(wanted, place) == .preempts(["a"]))
        #expect(ledger.admit(wanted, place) == .waits)
        #expect(ledger.forget("b") == [])
        #expect(ledger.forget("a") == ["critical"])
        #expect(ledger.admit(wanted, place) == .admitted)
    }
}
