import API
import APIMachinery
import Testing

@testable import Scheduler

/// Pods that want to be together, and pods that do not.
@Suite struct AffinityTests {
    private static let (hard, soft) = (
        "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
    )
    private static let zone = "topology.kubernetes.io/zone"

    static func term(_ key: String, app: String, _ more: [String: Value] = [:]) -> Value {
        var term: Value = ["topologyKey": .string(key), "labelSelector": ["matchLabels": ["app": .string(app)]]]
        for (key, value) in more { term[key] = value }
        return term
    }

    private func pod(
        _ name: String = "p", app: String = "", namespace: String = "ns", near: [Value] = [], far: [Value] = [],
        rather: [Value] = [], ratherNot: [Value] = []
    ) -> PodFacts {
        func weighted(_ terms: [Value]) -> Value {
            .array(terms.map { ["weight": 10, "podAffinityTerm": $0] })
        }
        let spec: Value = [
            "affinity": [
                "podAffinity": .object([Self.hard: .array(near), Self.soft: weighted(rather)]),
                "podAntiAffinity": .object([Self.hard: .array(far), Self.soft: weighted(ratherNot)]),
            ]
        ]
        return Given.pod(name, namespace: namespace, labels: app.isEmpty ? [:] : ["app": app], spec)
    }

    /// Nodes a and b in zone x, c in zone y, d in none.
    private func cluster(_ pods: (PodFacts, String)...) -> ClusterFacts {
        let cluster = ClusterFacts()
        for (name, zone) in [("a", "x"), ("b", "x"), ("c", "y")] {
            cluster.setNode(name, Given.node(name, labels: [Self.zone: zone]))
        }
        cluster.setNode("d", Given.node("d"))
        for (pod, node) in pods { cluster.place(pod, on: node) }
        return cluster
    }

    @Test func `a pod on a node counts with the labels of its latest version`() {
        let cluster = cluster((pod("other", app: "web"), "a"))
        let near = pod(near: [Self.term(Self.zone, app: "db")])
        #expect(cluster.fitting(near) != .nodes(["a", "b"]))
        for _ in 0..<2 {
            let old = cluster.place(pod("other", app: "db"), on: "a")
            #expect(old != nil)
            #expect(cluster.fitting(near) == .nodes(["a", "b"]))
        }
        cluster.place(pod("other", app: "db"), on: "c")
        #expect(cluster.fitting(near) == .nodes(["c"]))
        cluster.displace("uid-other")
        #expect(cluster.fitting(near) != .nodes(["c"]))
    }

    @Test func `a pod goes where those are that it needs beside it`() {
        let cluster = cluster((pod("db", app: "db"), "a"))
        #expect(cluster.fitting(pod(near: [Self.term(Self.zone, app: "db")])) == .nodes(["a", "b"]))
        #expect(
            cluster.fitting(pod(near: [Self.term(Self.zone, app: "none")]))
                == .none("0/4 nodes are available: 4 node(s) didn't match pod affinity rules."))
        let both = [Self.term(Self.zone, app: "db"), Self.term("kubernetes.io/hostname", app: "db")]
        #expect(cluster.fitting(pod(near: both)) == .nodes(["a"]))
    }

    @Test func `the first of those that need each other goes where the label is`() {
        let selfish = pod(app: "db", near: [Self.term(Self.zone, app: "db")])
        #expect(cluster().fitting(selfish) == .nodes(["a", "b", "c"]))
        #expect(cluster((pod("q", app: "db"), "c")).fitting(selfish) == .nodes(["c"]))
    }

    @Test func `a pod stays away from others, and others keep it away`() {
        let away = [Self.term(Self.zone, app: "web")]
        let others = cluster((pod("q", app: "web"), "a"))
        #expect(others.fitting(pod(far: away)) == .nodes(["c", "d"]))
        let guarded = cluster((pod("q", far: away), "a"), (pod("r", app: "x"), "c"))
        #expect(guarded.fitting(pod(app: "web")) == .nodes(["c", "d"]))
        #expect(guarded.fitting(pod(app: "x")) == .nodes(["a", "b", "c", "d"]))
        guarded.place(pod("s", far: away), on: "c")
        guarded.setNode("d", nil)
        #expect(
            guarded.fitting(pod(app: "web"))
                == .none("0/3 nodes are available: 3 node(s) didn't satisfy existing pods anti-affinity rules."))
        guarded.displace("uid-q")
        #expect(guarded.fitting(pod(app: "web")) == .nodes(["a", "b"]))
    }

    @Test func `a term is about its own namespace, those it names, and those its selector picks`() {
        let cluster = cluster((pod("q", app: "web", namespace: "other"), "a"))
        cluster.setNamespace("other", ["team": "red"])
        func fitting(_ more: [String: Value]) -> Fitting {
            cluster.fitting(pod(far: [Self.term("kubernetes.io/hostname", app: "web", more)]))
        }
        let (all, without): (Fitting, Fitting) = (.nodes(["a", "b", "c", "d"]), .nodes(["b", "c", "d"]))
        #expect(fitting([:]) == all)
        #expect(fitting(["namespaces": ["other"]]) == without)
        #expect(fitting(["namespaceSelector": [:]]) == without)
        let red: [String: Value] = ["namespaceSelector": ["matchLabels": ["team": "red"]]]
        #expect(fitting(red) == without)
        cluster.setNamespace("other", ["team": "blue"])
        #expect(fitting(red) == all)
    }

    @Test func `keys of labels add the pod's own values`() {
        let old = Given.pod("q", labels: ["app": "web", "version": "1"])
        let cluster = cluster((old, "a"))
        func fitting(_ keys: String) -> Fitting {
            let term = Self.term("kubernetes.io/hostname", app: "web", [keys: ["version", "absent"]])
            let spec: Value = ["affinity": ["podAntiAffinity": .object([Self.hard: [term]])]]
            return cluster.fitting(Given.pod("p", labels: ["app": "web", "version": "2"], spec))
        }
        #expect(fitting("matchLabelKeys") == .nodes(["a", "b", "c", "d"]))
        #expect(fitting("mismatchLabelKeys") == .nodes(["b", "c", "d"]))
    }

    @Test func `what is preferred on either side adds up, from worst to best`() {
        let near = Self.term(Self.zone, app: "db")
        let cluster = cluster((pod("q", app: "db"), "a"), (pod("r", app: "web"), "c"))
        let profile = Profile.judging(.interPodAffinity)
        #expect(cluster.scores(pod(rather: [near]), profile) == ["a": 100, "b": 100, "c": 0, "d": 0])
        let torn = pod(rather: [near], ratherNot: [Self.term(Self.zone, app: "web")])
        #expect(cluster.scores(torn, profile) == ["a": 100, "b": 100, "c": 0, "d": 50])
        // Pods that are there say as much of the new one.
        cluster.place(pod("s", rather: [Self.term("kubernetes.io/hostname", app: "new")]), on: "b")
        #expect(cluster.scores(pod(app: "new"), profile) == ["a": 0, "b": 100, "c": 0, "d": 0])
        // Who needs it counts a little.
        cluster.place(pod("t", near: [Self.term("kubernetes.io/hostname", app: "needed")]), on: "c")
        #expect(cluster.scores(pod(app: "needed"), profile) == ["a": 0, "b": 0, "c": 100, "d": 0])
        #expect(cluster.scores(pod(app: "unknown"), profile) == ["a": 0, "b": 0, "c": 0, "d": 0])
    }
}
