import APIMachinery
import Support
import Testing

@testable import Kubelet

@Suite struct CPULedgerTests {
    private static func list(_ text: String) -> Set<Int> { TestMachine.list(text) }
    /// Two nodes of memory of two cores of two threads: 0-1 and 4-5, 2-3 and 6-7.
    private static let machine = TestMachine.make(nodes: 2, cores: 2, threads: 2)

    private func ledger(_ options: CPUOptions = CPUOptions(), reserving: Int = 1) throws -> CPULedger {
        try CPULedger(Self.machine, options, reserving: reserving)
    }

    private func give(
        _ ledger: inout CPULedger, _ container: String, _ count: Int, reusing: String = "", near: [Int]? = nil
    ) -> String {
        do {
            try ledger.allocate(
                "p", container, count, reusing: Self.list(reusing), affinity: near.map { NUMAMask($0) })
            return ProcessorList.text(ledger.processors(of: "p", container) ?? [])
        } catch { return "\(error.reason): \(error.message)" }
    }

    @Test func `reserved processors are shared, and never given away`() throws {
        var ledger = try ledger(reserving: 2)
        #expect(ledger.reserved == [0, 4] && ledger.shared == Self.machine.all)
        #expect(give(&ledger, "a", 2) == "1,5")
        #expect(ledger.shared == Self.list("0,2-4,6-7"))
        #expect(give(&ledger, "b", 4) == "2-3,6-7")
        #expect(
            give(&ledger, "c", 1)
                == "UnexpectedAdmissionError: Allocate failed due to not enough cpus available to "
                + "satisfy request: requested=1, available=0, which is unexpected")
        // What a container has it keeps.
        #expect(give(&ledger, "a", 2) == "1,5")
        let released = ledger.release("p")
        let again = ledger.release("p")
        #expect(released && !again && ledger.shared == Self.machine.all)
    }

    @Test func `processors near to the memory go first, and others when those are not enough`() throws {
        var ledger = try ledger()
        #expect(give(&ledger, "a", 2, near: [1]) == "2,6")
        // The rest of the core of which one thread is reserved.
        #expect(give(&ledger, "b", 3, near: [1]) == "3-4,7")
    }

    @Test func `what an init container had serves the containers after it`() throws {
        var ledger = try ledger()
        #expect(give(&ledger, "init", 4, near: [1]) == "2-3,6-7")
        #expect(give(&ledger, "main", 4, reusing: "2-3,6-7", near: [1]) == "2-3,6-7")
        #expect(ledger.shared == Self.list("0-1,4-5"))
    }

    @Test func `whole cores are given or none`() throws {
        var options = CPUOptions()
        options.isWholeCores = true
        var ledger = try ledger(options, reserving: 1)
        #expect(
            give(&ledger, "odd", 3)
                == "SMTAlignmentError: SMT Alignment Error: requested 3 cpus not multiple cpus per core = 2")
        #expect(
            give(&ledger, "large", 8)
                == "SMTAlignmentError: SMT Alignment Error: not enough free physical CPUs: available physical CPUs = 6, "
                + "requested CPUs = 8, CPUs per core = 2")
        // The other thread of a reserved core is no whole one.
        #expect(give(&ledger, "most", 6) == "1-3,5-7")
    }

    @Test func `a strict reservation is for nobody but the system`() throws {
        var options = CPUOptions()
        options.isReservationStrict = true
        let strict = try CPULedger(Self.machine, options, reserving: 0, explicit: [3, 7])
        #expect(strict.shared == Self.list("0-2,4-6") && strict.reserved == [3, 7])
        let none = #expect(throws: Fault.self) { try ledger(reserving: 0) }
        #expect(none?.summary.contains("greater than zero") == true)
        let other = #expect(throws: Fault.self) {
            try CPULedger(Self.machine, options, reserving: 0, explicit: [8])
        }
        #expect(other?.code == .invalid)
    }

    @Test func `the fewest nodes that an empty machine would need are preferred`() throws {
        var ledger = try ledger()
        func text(_ hints: [TopologyHint]) -> [String] {
            hints.map { ($0.affinity?.description ?? "any") + ($0.isPreferred ? "+" : "-") }
        }
        // One is reserved at node 0.
        #expect(text(ledger.hints(4)) == ["10+", "11-"])
        #expect(text(ledger.hints(2)) == ["01+", "10+", "11-"])
        #expect(text(ledger.hints(5)) == ["11+"])
        #expect(text(ledger.hints(8)) == ["any-"])
        #expect(text(ledger.hints(2, present: [2, 6])) == ["10+", "11-"])
        #expect(text(ledger.hints(3, present: [2, 6])) == ["any-"])
        #expect(give(&ledger, "a", 2, near: [1]) == "2,6")
        #expect(text(ledger.hints(4)) == ["11-"])
        #expect(text(ledger.hints(4, reusing: [2, 6])) == ["10+", "11-"])
    }

    @Test func `a restart finds what was given, on the same machine`() throws {
        var ledger = try ledger()
        #expect(give(&ledger, "a", 2, near: [1]) == "2,6")
        let file = CPUCheckpoint(policy: "static", shared: ledger.shared, assignments: ledger.assignments)
        let stored = try CPUCheckpoint(json: file.json)
        #expect(stored == file)
        var next = try self.ledger()
        try next.restore(stored)
        #expect(next.assignments == ledger.assignments && next.shared == ledger.shared)
        func refusal(_ change: (inout CPUCheckpoint) -> Void) -> String? {
            var changed = stored
            change(&changed)
            do {
                var next = try self.ledger()
                try next.restore(changed)
                return nil
            } catch { return (error as? Fault)?.summary }
        }
        #expect(refusal { $0.shared.insert(2) }?.contains("overlaps with default cpuset") == true)
        #expect(refusal { $0.shared.remove(0) }?.contains("not all reserved cpus: \"0\"") == true)
        #expect(refusal { $0.shared.insert(8) }?.contains("doesn't match with CPUs in state") == true)
        #expect(refusal { $0.shared = [] }?.contains("default cpuset cannot be empty") == true)
        #expect(refusal { _ in } == nil)
    }

    /// Sums are those that Kubernetes writes.
    @Test(arguments: [
        #"{"policyName":"none","defaultCpuSet":"4-6","checksum":354655845}"#,
        #"{"policyName":"none","defaultCpuSet":"","checksum":1353318690}"#,
    ])
    func `a file of Kubernetes is read, and written the same`(text: String) throws {
        let file = try CPUCheckpoint(json: Array(text.utf8))
        #expect(try Value(json: file.json) == Value(json: text))
        #expect(throws: Fault.self) {
            try CPUCheckpoint(json: Array(text.replacing("none", with: "static").utf8))
        }
    }

    /// Whatever comes and goes, no processor is two containers' own.
    @Test func `no processor is given twice`() throws {
        var random = SeededRandom(seed: 11)
        var ledger = try ledger()
        for round in 0..<300 {
            if Bool.random(using: &random) {
                try? ledger.allocate(
                    "p\(round % 7)", "c\(round % 3)", Int.random(in: 1...3, using: &random), reusing: [],
                    affinity: Bool.random(using: &random) ? NUMAMask([1]) : nil)
            } else {
                _ = ledger.release("p\(Int.random(in: 0..<7, using: &random))")
            }
            let given = ledger.assignments.values.flatMap(\.values)
            let all = given.reduce(into: Set<Int>()) { $0.formUnion($1) }
            #expect(all.count == given.reduce(0) { $0 + $1.count } && all.isDisjoint(with: ledger.shared))
            #expect(
                all.union(ledger.shared) == Self.machine.all && ledger.reserved.isSubset(of: ledger.shared))
        }
    }
}
