import Host
import Support

/// How the processors of a machine lie together.
struct CPUTopology: Hashable, Sendable {
    /// What a processor is part of. Each is named by a number that is unique on the machine.
    struct Place: Hashable, Sendable {
        /// A physical core; its processors are its threads.
        var core: Int
        var socket: Int
        /// The node of memory that is near.
        var node: Int
        /// The cache farthest from the processor.
        var cache: Int
    }

    /// By the number of the processor.
    let places: [Int: Place]

    var all: Set<Int> { Set(places.keys) }
    var nodes: [Int] { ids(\.node) }

    /// Threads of a core; of the most that any core has.
    var threads: Int { largest(\.core) }

    /// The parts of a kind, in their order.
    func ids(_ part: KeyPath<Place, Int>) -> [Int] { Set(places.values.map { $0[keyPath: part] }).sorted() }

    func processors(_ part: KeyPath<Place, Int>, _ id: Int) -> Set<Int> {
        Set(places.filter { $0.value[keyPath: part] == id }.keys)
    }

    /// How many processors the largest part of a kind has.
    func largest(_ part: KeyPath<Place, Int>) -> Int {
        var counts: [Int: Int] = [:]
        for place in places.values { counts[place[keyPath: part], default: 0] += 1 }
        return counts.values.max() ?? 1
    }
}

/// The memory of a machine by the nodes that it lies at, and the processors near to each.
struct MachineTopology: Hashable, Sendable {
    struct MemoryNode: Hashable, Sendable {
        /// Bytes, huge pages included.
        var memory: Int64
        /// Bytes, by the resource: `hugepages-2Mi`.
        var hugePages: [String: Int64] = [:]
        /// To each node, in their order; 10 to itself.
        var distances: [Int: Int] = [:]
    }

    var processors: CPUTopology
    var nodes: [Int: MemoryNode]

    /// Reads what the kernel tells. `memory` is that of a machine whose kernel knows no nodes.
    static func read(memory: Int64, system: String = "/sys/devices/system") throws(Fault) -> MachineTopology {
        guard let online = ProcessorList.parse(try Files.readText(system + "/cpu/online")), !online.isEmpty
        else {
            throw Fault(.corrupt, "the kernel does not tell which processors there are")
        }
        var nodes: [Int: MemoryNode] = [:]
        var near: [Int: Int] = [:]
        let names = (try? Files.list(system + "/node")) ?? []
        let numbers = names.compactMap { $0.hasPrefix("node") ? Int($0.dropFirst(4)) : nil }.sorted()
        for number in numbers {
            let folder = "\(system)/node/node\(number)"
            for processor in ProcessorList.parse(text(folder + "/cpulist")) ?? [] { near[processor] = number }
            nodes[number] = MemoryNode(
                memory: total(text(folder + "/meminfo")), hugePages: hugePages(folder + "/hugepages"),
                distances: distances(text(folder + "/distance"), numbers))
        }
        if nodes.isEmpty { nodes[0] = MemoryNode(memory: memory, distances: [0: 10]) }
        var places: [Int: CPUTopology.Place] = [:]
        for processor in online {
            let folder = "\(system)/cpu/cpu\(processor)"
            let siblings = ProcessorList.parse(text(folder + "/topology/thread_siblings_list")) ?? []
            places[processor] = CPUTopology.Place(
                core: siblings.min() ?? processor,
                socket: max(
                    Int(text(folder + "/topology/physical_package_id").prefix { $0 != "\n" }) ?? 0, 0),
                node: near[processor] ?? 0, cache: lastCache(folder + "/cache") ?? 0)
        }
        return MachineTopology(processors: CPUTopology(places: places), nodes: nodes)
    }

    private static func text(_ path: String) -> String { (try? Files.readText(path)) ?? "" }

    /// `Node 0 MemTotal:  1234 kB`
    private static func total(_ text: String) -> Int64 {
        for line in text.split(separator: "\n") where line.contains("MemTotal:") {
            let words = line.split(separator: " ")
            guard words.count >= 2, let kilobytes = Int64(words[words.count - 2]) else { return 0 }
            return kilobytes * 1024
        }
        return 0
    }

    private static func distances(_ text: String, _ nodes: [Int]) -> [Int: Int] {
        let numbers = text.split { $0 == " " || $0 == "\n" }.compactMap { Int($0) }
        return Dictionary(zip(nodes, numbers)) { first, _ in first }
    }

    private static func hugePages(_ folder: String) -> [String: Int64] {
        var pages: [String: Int64] = [:]
        for name in (try? Files.list(folder)) ?? [] where name.hasPrefix("hugepages-") && name.hasSuffix("kB")
        {
            guard let size = Int64(name.dropFirst("hugepages-".count).dropLast(2)),
                let count = Int64(text("\(folder)/\(name)/nr_hugepages").prefix { $0 != "\n" })
            else { continue }
            pages["hugepages-" + (size >= 1 << 20 ? "\(size >> 20)Gi" : "\(size >> 10)Mi")] =
                count * size * 1024
        }
        return pages
    }

    /// Named by the first processor that shares it.
    private static func lastCache(_ folder: String) -> Int? {
        var last: (level: Int, id: Int)?
        for name in (try? Files.list(folder)) ?? [] where name.hasPrefix("index") {
            guard let level = Int(text("\(folder)/\(name)/level").prefix { $0 != "\n" }),
                let first = ProcessorList.parse(text("\(folder)/\(name)/shared_cpu_list"))?.min()
            else { continue }
            if level > last?.level ?? 0 { last = (level, first) }
        }
        return last?.id
    }
}
