import Host
import Support

/// Reads how much there is of what a node can run out of: a few small files and system calls.
struct NodeAmounts: Sendable {
    /// On the disk that pods write to.
    let root: String
    /// The control group of all pods; `nil` on a machine that has none.
    let pods: Cgroup?

    /// What cannot be read is left out: nobody is evicted for it. `images` is where images are, where that is known.
    func read(images: String?) -> [EvictionSignal: EvictionAmount] {
        var amounts: [EvictionSignal: EvictionAmount] = [:]
        if let memory = try? Machine.memory() {
            amounts[.memory] = EvictionAmount(available: memory.available.bytes, capacity: memory.total.bytes)
        }
        amounts[.podMemory] = (try? pods?.usage().memory).flatMap { EvictionAmount(group: $0) }
        if let space = try? Files.space(at: root) {
            amounts[.nodeDisk] = EvictionAmount(disk: space)
            amounts[.nodeInodes] = EvictionAmount(inodes: space)
        }
        if let images, let space = try? Files.space(at: images) {
            amounts[.imageDisk] = EvictionAmount(disk: space)
            amounts[.imageInodes] = EvictionAmount(inodes: space)
        }
        amounts[.processes] = Self.processes()
        return amounts
    }

    /// As many processes and threads as the kernel has room for; `nil` where it does not tell.
    static var mostProcesses: Int64? {
        func number(_ file: String) -> Int64? {
            (try? Files.readText("/proc/sys/kernel/" + file)).flatMap { Int64($0.prefix { $0 != "\n" }) }
        }
        guard let most = number("pid_max"), let threads = number("threads-max") else { return nil }
        return min(most, threads)
    }

    /// The fourth word of the load is `running/all`.
    static func processes() -> EvictionAmount? {
        guard let load = try? Files.readText("/proc/loadavg"), let most = mostProcesses else { return nil }
        return processes(load: load, most: most)
    }

    static func processes(load: String, most: Int64) -> EvictionAmount? {
        let words = load.split(separator: " ")
        guard words.count > 3, let all = words[3].split(separator: "/").last.flatMap({ Int64($0) }) else { return nil }
        return EvictionAmount(available: max(most - all, 0), capacity: most)
    }
}

extension EvictionAmount {
    init(disk space: FileSystemSpace) { self.init(available: space.available.bytes, capacity: space.total.bytes) }

    /// Of what a control group is held to; `nil` where it is held to nothing.
    init?(group memory: Cgroup.Memory) {
        guard let limit = memory.limit else { return nil }
        self.init(available: max(limit.bytes - memory.workingSet.bytes, 0), capacity: limit.bytes)
    }

    /// `nil` on a file system that does not count them.
    init?(inodes space: FileSystemSpace) {
        guard space.inodes > 0 else { return nil }
        self.init(available: Int64(clamping: space.freeInodes), capacity: Int64(clamping: space.inodes))
    }
}
