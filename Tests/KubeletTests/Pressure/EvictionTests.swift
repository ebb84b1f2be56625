import API
import APIMachinery
import Support
import Testing

@testable import Host
@testable import Kubelet

@Suite struct EvictionTests {
    private static func threshold(
        _ signal: EvictionSignal, _ quantity: String, grace: Duration? = nil, reclaim: String? = nil
    ) throws -> EvictionThreshold {
        EvictionThreshold(
            signal: signal, quantity: try #require(EvictionThreshold.Quantity(quantity)), gracePeriod: grace,
            reclaim: reclaim.flatMap { EvictionThreshold.Quantity($0) })
    }

    private static func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: seconds) }

    @Test(arguments: [
        ("100Mi", Int64(100) << 20), ("5%", 50), ("0.5%", 5), ("100%", 1000), ("0", nil), ("0%", nil), ("101%", nil),
        ("x", nil), ("-1Gi", nil),
    ] as [(String, Int64?)])
    func `a threshold is an amount or a part`(text: String, value: Int64?) {
        #expect(EvictionThreshold.Quantity(text)?.value(of: 1000) == value)
    }

    @Test func `no capacity is too large to take a part of`() {
        #expect(EvictionThreshold.Quantity("50%")?.value(of: .max) == Int64.max / 2)
    }

    @Test func `pressure begins below the threshold, ends above what is to be won back, and is told for a while`() throws {
        var decision = EvictionDecision([try Self.threshold(.nodeDisk, "10%", reclaim: "5%")])
        func look(_ available: Int64, _ second: Int64) -> EvictionDecision.Outcome {
            decision.look(
                [.nodeDisk: EvictionAmount(available: available, capacity: 1000)], now: Self.at(second))
        }
        #expect(look(100, 0) == EvictionDecision.Outcome())
        #expect(look(99, 10).urgent != nil)
        let still = look(149, 20)
        #expect(still.urgent != nil && still.pressures == [.disk])
        let over = look(150, 30)
        #expect(over.urgent == nil && over.pressures == [.disk])
        #expect(look(149, 319).pressures == [.disk])
        #expect(look(149, 320).pressures == [])
    }

    @Test func `a soft threshold counts when it holds for its time, and memory goes first`() throws {
        let disk = try Self.threshold(.imageDisk, "10%")
        let soft = try Self.threshold(.memory, "30%", grace: .seconds(60))
        var decision = EvictionDecision([disk, soft])
        func look(memory: Int64, disk: Int64, _ second: Int64) -> EvictionDecision.Outcome {
            decision.look(
                [
                    .memory: EvictionAmount(available: memory, capacity: 1000),
                    .imageDisk: EvictionAmount(available: disk, capacity: 1000),
                ], now: Self.at(second))
        }
        #expect(look(memory: 200, disk: 500, 0).urgent == nil)
        // It was enough in between: the time counts anew.
        #expect(look(memory: 400, disk: 500, 30).urgent == nil)
        #expect(look(memory: 200, disk: 50, 40).urgent == disk)
        #expect(look(memory: 200, disk: 50, 99).urgent == disk)
        let outcome = look(memory: 200, disk: 50, 100)
        #expect(outcome.urgent == soft && outcome.pressures == [.memory, .disk])
        #expect(decision.look([:], now: Self.at(101)).urgent == nil)
    }

    @Test func `pods that are held to their share must leave some of it free as well`() throws {
        let hard = try Self.threshold(.memory, "100Mi", reclaim: "50Mi")
        let others = [try Self.threshold(.memory, "1Gi", grace: .seconds(60)), try Self.threshold(.nodeDisk, "5%")]
        var own = hard
        own.signal = .podMemory
        var enforcement = AllocatableEnforcement()
        #expect(EvictionThreshold.all(others + [hard], enforcement) == others + [hard, own])
        // Somebody said otherwise.
        let said = try Self.threshold(.podMemory, "1Mi")
        #expect(EvictionThreshold.all([hard, said], enforcement) == [hard, said])
        try enforcement.set("none")
        #expect(EvictionThreshold.all([hard], enforcement) == [hard])

        var decision = EvictionDecision([try Self.threshold(.nodeDisk, "5%"), own])
        let none = EvictionAmount(available: 0, capacity: 1000)
        #expect(decision.look([.nodeDisk: none, .podMemory: none], now: Self.at(0)).urgent == own)
        #expect(decision.look([.memory: none], now: Self.at(1)).pressures == [.memory, .disk])
        #expect(
            EvictionRank.message(Self.pod("a", 0, of: 0), own, EvictionAmount(available: 50 << 20, capacity: 1 << 30))
                == "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. ")
    }

    @Test(arguments: [(20, EvictionAmount(available: 11, capacity: 20)), (5, EvictionAmount(available: 0, capacity: 5)), (nil, nil)]
        as [(Int64?, EvictionAmount?)])
    func `what a group is held to is what it has`(limit: Int64?, amount: EvictionAmount?) {
        let memory = Cgroup.Memory(
            usage: ByteCount(10), workingSet: ByteCount(9), residentSet: ByteCount(8), pageFaults: 0, majorPageFaults: 0,
            limit: limit.map { ByteCount($0) })
        #expect(EvictionAmount(group: memory) == amount)
    }

    private static func pod(
        _ uid: String, _ used: Int64, of requested: Int64, priority: Int = 0, critical: Bool = false
    ) -> PodUsage {
        PodUsage(uid: uid, priority: priority, isCritical: critical, used: used, requested: requested)
    }

    @Test func `who uses more than asked for goes first, then low priority, then the farthest over`() {
        let pods = [
            Self.pod("over, important", 300, of: 100, priority: 5), Self.pod("within, large", 900, of: 1000),
            Self.pod("far over", 300, of: 50), Self.pod("over", 300, of: 100), Self.pod("never", 999, of: 0, critical: true),
        ]
        var left = pods
        var order: [String] = []
        while let next = EvictionRank.first(of: left, .memory) {
            order.append(next.uid)
            left.removeAll { $0.uid == next.uid }
        }
        #expect(order == ["far over", "over", "over, important", "within, large"])
        // Nobody asks for inodes.
        #expect(EvictionRank.first(of: pods, .nodeInodes)?.uid == "within, large")
    }

    @Test func `the owner is told what was short and who used more than asked for`() throws {
        var pod = Self.pod("a", 0, of: 0)
        pod.containers = [
            PodUsage.Use(name: "big", used: 300 << 20, requested: 100 << 20),
            PodUsage.Use(name: "small", used: 1, requested: 2),
        ]
        let threshold = try Self.threshold(.memory, "100Mi")
        let amount = EvictionAmount(available: 50 << 20, capacity: 1 << 30)
        #expect(
            EvictionRank.message(pod, threshold, amount)
                == "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
                + "Container big was using 300Mi, request is 100Mi, has larger consumption of memory. ")
        #expect(
            EvictionRank.message(pod, try Self.threshold(.nodeDisk, "5%"), EvictionAmount(available: 3 << 19, capacity: 1 << 30))
                .hasPrefix("The node was low on resource: ephemeral-storage. Threshold quantity: 53687091, available: 1536Ki. "))
        #expect(
            EvictionRank.message(pod, try Self.threshold(.processes, "10"), EvictionAmount(available: 5, capacity: 99))
                == "The node was low on resource: pids. Threshold quantity: 10, available: 5. ")
    }

    @Test func `a pod that must go fails, and says that the node ended it`() {
        let pod = PodCase().sandbox().instance("a").with {
            $0.memory.end = PodEnd(phase: "Failed", reason: "Evicted", message: "low", gracePeriod: .seconds(1), disruption: "low")
            $0.memory.endingSince = PodCase.now
        }
        #expect(pod.outcome == ["stop a0 by 1001"])
        let over = pod.with { $0.containers[0].state = .exited }
        let status = over.with { $0.sandboxes[0].isReady = false }.status
        #expect(status.phase == "Failed" && status.reason == "Evicted" && status.message == "low")
        let condition = status.conditions.first { $0.type == "DisruptionTarget" }
        #expect(condition?.status == "True" && condition?.reason == "TerminationByKubelet")
    }

    @Test func `the load tells how many processes there are`() {
        let amount = NodeAmounts.processes(load: "0.00 0.01 0.05 2/345 6789\n", most: 1000)
        #expect(amount == EvictionAmount(available: 655, capacity: 1000))
        #expect(NodeAmounts.processes(load: "none", most: 1000) == nil)
    }

    @Test(arguments: [
        (["kubernetes.io/config.mirror": "x"], 0, true), (["kubernetes.io/config.source": "file"], 0, true),
        (["kubernetes.io/config.source": "api"], 0, false), ([:], 2_000_000_000, true), ([:], 1_000_000_000, false),
    ] as [([String: String], Int, Bool)])
    func `some pods stay whatever happens`(annotations: [String: String], priority: Int, isCritical: Bool) {
        var pod = PodCase().pod
        pod.metadata.annotations = annotations
        pod.spec.priority = priority
        #expect(pod.isCritical == isCritical)
    }
}
