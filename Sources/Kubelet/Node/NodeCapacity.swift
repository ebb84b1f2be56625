import APIMachinery
import Host
import Support

/// What the machine has, and what of it pods get.
struct NodeCapacity: Hashable, Sendable {
    var processors: Int
    /// Bytes.
    var memory: Int64
    var storage: Int64
    var pods: Int
    /// Bytes, by the size of a page as the API names it (`2Mi`).
    var hugePages: [String: Int64] = [:]

    var reservation = NodeReservation()

    /// Reads the machine.
    static func read(_ options: KubeletOptions) throws(Fault) -> NodeCapacity {
        let processors = Machine.processorCount
        return NodeCapacity(
            processors: processors, memory: try Machine.memory().total.bytes,
            storage: try Files.space(at: options.layout.root).total.bytes,
            pods: options.podsPerCore.map { min(options.maxPods, $0 * processors) } ?? options.maxPods,
            hugePages: readHugePages(), reservation: options.reservation)
    }

    /// `node.status.capacity`.
    var capacity: [String: String] {
        var list = [
            "cpu": "\(processors)", "memory": "\(memory / 1024)Ki",
            "ephemeral-storage": "\(storage / 1024)Ki",
            "pods": "\(pods)",
        ]
        for (size, bytes) in hugePages { list["hugepages-" + size] = "\(bytes / 1024)Ki" }
        for (name, amount) in list where amount == "0Ki" { list[name] = "0" }
        return list
    }

    /// `node.status.allocatable`.
    var allocatableTexts: [String: String] {
        var list = capacity
        list["ephemeral-storage"] = "\(reservation.rest(of: storage, "ephemeral-storage"))"
        let cores = reservation.rest(of: Int64(processors) * 1000, "cpu")
        list["cpu"] = cores % 1000 == 0 ? "\(cores / 1000)" : "\(cores)m"
        let pages = hugePages.values.reduce(0, +)
        let bytes = reservation.rest(of: memory, "memory", otherwiseUsed: pages)
        list["memory"] = bytes > 0 ? "\(bytes / 1024)Ki" : "0"
        for (size, bytes) in hugePages where reservation.amounts["hugepages-" + size] != nil {
            list["hugepages-" + size] = "\(reservation.rest(of: bytes, "hugepages-" + size))"
        }
        return list
    }

    var allocatable: [String: Quantity] { allocatableTexts.compactMapValues { try? Quantity($0) } }

    private static func readHugePages() -> [String: Int64] {
        let root = "/sys/kernel/mm/hugepages"
        var pages: [String: Int64] = [:]
        // The folders are named `hugepages-2048kB`.
        for name in (try? Files.list(root)) ?? [] {
            guard name.hasPrefix("hugepages-"), name.hasSuffix("kB"),
                let size = Int64(name.dropFirst("hugepages-".count).dropLast(2)),
                let text = try? Files.readText(Path.join(root, name + "/nr_hugepages")),
                let count = Int64(text.prefix { $0 != "\n" })
            else { continue }
            let label = size >= 1 << 20 ? "\(size >> 20)Gi" : "\(size >> 10)Mi"
            pages[label] = count * size * 1024
        }
        return pages
    }
}
