import API
import APIMachinery
import Support
import Testing

@testable import Scheduler

/// Whom the more important may have sent away.
@Suite struct PreemptionTests {
    private let now = Timestamp(seconds: 1_900_000_000)

    /// What a pod of one core and priority 10 would do to the cluster: the node and its victims, or the message.
    private func preempt(
        _ cluster: ClusterFacts, _ pod: PodFacts = Given.pod(requests: ["cpu": "1"], priority: 10),
        _ budgets: [BudgetFacts] = []
    ) -> String {
        let decision = Decision(pod, VolumeFacts(), Profile(), cluster)
        guard case .none(let diagnosis) = decision.sift(from: 0) else { return "fits" }
        let preemption = Preemption(decision: decision, budgets: budgets, now: now)
        if let why = preemption.ineligibility(diagnosis) { return why }
        let (candidates, useless) = preemption.candidates(diagnosis, from: 0)
        guard let best = preemption.cheapest(of: candidates) else { return useless.message }
        return best.node.name + ": " + best.victims.map(\.name.name).joined(separator: " ")
    }

    private func node(_ name: String) -> Node {
        Given.node(name) { $0[path: ["status", "allocatable", "cpu"]] = "1" }
    }

    private func pod(
        _ name: String, cpu: String = "1", priority: Int = 0, labels: [String: String] = [:], since: Int64? = nil
    ) -> PodFacts {
        let status: Value = since.map { ["startTime": .string(Timestamp(seconds: $0).description)] } ?? [:]
        return Given.pod(name, labels: labels, requests: ["cpu": cpu], priority: priority, status: status)
    }

    @Test func `no more than necessary go, the least important`() {
        let pods = [
            pod("a", cpu: "300m", priority: 3), pod("b", cpu: "300m", priority: 1), pod("c", cpu: "400m", priority: 2),
        ]
        let cluster = Given.cluster(node("n"), pods: pods.map { ($0, "n") })
        #expect(preempt(cluster, Given.pod(requests: ["cpu": "200m"], priority: 10)) == "n: b")
        #expect(preempt(cluster, Given.pod(requests: ["cpu": "700m"], priority: 10)) == "n: c b")
        #expect(preempt(cluster) == "n: a c b")
    }

    @Test func `nobody as important goes, and what no departure mends is told apart`() {
        let tainted = Given.node("t") { $0[path: ["spec", "taints"]] = [["key": "k", "effect": "NoSchedule"]] }
        let cluster = Given.cluster(
            node("m"), node("n"), tainted,
            pods: [(pod("a", priority: 10), "m"), (pod("b", cpu: "1m"), "n"), (pod("c", cpu: "1", priority: 10), "n")])
        #expect(
            preempt(cluster)
                == "0/3 nodes are available: 1 Insufficient cpu, 1 No preemption victims found for incoming pod, "
                + "1 Preemption is not helpful for scheduling.")
    }

    @Test func `nobody goes from a node that only an extender refuses`() {
        let cluster = Given.cluster(node("n"), pods: [(pod("a", cpu: "100m"), "n")])
        let wanting = Given.pod(requests: ["cpu": "100m"], priority: 10)
        var diagnosis = Diagnosis(total: 1)
        diagnosis.refused = [(cluster.order[0], Refusal(.extender, "no"))]
        let preemption = Preemption(
            decision: Decision(wanting, VolumeFacts(), Profile(), cluster), budgets: [], now: now)
        let (candidates, useless) = preemption.candidates(diagnosis, from: 0)
        #expect(candidates.isEmpty)
        #expect(useless.message == "0/1 nodes are available: 1 No preemption victims found for incoming pod.")
    }

    @Test func `a pod may do without`() {
        let cluster = Given.cluster(node("n"), pods: [(pod("a"), "n")])
        let patient = Given.pod("p", ["preemptionPolicy": "Never"], requests: ["cpu": "1"], priority: 10)
        #expect(preempt(cluster, patient) == "not eligible due to preemptionPolicy=Never.")
    }

    @Test func `while its victims end, no more are sent away for it`() {
        let leaving = PodFacts(
            Pod([
                "metadata": ["name": "v", "uid": "v", "deletionTimestamp": "2030-01-01T00:00:00Z"],
                "spec": ["containers": [["resources": ["requests": ["cpu": "1"]]]]],
                "status": [
                    "conditions": [
                        ["type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"]
                    ]
                ],
            ]))
        let cluster = Given.cluster(node("m"), node("n"), pods: [(pod("a"), "m"), (leaving, "n")])
        let wanting = Given.pod(requests: ["cpu": "1"], priority: 10)
        cluster.nominate(wanting, "n")
        #expect(preempt(cluster, wanting) == "not eligible due to a terminating pod on the nominated node.")
        cluster.nominate(wanting, "m")
        #expect(preempt(cluster, wanting) != "not eligible due to a terminating pod on the nominated node.")
    }

    @Test(
        arguments: [
            // The lowest of the most important victims.
            ([("a", 5, nil)], [("b", 4, nil)], "n: b"),
            // The lower sum, also of negative priorities.
            ([("a", 5, nil), ("c", 4, nil)], [("b", 5, nil), ("d", 3, nil)], "n: b d"),
            ([("a", -5, nil), ("c", -5, nil)], [("b", -5, nil)], "n: b"),
            // The youngest of the most important.
            ([("a", 5, 1_000)], [("b", 5, 2_000)], "n: b"),
            // The first.
            ([("a", 5, 1_000)], [("b", 5, 1_000)], "m: a"),
        ] as [([(String, Int, Int64?)], [(String, Int, Int64?)], String)])
    func `of several nodes the one that costs least is taken`(
        first: [(String, Int, Int64?)], second: [(String, Int, Int64?)], choice: String
    ) {
        let cluster = Given.cluster(node("m"), node("n"))
        for (name, victims) in [("m", first), ("n", second)] {
            let cpu = victims.count == 1 ? "1" : "500m"
            for (victim, priority, since) in victims {
                cluster.place(pod(victim, cpu: cpu, priority: priority, since: since), on: name)
            }
        }
        #expect(preempt(cluster) == choice)
    }

    @Test func `budgets are kept where that is possible`() {
        let budget = BudgetFacts([
            "metadata": ["namespace": "ns"], "spec": ["selector": ["matchLabels": ["app": "a"]]],
            "status": ["disruptionsAllowed": 0],
        ])
        let guarded = pod("a", priority: 1, labels: ["app": "a"])
        let cluster = Given.cluster(node("m"), node("n"), pods: [(guarded, "m"), (pod("b", priority: 5), "n")])
        #expect(preempt(cluster, Given.pod(requests: ["cpu": "1"], priority: 10), [budget]) == "n: b")
        // On one node the protected one stays, though it is less important.
        let half = [
            pod("a", cpu: "500m", priority: 1, labels: ["app": "a"]), pod("b", cpu: "500m", priority: 5),
        ]
        let one = Given.cluster(node("m"), pods: half.map { ($0, "m") })
        #expect(preempt(one, Given.pod(requests: ["cpu": "500m"], priority: 10), [budget]) == "m: b")
        #expect(preempt(one, Given.pod(requests: ["cpu": "1"], priority: 10), [budget]) == "m: b a")
    }

    @Test func `room that is made for somebody is not given to the less important`() {
        let cluster = Given.cluster(node("n"))
        cluster.nominate(Given.pod("first", requests: ["cpu": "600m"], priority: 10), "n")
        #expect(cluster.fitting(Given.pod(requests: ["cpu": "400m"])) == .nodes(["n"]))
        #expect(
            cluster.fitting(Given.pod(requests: ["cpu": "500m"]))
                == .none("0/1 nodes are available: 1 Insufficient cpu."))
        #expect(cluster.fitting(Given.pod(requests: ["cpu": "500m"], priority: 11)) == .nodes(["n"]))
    }

    @Test func `pods that keep others away are victims too`() {
        let term: Value = ["topologyKey": "kubernetes.io/hostname", "labelSelector": ["matchLabels": ["app": "a"]]]
        let away: Value = [
            "affinity": ["podAntiAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": [term]]]
        ]
        let cluster = Given.cluster(
            Given.node("n"), pods: [(Given.pod("v", labels: ["app": "a"]), "n"), (Given.pod("w", away), "n")])
        #expect(preempt(cluster, Given.pod("p", labels: ["app": "b"], away, priority: 10)) == "n: v")
        #expect(preempt(cluster, Given.pod("p", labels: ["app": "a"], priority: 10)) == "n: w")
    }
}
