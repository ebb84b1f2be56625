import API
import APIMachinery
import Support
import Testing

@testable import Scheduler

/// Pods that shall lie evenly.
@Suite struct SpreadTests {
    private static let zone = "topology.kubernetes.io/zone"
    private static let host = "kubernetes.io/hostname"

    private func constraint(
        _ key: String = Self.zone, skew: Int64 = 1, isHard: Bool = true, _ more: [String: Value] = [:]
    ) -> Value {
        var value: Value = [
            "topologyKey": .string(key), "maxSkew": .integer(skew),
            "whenUnsatisfiable": isHard ? "DoNotSchedule" : "ScheduleAnyway",
            "labelSelector": ["matchLabels": ["app": "web"]],
        ]
        for (key, field) in more { value[key] = field }
        return value
    }

    private func web(_ name: String = "p", _ constraints: Value..., labels: [String: String] = [:]) -> PodFacts {
        let spec: Value = ["topologySpreadConstraints": .array(constraints)]
        return Given.pod(name, labels: labels.merging(["app": "web"]) { $1 }, spec)
    }

    /// Nodes a and b in zone x, c in zone y, d in none; pods on the nodes that are named.
    private func cluster(_ pods: String...) -> ClusterFacts {
        let cluster = ClusterFacts()
        for (name, zone) in [("a", "x"), ("b", "x"), ("c", "y")] {
            cluster.setNode(name, Given.node(name, labels: [Self.zone: zone]))
        }
        cluster.setNode("d", Given.node("d"))
        for (index, node) in pods.enumerated() { cluster.place(web("q\(index)"), on: node) }
        return cluster
    }

    @Test func `no place gets ahead of the emptiest by more than the skew`() {
        #expect(cluster().fitting(web("p", constraint())) == .nodes(["a", "b", "c"]))
        #expect(cluster("a").fitting(web("p", constraint())) == .nodes(["c"]))
        #expect(cluster("a").fitting(web("p", constraint(skew: 2))) == .nodes(["a", "b", "c"]))
        #expect(cluster("a", "c").fitting(web("p", constraint())) == .nodes(["a", "b", "c"]))
        let both = web("p", constraint(skew: 2), constraint(Self.host))
        #expect(cluster("a").fitting(both) == .nodes(["b", "c"]))
    }

    @Test func `the message tells a lack of labels apart`() {
        let cluster = cluster("a")
        cluster.setNode("c", Given.node("c") { $0[path: ["status", "allocatable", "pods"]] = "0" })
        cluster.setNode("c", Given.node("c", labels: [Self.zone: "y", "full": "yes"]))
        cluster.place(Given.pod("big", requests: ["cpu": "2"]), on: "c")
        var wanting = web("p", constraint())
        wanting = Given.pod(
            "p", labels: ["app": "web"], ["topologySpreadConstraints": [constraint()]], requests: ["cpu": "1"])
        #expect(
            cluster.fitting(wanting)
                == .none(
                    "0/4 nodes are available: 1 Insufficient cpu, "
                        + "1 node(s) didn't match pod topology spread constraints (missing required label), "
                        + "2 node(s) didn't match pod topology spread constraints."))
    }

    @Test func `too few places count as one that is empty`() {
        #expect(cluster("a", "c").fitting(web("p", constraint(["minDomains": 2]))) == .nodes(["a", "b", "c"]))
        let refused = "0/4 nodes are available: 1 node(s) didn't match pod topology spread constraints "
            + "(missing required label), 3 node(s) didn't match pod topology spread constraints."
        #expect(cluster("a", "c").fitting(web("p", constraint(["minDomains": 3]))) == .none(refused))
    }

    private func constraint(_ more: [String: Value]) -> Value { constraint(Self.zone, skew: 1, more) }

    @Test func `nodes that the pod may not be on do not count, unless it says so`() {
        let cluster = cluster("a")
        func pod(_ more: [String: Value]) -> PodFacts {
            let spec: Value = [
                "topologySpreadConstraints": [constraint(more)],
                "nodeSelector": .object([Self.zone: "x"]),
            ]
            return Given.pod("p", labels: ["app": "web"], spec)
        }
        #expect(cluster.fitting(pod([:])) == .nodes(["a", "b"]))
        if case .nodes = cluster.fitting(pod(["nodeAffinityPolicy": "Ignore"])) {
            Issue.record("zone y is empty and counts")
        }
        cluster.setNode(
            "c",
            Given.node("c") { value in
                value[path: ["metadata", "labels", Self.zone]] = "y"
                value[path: ["spec", "taints"]] = [["key": "k", "effect": "NoSchedule"]]
            })
        if case .nodes = cluster.fitting(web("p", constraint())) { Issue.record("a tainted node counts") }
        #expect(cluster.fitting(web("p", constraint(["nodeTaintsPolicy": "Honor"]))) == .nodes(["a", "b"]))
    }

    @Test func `pods that leave, of other namespaces or versions do not count`() {
        let cluster = cluster()
        let leaving = PodFacts(
            Pod([
                "metadata": [
                    "name": "l", "namespace": "ns", "uid": "l", "labels": ["app": "web"],
                    "deletionTimestamp": "2030-01-01T00:00:00Z",
                ]
            ]))
        cluster.place(leaving, on: "a")
        cluster.place(Given.pod("o", namespace: "other", labels: ["app": "web"]), on: "a")
        #expect(cluster.fitting(web("p", constraint())) == .nodes(["a", "b", "c"]))
        cluster.place(web("old", labels: ["version": "1"]), on: "a")
        #expect(cluster.fitting(web("p", constraint())) == .nodes(["c"]))
        let keyed = constraint(["matchLabelKeys": ["version"]])
        #expect(cluster.fitting(web("p", keyed, labels: ["version": "2"])) == .nodes(["a", "b", "c"]))
    }

    @Test func `softly, emptier places are better and a node without the label is last`() {
        let profile = Profile.judging(.podTopologySpread)
        let pod = web("p", constraint(isHard: false))
        #expect(cluster("a", "a", "c").scores(pod, profile) == ["a": 33, "b": 33, "c": 100, "d": 0])
        #expect(cluster().scores(pod, profile) == ["a": 100, "b": 100, "c": 100, "d": 0])
    }

    @Test func `siblings by service or controller are spread by themselves`() {
        let selector = try? LabelSelector("app=web")
        let cluster = ClusterFacts(siblings: Siblings { _, owner in owner.name == "rs" ? selector : nil })
        for name in ["a", "b"] { cluster.setNode(name, Given.node(name)) }
        cluster.place(web("q"), on: "a")
        let profile = Profile.judging(.podTopologySpread)
        #expect(cluster.scores(web(), profile) == ["a": 0, "b": 0], "nothing binds it to others")
        cluster.siblings.setService(ObjectName(namespace: "ns", name: "s"), ["app": "web"])
        let scores = cluster.scores(web(), profile)
        #expect(scores["b"] ?? 0 > scores["a"] ?? 0)
        cluster.siblings.setService(ObjectName(namespace: "ns", name: "s"), nil)
        let owned = PodFacts(
            Pod([
                "metadata": [
                    "name": "p", "namespace": "ns", "labels": ["app": "web"],
                    "ownerReferences": [["kind": "ReplicaSet", "name": "rs", "uid": "r", "controller": true]],
                ]
            ]))
        #expect(cluster.scores(owned, profile) == scores)
    }

    @Test func `a wide skew makes what is uneven matter less`() {
        func scores(_ skew: Int64) -> [String: Int] {
            let cluster = ClusterFacts()
            for name in ["a", "b"] { cluster.setNode(name, Given.node(name)) }
            cluster.place(web("q"), on: "a")
            return cluster.scores(web("p", constraint(Self.host, skew: skew, isHard: false)), .judging(.podTopologySpread))
        }
        #expect(scores(1) == ["a": 0, "b": 100])
        #expect(scores(5) == ["a": 80, "b": 100])
    }

    @Test func `nodes that the pod may not be on do not count for what is better either`() {
        let cluster = ClusterFacts()
        for (name, zone, isMine) in [("a", "x", "yes"), ("b", "x", "no"), ("c", "y", "yes")] {
            cluster.setNode(name, Given.node(name, labels: [Self.zone: zone, "mine": isMine]))
        }
        cluster.place(web("q"), on: "b")
        let spec: Value = [
            "topologySpreadConstraints": [constraint(isHard: false)], "nodeSelector": ["mine": "yes"],
        ]
        let scores = cluster.scores(Given.pod("p", labels: ["app": "web"], spec), .judging(.podTopologySpread))
        #expect(scores["a"] == scores["c"])
    }

    /// Who is sent away for a pod of the kind on node a, when b takes none and has none.
    private func victims(_ pods: PodFacts...) -> [String]? {
        let cluster = ClusterFacts()
        cluster.setNode("a", Given.node("a"))
        cluster.setNode("b", Given.node("b") { $0[path: ["spec", "taints"]] = [["key": "k", "effect": "NoSchedule"]] })
        for pod in pods { cluster.place(pod, on: "a") }
        let spec: Value = ["topologySpreadConstraints": [constraint(Self.host)]]
        let wanted = Given.pod("p", labels: ["app": "web"], spec, priority: 10)
        let decision = Decision(wanted, VolumeFacts(), Profile(), cluster)
        guard case .none(let diagnosis) = decision.sift(from: 0) else { return nil }
        let preemption = Preemption(decision: decision, budgets: [], now: Timestamp(seconds: 0))
        return preemption.cheapest(of: preemption.candidates(diagnosis, from: 0).0)?.victims.map(\.name.name) ?? []
    }

    @Test func `who leaves a place makes it emptier, but not who is leaving already`() {
        #expect(victims(web("q")) == ["q"])
        let metadata: Value = [
            "name": "l", "namespace": "ns", "uid": "l", "labels": ["app": "web"], "deletionTimestamp": "2030-01-01T00:00:00Z",
        ]
        let leaving = PodFacts(Pod(["metadata": metadata, "spec": ["containers": [["name": "c"]]]]))
        let staying = Given.pod("s", labels: ["app": "web"], priority: 20)
        #expect(victims(staying, leaving) == [])
    }
}
