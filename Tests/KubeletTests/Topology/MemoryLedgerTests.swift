import APIMachinery
import Support
import Testing

@testable import Kubelet

@Suite struct MemoryLedgerTests {
    private static let machine: [Int: MachineTopology.MemoryNode] = [
        0: .init(memory: 1000, hugePages: ["hugepages-2Mi": 100]), 1: .init(memory: 1000),
        2: .init(memory: 1000),
    ]

    private func ledger() throws -> MemoryLedger {
        try MemoryLedger(Self.machine, reserved: [0: ["memory": 100], 1: ["memory": 200]])
    }

    private func give(
        _ ledger: inout MemoryLedger, _ pod: String, _ size: Int64, near: [Int]? = nil,
        isPreferred: Bool = false
    ) -> String {
        do {
            try ledger.allocate(
                pod, "c", ["memory": size],
                TopologyHint(affinity: near.map { NUMAMask($0) }, isPreferred: isPreferred))
            return ledger.affinity(of: pod, "c").map { "\($0)" }.joined(separator: ",")
        } catch { return error.summary }
    }

    private func text(_ hints: [TopologyHint]?) -> [String]? {
        hints?.map {
            ($0.affinity.map { $0.nodes.map { "\($0)" }.joined() } ?? "any") + ($0.isPreferred ? "+" : "-")
        }
    }

    @Test func `memory lies at as few nodes as can be`() throws {
        var ledger = try ledger()
        // 800 are free at 0 (100 huge pages, 100 the system's) and 1, 1000 at 2.
        #expect(give(&ledger, "a", 800) == "0")
        #expect(give(&ledger, "b", 900) == "2")
        #expect(give(&ledger, "c", 500) == "1")
        // 400 are left, at no two nodes that may be used together.
        #expect(
            give(&ledger, "d", 350)
                == "[memorymanager] failed to get the default NUMA affinity, no NUMA nodes with "
                + "enough memory is available")
        let released = ledger.release("c")
        #expect(released)
        #expect(give(&ledger, "d", 350) == "1")
    }

    @Test func `a node serves single containers or one group of nodes`() throws {
        var ledger = try ledger()
        #expect(give(&ledger, "a", 1500) == "0,1")
        #expect(
            ledger.nodes[0]?.memory["memory"]?.free == 0 && ledger.nodes[1]?.memory["memory"]?.free == 100)
        #expect(text(ledger.hints(["memory": 50])) == ["2+", "01-"])
        #expect(text(ledger.hints(["memory": 1050])) == ["any-"])
        #expect(give(&ledger, "b", 60) == "2")
        #expect(give(&ledger, "c", 60, near: [0, 1]) == "0,1")
        #expect(give(&ledger, "d", 100, near: [1, 2]).contains("violates NUMA node allocation"))
        _ = ledger.release("a")
        _ = ledger.release("c")
        let fresh = try self.ledger()
        #expect(ledger.nodes[0] == fresh.nodes[0] && ledger.nodes[1] == fresh.nodes[1])
    }

    @Test func `a hint that does not hold enough is widened`() throws {
        var ledger = try ledger()
        #expect(give(&ledger, "a", 900, near: [0]) == "0,1")
        #expect(give(&ledger, "b", 900, near: [2], isPreferred: true) == "2")
        #expect(
            give(&ledger, "c", 900, near: [2], isPreferred: true)
                == "[memorymanager] failed to find NUMA nodes to extend the current topology hint")
    }

    @Test func `kinds of memory lie together`() throws {
        let ledger = try ledger()
        #expect(text(ledger.hints(["memory": 10, "hugepages-2Mi": 50])) == ["0+", "01-", "02-", "012-"])
        #expect(text(ledger.hints(["hugepages-2Mi": 101])) == ["any-"])
        #expect(ledger.hints([:]) == nil)
        let present = [MemoryLedger.Block(nodes: [1], type: "memory", size: 10)]
        #expect(text(ledger.hints(["memory": 10], present: present)) == ["1+"])
    }

    @Test func `what init containers had counts once`() throws {
        var (ledger, reuse) = (try ledger(), ReusableResources())
        let hint = TopologyHint(affinity: NUMAMask([2]), isPreferred: true)
        try ledger.allocate("p", "init", ["memory": 600], hint)
        reuse.note("init", [:], [], ledger.blocks(of: "p", "init") ?? [], isInitial: true)
        try ledger.allocate("p", "main", ["memory": 400], hint, reusing: reuse.memory, after: reuse.initial)
        reuse.note("main", [:], [], ledger.blocks(of: "p", "main") ?? [], isInitial: false)
        #expect(ledger.nodes[2]?.memory["memory"]?.reserved == 600)
        #expect(ledger.blocks(of: "p", "init")?.map(\.size) == [200])
        try ledger.allocate("p", "other", ["memory": 500], hint, reusing: reuse.memory, after: reuse.initial)
        #expect(ledger.nodes[2]?.memory["memory"]?.reserved == 900)
        _ = ledger.release("p")
        let fresh = try self.ledger()
        #expect(ledger.nodes == fresh.nodes)
    }

    @Test func `a reservation that the machine does not have is refused`() {
        let wrong: [[Int: [String: Int64]]] = [
            [:], [0: ["hugepages-2Mi": 10]], [0: ["memory": 1001]], [5: ["memory": 1]],
        ]
        for reserved in wrong {
            let fault = #expect(throws: Fault.self) { try MemoryLedger(Self.machine, reserved: reserved) }
            #expect(fault?.code == .invalid)
        }
    }

    @Test func `a restart finds what was given, on the same machine`() throws {
        var ledger = try ledger()
        _ = give(&ledger, "a", 1500)
        _ = give(&ledger, "b", 100)
        let stored = try MemoryCheckpoint(json: MemoryCheckpoint(policy: "Static", ledger).json)
        var next = try self.ledger()
        try next.restore(stored)
        #expect(next == ledger)
        var other = try MemoryLedger(Self.machine, reserved: [0: ["memory": 300]])
        let fault = #expect(throws: Fault.self) { try other.restore(stored) }
        #expect(fault?.summary.contains("the expected machine state is different from the real one") == true)
    }

    /// The sum is the one that Kubernetes writes.
    @Test func `a file of Kubernetes is read, and written the same`() throws {
        let text =
            #"{"policyName":"static","machineState":{"0":{"numberOfAssignments":0,"memoryMap":{"memory":{"total":2048,"systemReserved":512,"allocatable":1536,"reserved":512,"free":1024}},"cells":[]}},"entries":{"pod":{"container1":[{"numaAffinity":[0],"type":"memory","size":512}]}},"checksum":4215593881}"#
        let file = try MemoryCheckpoint(json: Array(text.utf8))
        #expect(try Value(json: file.json) == Value(json: text))
        #expect(file.assignments == ["pod": ["container1": [.init(nodes: [0], type: "memory", size: 512)]]])
        #expect(throws: Fault.self) {
            try MemoryCheckpoint(json: Array(text.replacing("1024", with: "1025").utf8))
        }
    }
}
