import API
import APIMachinery
import Testing

@testable import Scheduler

/// What each judge gives nodes.
@Suite struct ScoreTests {
    /// Of 4 CPU and 4 GiB each: half used on b, three quarters of the CPU on c.
    private let used = Given.cluster(
        Self.node("a"), Self.node("b"), Self.node("c"),
        pods: [
            (Given.pod("x", requests: ["cpu": "2", "memory": "2Gi"]), "b"),
            (Given.pod("y", requests: ["cpu": "3", "memory": "1Gi"]), "c"),
        ])
    private let wanted = Given.pod(requests: ["cpu": "1", "memory": "1Gi"])

    private static func node(_ name: String, labels: [String: String] = [:]) -> Node {
        var node = Given.node(name, labels: labels)
        node.value["status"] = ["allocatable": ["cpu": "4", "memory": "4Gi", "pods": "110"]]
        return node
    }

    @Test func `emptier nodes are better, or fuller ones, or what the curve says`() {
        #expect(used.scores(wanted, .judging(.nodeResourcesFit)) == ["a": 75, "b": 25, "c": 25])
        let packing = Profile.judging(.nodeResourcesFit) { $0.fit.strategy = .mostAllocated }
        #expect(used.scores(wanted, packing) == ["a": 25, "b": 75, "c": 75])
        let curve = Profile.judging(.nodeResourcesFit) {
            $0.fit.strategy = .ratio([(0, 0), (50, 100), (100, 20)])
            $0.fit.resources = [.init(name: "cpu", weight: 2), .init(name: "memory", weight: 1)]
        }
        // a: 25 % of both; b: 75 % of both; c: all CPU, half the memory.
        #expect(used.scores(wanted, curve) == ["a": 50, "b": 60, "c": 47])
    }

    @Test func `extended resources count for those who ask for them`() {
        let profile = Profile.judging(.nodeResourcesFit) { $0.fit.resources = [.init(name: "example.com/x", weight: 1)] }
        var devices = Self.node("a")
        devices.value[path: ["status", "allocatable", "example.com/x"]] = "4"
        let cluster = Given.cluster(devices, Self.node("b"))
        #expect(cluster.scores(Given.pod(requests: ["example.com/x": "1"]), profile) == ["a": 75, "b": 0])
        #expect(cluster.scores(Given.pod(), profile) == ["a": 0, "b": 0])
    }

    @Test func `nodes used in like proportion are better, but not for who asks for nothing`() {
        #expect(used.scores(wanted, .judging(.nodeResourcesBalancedAllocation)) == ["a": 100, "b": 100, "c": 75])
        #expect(used.scores(Given.pod(), .judging(.nodeResourcesBalancedAllocation)) == ["a": 0, "b": 0, "c": 0])
    }

    @Test func `preferred nodes get their share of the most`() {
        let cluster = Given.cluster(
            Self.node("a", labels: ["x": "1"]), Self.node("b", labels: ["x": "1", "y": "1"]), Self.node("c"))
        func term(_ key: String, _ weight: Int64) -> Value {
            let expressions: Value = [["key": .string(key), "operator": "Exists"]]
            return ["weight": .integer(weight), "preference": ["matchExpressions": expressions]]
        }
        let affinity: Value = [
            "nodeAffinity": ["preferredDuringSchedulingIgnoredDuringExecution": [term("x", 1), term("y", 3)]]
        ]
        #expect(
            cluster.scores(Given.pod(["affinity": affinity]), .judging(.nodeAffinity)) == ["a": 25, "b": 100, "c": 0])
        #expect(cluster.scores(Given.pod(), .judging(.nodeAffinity)) == ["a": 0, "b": 0, "c": 0])
    }

    @Test func `taints that merely ask pods to stay away count against a node`() {
        func node(_ name: String, _ keys: String...) -> Node {
            Given.node(name) { value in
                value[path: ["spec", "taints"]] = .array(
                    keys.map { ["key": .string($0), "effect": "PreferNoSchedule"] })
            }
        }
        let cluster = Given.cluster(node("a"), node("b", "x"), node("c", "x", "y"))
        #expect(cluster.scores(Given.pod(), .judging(.taintToleration)) == ["a": 100, "b": 50, "c": 0])
        let tolerant = Given.pod(["tolerations": [["key": "x", "operator": "Exists"]]])
        #expect(cluster.scores(tolerant, .judging(.taintToleration)) == ["a": 100, "b": 100, "c": 0])
    }

    @Test func `nodes that have the image are better, less so if few do`() {
        func node(_ name: String, _ size: Int64) -> Node {
            Given.node(name) { value in
                value[path: ["status", "images"]] = [["names": ["web:1"], "sizeBytes": .integer(size)]]
            }
        }
        let cluster = Given.cluster(node("a", 1000 << 20), node("b", 500 << 20), node("c", 1 << 20), Given.node("d"))
        // Three of four nodes have it; 23 MiB count as nothing.
        let pod = Given.pod(["image": "web:1"])
        #expect(cluster.scores(pod, .judging(.imageLocality)) == ["a": 74, "b": 36, "c": 0, "d": 0])
    }

    @Test func `of several images each may be large`() {
        let images = Value.array(
            ["web:1", "log:1"].map { ["names": [.string($0)], "sizeBytes": .integer(1000 << 20)] })
        let node = Given.node("a") { $0[path: ["status", "images"]] = images }
        let containers: Value = [["name": "a", "image": "web:1"], ["name": "b", "image": "other:1"]]
        let both: Value = [["name": "a", "image": "web:1"], ["name": "b", "image": "log:1"]]
        let cluster = Given.cluster(node)
        #expect(cluster.scores(Given.pod(["containers": containers]), .judging(.imageLocality)) == ["a": 49])
        #expect(cluster.scores(Given.pod(["containers": both]), .judging(.imageLocality)) == ["a": 100])
    }

    @Test func `balance is measured in what the profile names`() {
        let profile = Profile.judging(.nodeResourcesBalancedAllocation) {
            $0.balanced = [.init(name: "cpu", weight: 1), .init(name: "memory", weight: 1), .init(name: "example.com/x", weight: 1)]
        }
        func node(_ name: String, _ count: String) -> Node {
            var node = Self.node(name)
            node.value[path: ["status", "allocatable", "example.com/x"]] = .string(count)
            return node
        }
        let cluster = Given.cluster(node("a", "2"), node("b", "1"))
        // a: half of all three; b: half of two, and all of the third.
        let pod = Given.pod(requests: ["cpu": "2", "memory": "2Gi", "example.com/x": "1"])
        #expect(cluster.scores(pod, profile) == ["a": 100, "b": 76])
    }

    @Test func `the profile prefers nodes too`() throws {
        let preference: Value = ["matchExpressions": [["key": "x", "operator": "Exists"]]]
        let term = try #require(WeightedNodeTerm(["weight": 1, "preference": preference]))
        let cluster = Given.cluster(Self.node("a", labels: ["x": "1"]), Self.node("b"))
        let profile = Profile.judging(.nodeAffinity) { $0.addedPreferred = [term] }
        #expect(cluster.scores(Given.pod(), profile) == ["a": 100, "b": 0])
    }

    @Test func `where the curve is at nothing, a resource's word does not count`() {
        let profile = Profile.judging(.nodeResourcesFit) {
            $0.fit.strategy = .ratio([(0, 0), (100, 100)])
            $0.fit.resources = [.init(name: "cpu", weight: 1), .init(name: "ephemeral-storage", weight: 1)]
        }
        var node = Self.node("a")
        node.value[path: ["status", "allocatable", "ephemeral-storage"]] = "10Gi"
        // Half of the CPU, and nothing of the storage.
        #expect(Given.cluster(node).scores(Given.pod(requests: ["cpu": "2"]), profile) == ["a": 50])
    }

    @Test func `what pods on nodes prefer counts, unless the profile says otherwise`() {
        let term: Value = ["topologyKey": "kubernetes.io/hostname", "labelSelector": ["matchLabels": ["app": "web"]]]
        let preferred: Value = ["preferredDuringSchedulingIgnoredDuringExecution": [["weight": 9, "podAffinityTerm": term]]]
        let other = Given.pod("q", ["affinity": ["podAffinity": preferred]])
        let cluster = Given.cluster(Self.node("a", labels: ["kubernetes.io/hostname": "a"]), Self.node("b"), pods: [(other, "a")])
        let pod = Given.pod("p", labels: ["app": "web"])
        #expect(cluster.scores(pod, .judging(.interPodAffinity)) == ["a": 100, "b": 0])
        let deaf = Profile.judging(.interPodAffinity) { $0.ignoresPreferredTermsOfExistingPods = true }
        #expect(cluster.scores(pod, deaf) == ["a": 0, "b": 0])
    }

    @Test func `the word of each judge has its weight`() {
        let tainted = Given.node("a") { $0[path: ["spec", "taints"]] = [["key": "k", "effect": "PreferNoSchedule"]] }
        let full = (Given.pod("q", requests: ["cpu": "2", "memory": "4Gi"]), "b")
        let cluster = Given.cluster(tainted, Given.node("b"), pods: [full])
        var profile = Profile()
        profile.scores = [(.taintToleration, 3), (.nodeResourcesFit, 1)]
        let scores = cluster.scores(Given.pod(requests: ["cpu": "1", "memory": "2Gi"]), profile)
        #expect(scores == ["a": 50, "b": 300])
    }

    @Test func `of equals each is as likely, and a number repeats the choice`() {
        let cluster = Given.cluster(Given.node("a"), Given.node("b"), Given.node("c"))
        #expect((0..<4).map { Decision.choose(cluster.order, [7, 3, 7], $0).name } == ["a", "c", "a", "c"])
    }

    @Test(arguments: [(50, 0, 50), (99, 0, 99), (100, 0, 100), (500, 0, 230), (5_000, 0, 500), (9_000, 0, 450), (1_000, 30, 300), (1_000, 5, 100)])
    func `of many nodes some are judged`(nodes: Int, percentage: Int, enough: Int) {
        var profile = Profile()
        profile.percentageOfNodesToScore = percentage
        #expect(profile.enough(of: nodes) == enough)
    }
}
