import API
import APIMachinery
import Testing

@testable import Scheduler

/// Which nodes can take a pod, rule by rule.
@Suite struct FilterTests {
    private let tainted = Given.node("tainted") {
        $0[path: ["spec", "taints"]] = [["key": "k", "value": "v", "effect": "NoSchedule"]]
    }

    @Test func `each refusal is counted and told as Kubernetes tells it`() {
        let small = Given.node("small") { $0[path: ["status", "allocatable", "cpu"]] = "100m" }
        let tiny = Given.node("tiny") { $0[path: ["status", "allocatable", "cpu"]] = "100m" }
        let cordoned = Given.node("cordoned") { $0[path: ["spec", "unschedulable"]] = true }
        let cluster = Given.cluster(small, tiny, tainted, cordoned)
        #expect(
            cluster.fitting(Given.pod(requests: ["cpu": "500m"]))
                == .none(
                    "0/4 nodes are available: 1 node(s) had untolerated taint(s), "
                        + "1 node(s) were unschedulable, 2 Insufficient cpu."))
        #expect(Given.cluster().fitting(Given.pod()) == .none("no nodes available to schedule pods"))
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
        let answer = Given.cluster(tainted).fitting(Given.pod(["tolerations": [toleration]]))
        #expect((answer == .nodes(["tainted"])) == isCovered)
    }

    @Test func `a cordoned node takes who tolerates it`() {
        let cordoned = Given.node("a") {
            $0["spec"] = [
                "unschedulable": true,
                "taints": [["key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"]],
            ]
        }
        let tolerant = Given.pod(["tolerations": [["key": "node.kubernetes.io/unschedulable", "operator": "Exists"]]])
        #expect(Given.cluster(cordoned).fitting(tolerant) == .nodes(["a"]))
        #expect(
            Given.cluster(cordoned).fitting(Given.pod())
                == .none("0/1 nodes are available: 1 node(s) were unschedulable."))
    }

    @Test func `selector, required affinity and the profile's must all match`() throws {
        let cluster = Given.cluster(Given.node("a"), Given.node("ssd", labels: ["disk": "ssd"]))
        #expect(cluster.fitting(Given.pod(["nodeSelector": ["disk": "ssd"]])) == .nodes(["ssd"]))
        let notFast = Self.required([["key": "disk", "operator": "NotIn", "values": ["ssd"]]])
        #expect(cluster.fitting(Given.pod(["affinity": notFast])) == .nodes(["a"]))
        #expect(
            cluster.fitting(Given.pod(["affinity": notFast, "nodeSelector": ["disk": "ssd"]]))
                == .none("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."))
        var profile = Profile()
        profile.addedRequired = try NodeSelector([
            "nodeSelectorTerms": [["matchExpressions": [["key": "disk", "operator": "Exists"]]]]
        ])
        #expect(cluster.fitting(Given.pod(), VolumeFacts(), profile) == .nodes(["ssd"]))
        #expect(
            cluster.fitting(Given.pod(["affinity": notFast]), VolumeFacts(), profile)
                == .none(
                    "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, "
                        + "1 node(s) didn't match scheduler-enforced node affinity."))
    }

    private static func required(_ expressions: Value) -> Value {
        let terms: Value = [["matchExpressions": expressions]]
        return ["nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": terms]]]
    }

    @Test func `a pod that names its node is asked for nowhere else`() {
        let terms: Value = [["matchFields": [["key": "metadata.name", "operator": "In", "values": ["b"]]]]]
        let affinity: Value = [
            "nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": terms]]
        ]
        let cluster = Given.cluster(Given.node("a"), Given.node("b"), Given.node("c"))
        #expect(cluster.fitting(Given.pod(["affinity": affinity])) == .nodes(["b"]))
        #expect(
            cluster.fitting(Given.pod(["affinity": affinity], requests: ["cpu": "9"]))
                == .none(
                    "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."))
    }

    @Test(
        arguments: [
            (["hostPort": 80], false), (["hostPort": 80, "protocol": "UDP"], true), (["hostPort": 81], true),
            (["hostPort": 80, "hostIP": "127.0.0.2"], true), (["hostPort": 80, "hostIP": "127.0.0.1"], false),
            (["hostPort": 80, "hostIP": "0.0.0.0"], false),
        ] as [(Value, Bool)])
    func `a host port is given once for an address and protocol`(port: Value, isFree: Bool) {
        let taken = Given.pod("q", ["ports": [["hostPort": 80, "hostIP": "127.0.0.1"]]])
        let cluster = Given.cluster(Given.node("a"), pods: [(taken, "a")])
        let refused = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
        #expect(cluster.fitting(Given.pod(["ports": [port]])) == (isFree ? .nodes(["a"]) : .none(refused)))
    }

    @Test(arguments: [("containers", true), ("initContainers", false)])
    func `a sidecar takes its host ports too, an init container that ends does not`(kind: String, takes: Bool) {
        let ports: Value = [["hostPort": 8080]]
        let wanted = Given.pod(["ports": ports])
        func fits(beside container: Value) -> Bool {
            let spec: Value = .object(Fields([(kind, .array([container]))]))
            let cluster = Given.cluster(Given.node("a"), pods: [(Given.pod("q", spec), "a")])
            return cluster.fitting(wanted) == .nodes(["a"])
        }
        #expect(!fits(beside: ["name": "s", "ports": ports, "restartPolicy": "Always"]))
        #expect(fits(beside: ["name": "s", "ports": ports]) == !takes)
    }

    @Test func `what a pod does not ask for is not short on a full node`() {
        let cluster = Given.cluster(Given.node("a"), pods: [(Given.pod("q", requests: ["cpu": "3"]), "a")])
        #expect(cluster.fitting(Given.pod(requests: ["cpu": "0"])) == .nodes(["a"]))
        #expect(
            cluster.fitting(Given.pod(requests: ["cpu": "1m"]))
                == .none("0/1 nodes are available: 1 Insufficient cpu."))
    }

    @Test func `extended resources are counted, unless an extender counts them`() {
        let devices = Given.node("a") { $0[path: ["status", "allocatable", "example.com/foo"]] = "3" }
        let cluster = Given.cluster(devices, pods: [(Given.pod("q", requests: ["example.com/foo": "2"]), "a")])
        #expect(cluster.fitting(Given.pod(requests: ["example.com/foo": "1"])) == .nodes(["a"]))
        let greedy = Given.pod(requests: ["example.com/foo": "2", "memory": "5Gi"])
        #expect(
            cluster.fitting(greedy)
                == .none("0/1 nodes are available: 1 Insufficient example.com/foo, 1 Insufficient memory."))
        var profile = Profile()
        profile.fit.ignoredGroups = ["example.com"]
        let many = Given.pod(requests: ["example.com/foo": "9"])
        #expect(cluster.fitting(many, VolumeFacts(), profile) == .nodes(["a"]))
    }

    @Test func `a full node takes no more pods`() {
        let node = Given.node("a") { $0[path: ["status", "allocatable", "pods"]] = "1" }
        let cluster = Given.cluster(node, pods: [(Given.pod("q"), "a")])
        #expect(cluster.fitting(Given.pod()) == .none("0/1 nodes are available: 1 Too many pods."))
    }

    @Test func `a bound volume holds the pod to the nodes that reach it`() throws {
        let term: Value = [
            "matchExpressions": [["key": "kubernetes.io/hostname", "operator": "In", "values": ["b"]]]
        ]
        let selector = try NodeSelector(["nodeSelectorTerms": [term]])
        let volumes = VolumeFacts(claims: [("c", .bound(nodes: selector))])
        let cluster = Given.cluster(Given.node("a"), Given.node("b"))
        #expect(cluster.fitting(Given.pod(), volumes) == .nodes(["b"]))
        #expect(
            cluster.fitting(Given.pod(), VolumeFacts(claims: [("c", .missing)]))
                == .none("0/2 nodes are available: persistentvolumeclaim \"c\" not found."))
    }

    @Test(arguments: ["cpu", "memory", "ephemeral-storage", "example.com/x"])
    func `each resource must suffice, and what a node lacks altogether nobody's going mends`(name: String) {
        let node = Given.node("a") { $0[path: ["status", "allocatable", name]] = "2" }
        let cluster = Given.cluster(node, pods: [(Given.pod("q", requests: [name: "1"]), "a")])
        #expect(cluster.fitting(Given.pod(requests: [name: "1"])) == .nodes(["a"]))
        for (amount, isFinal) in [("2", false), ("3", true)] {
            let decision = Decision(Given.pod(requests: [name: amount]), VolumeFacts(), Profile(), cluster)
            guard case .none(let diagnosis) = decision.sift(from: 0) else {
                Issue.record("\(amount) of \(name) fit")
                continue
            }
            #expect(diagnosis.refused.map(\.refusal) == [.init(.nodeResourcesFit, isFinal: isFinal, "Insufficient \(name)")])
        }
    }

    @Test func `a taint that merely asks keeps nobody away, beside one that is tolerated`() {
        let node = Given.node("a") {
            $0[path: ["spec", "taints"]] = [
                ["key": "k", "effect": "NoSchedule"], ["key": "soft", "effect": "PreferNoSchedule"],
            ]
        }
        let tolerant = Given.pod(["tolerations": [["key": "k", "operator": "Exists"]]])
        #expect(Given.cluster(node).fitting(tolerant) == .nodes(["a"]))
    }
}
