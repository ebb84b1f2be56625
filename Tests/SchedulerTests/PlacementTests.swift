import API
import APIMachinery
import Testing

@testable import Scheduler

@Suite struct PlacementTests {
    private func node(_ name: String, _ change: (inout Value) -> Void = { _ in }) -> NodeFacts {
        var value: Value = [
            "metadata": ["name": .string(name), "labels": ["kubernetes.io/hostname": .string(name)]],
            "spec": [:],
            "status": ["allocatable": ["cpu": "2", "memory": "4Gi", "pods": "110"]],
        ]
        change(&value)
        return NodeFacts(Node(value))
    }

    private func pod(_ spec: Value = [:], requests: [String: String] = [:]) -> PodFacts {
        var spec = spec
        var container: Value = ["name": "c"]
        if !requests.isEmpty { container["resources"] = ["requests": Value(requests)] }
        if let ports = spec["ports"] {
            container["ports"] = ports
            spec["ports"] = nil
        }
        spec["containers"] = [container]
        return PodFacts(Pod(["metadata": ["name": "p", "namespace": "ns", "uid": "u"], "spec": spec]))
    }

    private func decide(_ pod: PodFacts, _ nodes: [NodeFacts], _ volumes: VolumeFacts = VolumeFacts())
        -> Placement
    {
        Placement.decide(pod, volumes, among: nodes)
    }

    @Test func `a pod goes to the emptiest node that can take it`() {
        var busy = node("a")
        busy.add(pod(requests: ["cpu": "1", "memory": "2Gi"]))
        #expect(decide(pod(requests: ["cpu": "500m"]), [busy, node("b")]) == .node("b"))
    }

    @Test func `equal nodes are taken in order, so that a decision repeats`() {
        #expect(decide(pod(), [node("b"), node("a")]) == .node("a"))
    }

    @Test func `each refusal is counted and told as Kubernetes tells it`() {
        let small = node("small") { $0[path: ["status", "allocatable", "cpu"]] = "100m" }
        let tainted = node("tainted") {
            $0[path: ["spec", "taints"]] = [["key": "k", "value": "v", "effect": "NoSchedule"]]
        }
        let cordoned = node("cordoned") { $0[path: ["spec", "unschedulable"]] = true }
        #expect(
            decide(pod(requests: ["cpu": "500m"]), [small, small, tainted, cordoned])
                == .unschedulable(
                    message: "0/4 nodes are available: 1 node(s) had untolerated taint(s), "
                        + "1 node(s) were unschedulable, 2 Insufficient cpu."))
    }

    @Test func `without nodes there is nothing to choose`() {
        #expect(decide(pod(), []) == .unschedulable(message: "no nodes available to schedule pods"))
    }

    @Test(
        arguments: [
            (["key": "k", "operator": "Exists"], true), (["operator": "Exists"], true),
            (["key": "k", "operator": "Equal", "value": "v", "effect": "NoSchedule"], true),
            (["key": "k", "operator": "Equal", "value": "other"], false),
            (["key": "k", "operator": "Exists", "effect": "NoExecute"], false),
            (["key": "x", "operator": "Exists"], false),
        ] as [(Value, Bool)])
    func `a toleration covers what it names`(toleration: Value, isCovered: Bool) {
        let tainted = node("a") {
            $0[path: ["spec", "taints"]] = [["key": "k", "value": "v", "effect": "NoSchedule"]]
        }
        let placement = decide(pod(["tolerations": [toleration]]), [tainted])
        #expect((placement == .node("a")) == isCovered)
    }

    @Test func `selector and required affinity must both match`() {
        let ssd = node("ssd") { $0[path: ["metadata", "labels", "disk"]] = "ssd" }
        #expect(decide(pod(["nodeSelector": ["disk": "ssd"]]), [node("a"), ssd]) == .node("ssd"))
        let affinity: Value = [
            "nodeAffinity": [
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    "nodeSelectorTerms": [
                        ["matchExpressions": [["key": "disk", "operator": "NotIn", "values": ["ssd"]]]]
                    ]
                ]
            ]
        ]
        #expect(decide(pod(["affinity": affinity]), [node("a"), ssd]) == .node("a"))
        #expect(
            decide(pod(["affinity": affinity, "nodeSelector": ["disk": "ssd"]]), [node("a"), ssd])
                == .unschedulable(
                    message: "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."))
    }

    @Test func `a host port is given once`() {
        let ports: Value = [["containerPort": 80, "hostPort": 8080]]
        var taken = node("a")
        taken.add(pod(["ports": ports]))
        #expect(decide(pod(["ports": ports]), [taken, node("b")]) == .node("b"))
        let other: Value = [["containerPort": 80, "hostPort": 8080, "protocol": "UDP"]]
        #expect(decide(pod(["ports": other]), [taken]) == .node("a"))
    }

    @Test(arguments: ["containers", "initContainers"])
    func `a sidecar takes its host ports too, an init container that ends does not`(kind: String) {
        let ports: Value = [["containerPort": 80, "hostPort": 8080]]
        let wanted = pod(["ports": ports])
        func node(beside container: Value) -> NodeFacts {
            var taken = self.node("a")
            taken.add(PodFacts(Pod(["metadata": ["uid": "s"], "spec": .object(Fields([(kind, .array([container]))]))])))
            return taken
        }
        let sidecar = node(beside: ["name": "s", "ports": ports, "restartPolicy": "Always"])
        #expect(decide(wanted, [sidecar, self.node("b")]) == .node("b"))
        let ending = node(beside: ["name": "s", "ports": ports])
        #expect(decide(wanted, [ending]) == (kind == "containers" ? .unschedulable(message: Self.noPorts) : .node("a")))
    }

    private static let noPorts =
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."

    @Test func `what a pod does not ask for is not short on a full node`() {
        var full = node("a")
        full.add(pod(requests: ["cpu": "3"]))
        #expect(decide(pod(requests: ["cpu": "0"]), [full]) == .node("a"))
        #expect(decide(pod(requests: ["cpu": "1m"]), [full]) != .node("a"))
    }

    @Test func `a bound volume holds the pod to the nodes that reach it`() throws {
        let term: Value = [
            "matchExpressions": [["key": "kubernetes.io/hostname", "operator": "In", "values": ["b"]]]
        ]
        let selector = try NodeSelector(["nodeSelectorTerms": [term]])
        let volumes = VolumeFacts(claims: [("c", .bound(nodes: selector))])
        #expect(decide(pod(), [node("a"), node("b")], volumes) == .node("b"))
        #expect(
            decide(pod(), [node("a")], VolumeFacts(claims: [("c", .missing)]))
                == .unschedulable(message: "0/1 nodes are available: persistentvolumeclaim \"c\" not found."))
    }

    @Test func `an init container counts if it needs more than all others`() {
        let spec: Value = [
            "containers": [
                ["resources": ["requests": ["cpu": "100m"]]], ["resources": ["requests": ["cpu": "200m"]]],
            ],
            "initContainers": [
                ["resources": ["requests": ["cpu": "50m"]], "restartPolicy": "Always"],
                ["resources": ["requests": ["cpu": "500m", "memory": "1Ki"]]],
            ],
        ]
        let facts = PodFacts(Pod(["spec": spec]))
        #expect(facts.requests["cpu"] == 550)
        #expect(facts.requests["memory"] == 1024)
    }

    @Test func `a node's heartbeat changes nothing of what it offers`() {
        var cluster = ClusterFacts()
        var node = Node(["metadata": ["name": "a"], "status": ["allocatable": ["cpu": "2"]]])
        var answers = [cluster.setNode("a", node)]
        node.value[path: ["status", "conditions"]] = [["type": "Ready", "lastHeartbeatTime": "2030-01-01T00:00:00Z"]]
        answers.append(cluster.setNode("a", node))
        node.spec.unschedulable = true
        answers += [cluster.setNode("a", node), cluster.setNode("a", nil)]
        #expect(answers == [true, false, true, true])
    }

    @Test func `a pod counts once on its node, and no more when it is displaced`() {
        var cluster = ClusterFacts()
        let facts = pod(requests: ["cpu": "1"])
        cluster.place(facts, on: "a")
        cluster.setNode("a", Node(["metadata": ["name": "a"]]))
        cluster.place(facts, on: "a")
        #expect(cluster.nodes["a"]?.requested["cpu"] == 1000)
        #expect(cluster.nodes["a"]?.podCount == 1)
        var resized = pod(requests: ["cpu": "500m"])
        resized.generation += 1
        var answers = [cluster.place(resized, on: "a")]
        resized.generation += 1
        answers.append(cluster.place(resized, on: "a"))
        #expect(cluster.nodes["a"]?.requested["cpu"] == 500)
        answers += [cluster.displace("u"), cluster.displace("u")]
        #expect(answers == [true, false, true, false])
        #expect(cluster.nodes["a"]?.requested["cpu"] == 0)
        #expect(cluster.nodes["a"]?.podCount == 0)
    }

    @Test func `any amounts are summed, and taken away again exactly`() {
        var greedy = Value.emptyObject
        let requests: Value = ["requests": ["cpu": "9Pi", "memory": "7Ei"]]
        greedy["containers"] = .array((0..<4).map { ["name": .string("c\($0)"), "resources": requests] })
        greedy["initContainers"] = [["name": "s", "restartPolicy": "Always", "resources": requests]]
        let giant = PodFacts(Pod(["metadata": ["name": "p", "namespace": "ns", "uid": "u"], "spec": greedy]))
        let empty = node("a")
        var full = empty
        full.add(giant)
        full.add(giant)
        #expect(decide(pod(), [full]) == .node("a"))
        #expect(decide(giant, [empty, full]) != .node("a"))
        full.remove(giant)
        full.remove(giant)
        #expect(full.requested == empty.requested)
    }

    @Test func `a pod of many resources and many init containers is read in little time`() {
        let requests = Value((0..<5_000).reduce(into: [String: String]()) { $0["example.com/r\($1)"] = "1" })
        var spec: Value = ["containers": [["name": "c"]]]
        let sidecar: Value = ["name": "s", "restartPolicy": "Always", "resources": ["requests": requests]]
        let others: [Value] = (0..<5_000).map {
            ["name": .string("i\($0)"), "resources": ["requests": ["cpu": .string("\($0)m")]]]
        }
        spec["initContainers"] = .array([sidecar] + others)
        let facts = PodFacts(Pod(["metadata": ["name": "p", "namespace": "ns", "uid": "u"], "spec": spec]))
        #expect(facts.requests["cpu"] == 4_999 && facts.requests["example.com/r9"] == 1)
    }
}
