import API
import APIMachinery
import Testing

@testable import Scheduler

/// What is kept of nodes and pods.
@Suite struct FactsTests {
    @Test func `an init container counts if it needs more than all others`() {
        let facts = Given.pod([
            "containers": [
                ["resources": ["requests": ["cpu": "100m"]]], ["resources": ["requests": ["cpu": "200m"]]],
            ],
            "initContainers": [
                ["resources": ["requests": ["cpu": "50m"]], "restartPolicy": "Always"],
                ["resources": ["requests": ["cpu": "500m", "memory": "1Ki"]]],
            ],
            "overhead": ["cpu": "7m"],
        ])
        #expect(facts.requests.cpu == 557)
        #expect(facts.requests.memory == 1024)
    }

    @Test func `amounts of the pod itself count instead of its containers'`() {
        let facts = Given.pod([
            "resources": ["requests": ["cpu": "1"]],
            "containers": [["resources": ["requests": ["cpu": "100m", "memory": "1Gi"]]]],
        ])
        #expect(facts.requests.cpu == 1000)
        #expect(facts.requests.memory == 1 << 30)
        #expect(facts.weightedCPU == 1000)
    }

    @Test func `a pod that names nothing is taken to use something when nodes are judged`() {
        let facts = Given.pod(["containers": [[:], ["resources": ["requests": ["cpu": "1"]]]]])
        #expect(facts.weightedCPU == 1100)
        #expect(facts.weightedMemory == 400 << 20)
        #expect(!facts.isBestEffort && Given.pod().isBestEffort)
    }

    @Test func `a node's heartbeat changes nothing of what it offers`() {
        let cluster = ClusterFacts()
        var node = Node(["metadata": ["name": "a"], "status": ["allocatable": ["cpu": "2"]]])
        var answers = [cluster.setNode("a", node)]
        node.value[path: ["status", "conditions"]] = [["type": "Ready", "lastHeartbeatTime": "2030-01-01T00:00:00Z"]]
        answers.append(cluster.setNode("a", node))
        node.spec.unschedulable = true
        answers += [cluster.setNode("a", node), cluster.setNode("a", nil)]
        #expect(answers == [.appearance, [], .taints, .appearance])
    }

    @Test func `a pod counts once on its node, also one that is known later, and no more when it is displaced`() {
        let cluster = ClusterFacts()
        let facts = Given.pod(requests: ["cpu": "1"])
        cluster.place(facts, on: "a")
        cluster.setNode("a", Given.node("a"))
        cluster.place(facts, on: "a")
        #expect(cluster.node("a")?.requested.cpu == 1000)
        #expect(cluster.node("a")?.podCount == 1)
        #expect(cluster.place(Given.pod(requests: ["cpu": "500m"]), on: "a")?.requests.cpu == 1000)
        #expect(cluster.node("a")?.requested.cpu == 500)
        cluster.setNode("a", nil)
        cluster.setNode("a", Given.node("a"))
        #expect(cluster.node("a")?.requested.cpu == 500)
        #expect(cluster.displace(facts.uid) != nil)
        #expect(cluster.displace(facts.uid) == nil)
        #expect(cluster.node("a")?.requested.cpu == 0)
        #expect(cluster.node("a")?.podCount == 0)
    }

    @Test func `any amounts are summed, and taken away again exactly`() {
        let requests: Value = ["requests": ["cpu": "9Pi", "memory": "7Ei", "example.com/x": "9E"]]
        let giant = Given.pod("g", [
            "containers": .array((0..<4).map { ["name": .string("c\($0)"), "resources": requests] }),
            "initContainers": [["name": "s", "restartPolicy": "Always", "resources": requests]],
        ])
        let other = Given.pod("h", ["containers": [["resources": requests]]])
        let cluster = Given.cluster(Given.node("a"), pods: [(giant, "a"), (other, "a")])
        #expect(cluster.fitting(Given.pod()) == .nodes(["a"]))
        cluster.displace(giant.uid)
        cluster.displace(other.uid)
        #expect(cluster.node("a")?.requested == ResourceAmounts())
    }

    @Test func `a pod of many resources and many init containers is read in little time`() {
        let requests = Value((0..<5_000).reduce(into: [String: String]()) { $0["example.com/r\($1)"] = "1" })
        var spec: Value = ["containers": [["name": "c"]]]
        let sidecar: Value = ["name": "s", "restartPolicy": "Always", "resources": ["requests": requests]]
        let others: [Value] = (0..<5_000).map {
            ["name": .string("i\($0)"), "resources": ["requests": ["cpu": .string("\($0)m")]]]
        }
        spec["initContainers"] = .array([sidecar] + others)
        let facts = Given.pod(spec)
        #expect(facts.requests.cpu == 4_999 && facts.requests["example.com/r9"] == 1)
    }

    @Test func `nodes of different zones are asked in turn`() {
        let cluster = ClusterFacts()
        for (name, zone) in [("a", "x"), ("b", "x"), ("c", "y"), ("d", "x"), ("e", "y")] {
            cluster.setNode(name, Given.node(name, labels: ["topology.kubernetes.io/zone": zone]))
        }
        #expect(cluster.order.map(\.name) == ["a", "c", "b", "e", "d"])
    }

    @Test(arguments: [("web", "web:latest"), ("web:1", "web:1"), ("r:5000/web", "r:5000/web:latest"), ("w@sha256:a", "w@sha256:a")])
    func `an image is known by its name with a tag`(name: String, normalized: String) {
        #expect(NodeFacts.normalized(name) == normalized)
    }
}
