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

    /// What k3s keeps back from pods: the part of the disk at which it begins to evict
    /// (`nodefs.available<5%`).
    static let storageKept = 5

    /// Reads the machine; `root` is on the disk that pods write to.
    static func read(root: String, maxPods: Int) throws(Fault) -> NodeCapacity {
        NodeCapacity(
            processors: Machine.processorCount, memory: try Machine.memory().total.bytes,
            storage: try Files.space(at: root).total.bytes, pods: maxPods, hugePages: readHugePages())
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
        list["ephemeral-storage"] = "\(storage / 100 * Int64(100 - Self.storageKept))"
        let pages = hugePages.values.reduce(0, +)
        if pages > 0 { list["memory"] = "\((memory - pages) / 1024)Ki" }
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
