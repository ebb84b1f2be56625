public import Support

extension Cgroup {
    /// What a group and those below it have used.
    public struct Usage: Hashable, Sendable {
        /// Processor time since the group was made, in nanoseconds.
        public var processorNanoseconds: UInt64
        public var memory: Memory
        /// Processes and threads now; `nil` without the controller.
        public var processCount: Int?
    }

    public struct Memory: Hashable, Sendable {
        /// All that is charged to the group, caches included.
        public var usage: ByteCount
        /// ``usage`` less the file cache that was not touched lately: what cannot simply be dropped.
        public var workingSet: ByteCount
        /// Anonymous memory.
        public var residentSet: ByteCount
        public var pageFaults: UInt64
        public var majorPageFaults: UInt64
        /// `nil` when there is no limit.
        public var limit: ByteCount?
    }

    /// Reads the counters. A group that is not there is a fault with the code `notFound`.
    public func usage() throws(Fault) -> Usage {
        Usage(
            processorNanoseconds: try processorNanoseconds(), memory: try memory(),
            processCount: try directory(of: .pids).flatMap { directory throws(Fault) in
                // The root group counts nobody.
                let file = Path.join(directory, "pids.current")
                return Files.exists(file) ? Int(try trimmed(file)) : nil
            })
    }

    private func processorNanoseconds() throws(Fault) -> UInt64 {
        guard let directory = directory(of: .cpuacct) else {
            throw Fault(.unsupported, "this machine does not count the processor time of control groups")
        }
        switch try version(of: .cpuacct) {
        case .v1: return try number(Path.join(directory, "cpuacct.usage"))
        case .v2: return try table(Path.join(directory, "cpu.stat"))["usage_usec", default: 0] * 1000
        }
    }

    private func memory() throws(Fault) -> Memory {
        let version = try version(of: .memory)
        guard let directory = directory(of: .memory) else {
            throw Fault(.unsupported, "no memory control groups")
        }
        let statistics = try table(Path.join(directory, "memory.stat"))
        switch version {
        case .v1:
            return Memory(
                usage: try number(Path.join(directory, "memory.usage_in_bytes")),
                inactiveFile: statistics["total_inactive_file"], anonymous: statistics["total_rss"],
                faults: statistics["total_pgfault"], majorFaults: statistics["total_pgmajfault"],
                limit: try number(Path.join(directory, "memory.limit_in_bytes")))
        case .v2:
            let current = Path.join(directory, "memory.current")
            // The root has no such file; its counters add up to the same.
            let usage =
                Files.exists(current)
                ? try number(current) : statistics["anon", default: 0] + statistics["file", default: 0]
            let maximum = Path.join(directory, "memory.max")
            return Memory(
                usage: usage, inactiveFile: statistics["inactive_file"], anonymous: statistics["anon"],
                faults: statistics["pgfault"], majorFaults: statistics["pgmajfault"],
                limit: Files.exists(maximum) ? UInt64(try trimmed(maximum)) : nil)
        }
    }

    private func number(_ file: String) throws(Fault) -> UInt64 {
        guard let number = UInt64(try trimmed(file)) else { throw Fault(.corrupt, "\(file) holds no number") }
        return number
    }

    private func table(_ file: String) throws(Fault) -> [Substring: UInt64] {
        Self.table(in: try Files.readText(file))
    }

    /// A flat keyed file: a name and a number on each line.
    static func table(in text: String) -> [Substring: UInt64] {
        var values: [Substring: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, let value = UInt64(words[1]) { values[words[0]] = value }
        }
        return values
    }
}

extension Cgroup.Memory {
    fileprivate init(
        usage: UInt64, inactiveFile: UInt64?, anonymous: UInt64?, faults: UInt64?, majorFaults: UInt64?,
        limit: UInt64?
    ) {
        self.usage = ByteCount(Int64(clamping: usage))
        workingSet = ByteCount(Int64(clamping: usage - min(usage, inactiveFile ?? 0)))
        residentSet = ByteCount(Int64(clamping: anonymous ?? 0))
        pageFaults = faults ?? 0
        majorPageFaults = majorFaults ?? 0
        // v1 writes "no limit" as the largest number of whole pages.
        self.limit = limit.flatMap { $0 >= UInt64(Int64.max) & ~0xFFFF ? nil : ByteCount(Int64($0)) }
    }
}
