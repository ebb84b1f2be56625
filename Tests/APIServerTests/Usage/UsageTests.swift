import API
import APIMachinery
import Client
import Support
import Synchronization
import Testing

@testable import APIServer

@Suite struct UsageTests {
    private static let start = ContinuousClock.now

    /// A sample `seconds` after the first; containers as `uid/name: (nanoseconds, bytes, began)`.
    private static func sample(
        at seconds: Int, _ counts: [String: (processor: Int, memory: Int, since: Int)], node: Int = 1
    ) -> UsageSample {
        var pods: [String: [Value]] = [:]
        for (path, count) in counts {
            let parts = path.split(separator: "/").map(String.init)
            pods[parts[0], default: []].append([
                "name": .string(parts[1]), "startTime": .string("\(Timestamp(seconds: Int64(count.since)))"),
                "cpu": ["usageCoreNanoSeconds": .integer(Int64(count.processor))],
                "memory": ["workingSetBytes": .integer(Int64(count.memory))],
            ])
        }
        let summary: Value = [
            "node": [
                "cpu": ["usageCoreNanoSeconds": .integer(Int64(node))], "memory": ["workingSetBytes": 2_048_000],
            ],
            "pods": .array(pods.map { ["podRef": ["uid": .string($0.key)], "containers": .array($0.value)] }),
        ]
        return UsageSample(summary: summary, taken: start + .seconds(seconds))
    }

    @Test func `what is used is what was added between two samples`() {
        let before = Self.sample(at: 0, ["a/c": (1_000_000_000, 5000, 100)], node: 1_000_000_000)
        let after = Self.sample(at: 10, ["a/c": (6_000_000_000, 9000, 100)], node: 21_000_000_000)
        let usage = NodeUsage(from: before, to: after, time: Timestamp(seconds: 1000))
        #expect(usage.window == .seconds(10))
        #expect(usage.node == NodeUsage.Amounts(processor: 2_000_000_000, memory: 2_048_000))
        #expect(usage.pods == ["a": ["c": NodeUsage.Amounts(processor: 500_000_000, memory: 9000)]])
        #expect(usage.node?.value == ["cpu": "2000000000n", "memory": "2000Ki"])
    }

    @Test func `what began in between is measured since then`() {
        let before = Self.sample(at: 0, ["a/c": (9_000_000_000, 5000, 100)])
        let counts = ["a/c": (1_000_000_000, 10, 996), "b/new": (3_000_000_000, 20, 998)]
        let usage = NodeUsage(from: before, to: Self.sample(at: 10, counts), time: Timestamp(seconds: 1000))
        #expect(usage.pods["a"]?["c"]?.processor == 250_000_000)
        #expect(usage.pods["b"]?["new"]?.processor == 1_500_000_000)
    }

    @Test func `a pod with a container that has no figures is left out`() {
        let summary: Value = [
            "pods": [
                [
                    "podRef": ["uid": "a"],
                    "containers": [
                        ["name": "c", "cpu": ["usageCoreNanoSeconds": 5], "memory": ["workingSetBytes": 5]],
                        ["name": "d"],
                    ],
                ]
            ]
        ]
        let sample = UsageSample(summary: summary, taken: Self.start)
        #expect(sample.pods.isEmpty && sample.node == nil)
    }

    @Test func `kubelets are asked twice at first, and not again for what is fresh`() async throws {
        let asked = Mutex<[String]>([])
        let pauses = Mutex(0)
        let nodes = FixedSet(["metadata": ["name": "n"]], ["metadata": ["name": "down"]])
        let ledger = UsageLedger(
            nodes: nodes, now: { Timestamp(seconds: 1000) }, pause: { _ in pauses.withLock { $0 += 1 } }
        ) { node throws(Status) in
            let name = node.metadata.name
            let count = asked.withLock { asked in
                asked.append(name)
                return asked.count
            }
            guard name == "n" else { throw .unreachable(Fault(.unavailable, "down")) }
            return [
                "node": [
                    "cpu": ["usageCoreNanoSeconds": .integer(Int64(count) * 1000)], "memory": ["workingSetBytes": 4096],
                ],
                "pods": [
                    [
                        "podRef": ["uid": "u"],
                        "containers": [
                            ["name": "c", "cpu": ["usageCoreNanoSeconds": 7], "memory": ["workingSetBytes": 8192]]
                        ],
                    ]
                ],
            ]
        }
        let listed = await NodeMetricsResource(nodes: nodes, ledger: ledger).objects(ObjectFilter())
        #expect(listed.map(\.name) == ["n"])
        #expect(listed.first?.value.at("usage", "memory") == "4Ki")
        #expect(asked.withLock { $0.filter { $0 == "n" }.count } == 2 && pauses.withLock(\.self) == 1)
        let pods = PodMetricsResource(
            pods: FixedSet(
                ["metadata": ["namespace": "ns", "name": "p", "uid": "u", "labels": ["a": "b"]], "spec": ["nodeName": "n"]],
                ["metadata": ["namespace": "ns", "name": "q", "uid": "v"], "spec": ["nodeName": "n"]]),
            ledger: ledger)
        let pod = try #require(await pods.object(ObjectName(namespace: "ns", name: "p")))
        #expect(pod.labels["a"] == "b" && pod.namespace == "ns")
        #expect(pod.value["containers"] == [["name": "c", "usage": ["cpu": "0n", "memory": "8Ki"]]])
        #expect(await pods.object(ObjectName(namespace: "ns", name: "q")) == nil, "no figures")
        #expect(await pods.objects(ObjectFilter(namespace: "ns")).map(\.name) == ["p"])
        #expect(asked.withLock { $0.filter { $0 == "n" }.count } == 2, "what is known is fresh")
    }
}
