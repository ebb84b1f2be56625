import Support
import Testing

@testable import Kubelet

/// Machines for tables: threads are numbered after all cores, as Linux does.
enum TestMachine {
    /// `nodes` of memory in each of `sockets`, or, negative, as many sockets in each node.
    static func make(
        sockets: Int = 1, nodes: Int = 1, cores: Int, threads: Int = 1, coresPerCache: Int? = nil
    ) -> CPUTopology {
        var places: [Int: CPUTopology.Place] = [:]
        let perSocket = cores * max(nodes, 1)
        let all = sockets * perSocket
        for core in 0..<all {
            let socket = core / perSocket
            let node = nodes > 0 ? core / cores : socket / -nodes
            for thread in 0..<threads {
                places[core + thread * all] = CPUTopology.Place(
                    core: core, socket: socket, node: node, cache: core / (coresPerCache ?? perSocket))
            }
        }
        return CPUTopology(places: places)
    }

    static func list(_ text: String) -> Set<Int> { ProcessorList.parse(text) ?? [] }
}

@Suite struct CPUPickerTests {
    /// One socket of four cores: 0 and 4 are one core, 1 and 5, …
    private static let single = TestMachine.make(cores: 4, threads: 2)
    /// Two sockets of three cores: 0-2 and 6-8, 3-5 and 9-11.
    private static let dual = TestMachine.make(sockets: 2, cores: 3, threads: 2)
    /// One socket of two nodes of memory of four processors each.
    private static let halves = TestMachine.make(nodes: 2, cores: 4)
    /// Two nodes of memory of two sockets each, of two processors.
    private static let wide = TestMachine.make(sockets: 4, nodes: -2, cores: 2)
    /// Two caches of two cores each.
    private static let cached = TestMachine.make(cores: 4, threads: 2, coresPerCache: 2)

    private func pick(
        _ machine: CPUTopology, _ count: Int, _ free: String, _ options: CPUOptions = CPUOptions()
    ) throws -> String {
        ProcessorList.text(try CPUPicker.pick(count, of: TestMachine.list(free), machine, options))
    }

    @Test(arguments: [
        (single, 1, "0-7", "0"), (single, 2, "0-7", "0,4"), (single, 3, "0-7", "0-1,4"),
        (single, 8, "0-7", "0-7"), (single, 0, "0-7", ""),
        // A core that is begun is filled before another one is.
        (single, 1, "1-7", "4"), (single, 2, "1-7", "1,5"), (single, 3, "1-7", "1,4-5"),
        // The socket with less left goes first.
        (dual, 2, "0-11", "0,6"), (dual, 6, "0-11", "0-2,6-8"), (dual, 8, "0-11", "0-3,6-9"),
        (dual, 2, "0-4,6-10", "3,9"), (dual, 6, "1-11", "3-5,9-11"), (dual, 1, "0-5,7-11", "0"),
        // Whole nodes of memory within a socket.
        (halves, 4, "0-7", "0-3"), (halves, 4, "1-7", "4-7"), (halves, 5, "0-7", "0-4"),
        (halves, 3, "0-7", "0-2"),
        (halves, 2, "0-4,7", "4,7"),
        // Whole sockets within a node.
        (wide, 2, "0-7", "0-1"), (wide, 4, "0-7", "0-3"), (wide, 4, "1-7", "4-7"), (wide, 2, "1-7", "2-3"),
    ])
    func `processors are picked close together`(
        machine: CPUTopology, count: Int, free: String, picked: String
    ) throws {
        #expect(try pick(machine, count, free) == picked)
    }

    @Test(arguments: [
        // One node is enough.
        (halves, 4, "0-7", false, "0-3"), (halves, 3, "0-7", false, "0-2"),
        // Half from each.
        (halves, 6, "0-7", false, "0-2,4-6"), (halves, 5, "0-7", false, "0-2,4-5"),
        // Not evenly possible with this much.
        (halves, 6, "0-5", false, "0-5"),
        // Cores stay whole.
        (TestMachine.make(nodes: 2, cores: 3, threads: 2), 8, "0-11", true, "0-1,3-4,6-7,9-10"),
        (TestMachine.make(nodes: 2, cores: 3, threads: 2), 10, "0-11", true, "0-4,6-10"),
    ])
    func `processors are spread evenly over nodes of memory`(
        machine: CPUTopology, count: Int, free: String, isWhole: Bool, picked: String
    ) throws {
        var options = CPUOptions()
        (options.isDistributed, options.isWholeCores) = (true, isWhole)
        #expect(try pick(machine, count, free, options) == picked)
    }

    @Test(arguments: [
        (4, "0-7", "0-1,4-5"), (4, "1-7", "2-3,6-7"), (2, "2-7", "2,6"), (2, "1-3,5-7", "1,5"),
        (6, "0-7", "0-2,4-6"),
        (3, "0-7", "0-1,4"),
    ])
    func `processors are picked out of as few caches as can be`(count: Int, free: String, picked: String)
        throws
    {
        var options = CPUOptions()
        options.prefersCache = true
        #expect(try pick(Self.cached, count, free, options) == picked)
    }

    @Test func `too few are refused in the words of Kubernetes`() {
        let fault = #expect(throws: Fault.self) { try pick(Self.single, 5, "1-4") }
        #expect(fault?.summary == "not enough cpus available to satisfy request: requested=5, available=4")
    }

    /// Whatever is free and wanted, on any machine: as many as asked for, and of those that are free.
    @Test func `a pick is what was asked for`() throws {
        var random = SeededRandom(seed: 7)
        let machines = [Self.single, Self.dual, Self.halves, Self.wide, Self.cached]
        for _ in 0..<400 {
            let machine = machines[Int.random(in: 0..<machines.count, using: &random)]
            let free = machine.all.filter { _ in Bool.random(using: &random) }
            let count = Int.random(in: 0...max(free.count, 0), using: &random)
            var options = CPUOptions()
            options.isDistributed = Bool.random(using: &random)
            options.isWholeCores = Bool.random(using: &random)
            options.prefersCache = !options.isDistributed && Bool.random(using: &random)
            let picked = try CPUPicker.pick(count, of: free, machine, options)
            #expect(picked.count == count && picked.isSubset(of: free))
        }
    }

    @Test(arguments: [
        ("", ""), ("0", "0"), ("0-3", "0-3"), ("3,1,2", "1-3"), ("0,2-4,7\n", "0,2-4,7"), (" 1 , 3 ", "1,3"),
    ])
    func `lists of processors are read and written`(text: String, written: String) {
        #expect(ProcessorList.parse(text).map { ProcessorList.text($0) } == written)
    }

    @Test(arguments: ["a", "1-", "-1", "3-1", "1,,2", "0-99999999999", "1-2-3"])
    func `what is no list of processors is refused`(text: String) {
        #expect(ProcessorList.parse(text) == nil)
    }
}
