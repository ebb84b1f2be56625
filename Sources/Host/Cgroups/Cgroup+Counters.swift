import Support

extension Cgroup {
    /// What monitoring asks of a group beyond ``Usage``. What the machine does not count is `nil`.
    public struct Counters: Hashable, Sendable {
        /// Spans of the quota that processes ran in, and those in which they were held back.
        public var periods: UInt64?
        public var throttledPeriods: UInt64?
        public var throttledNanoseconds: UInt64?
        /// Of the processors' time, what processes themselves and what the kernel for them took.
        public var userNanoseconds: UInt64?
        public var systemNanoseconds: UInt64?
        /// File cache.
        public var cacheBytes: UInt64?
        public var mappedFileBytes: UInt64?
        /// The most that was in use at once.
        public var peakBytes: UInt64?
        /// Processes that the kernel ended for want of memory.
        public var memoryKills: UInt64?
        /// Processes and threads.
        public var threads: UInt64?
        /// By the number of the device, `8:0`.
        public var devices: [String: DeviceTraffic] = [:]

        public init() {}
    }

    /// What went to and from a block device.
    public struct DeviceTraffic: Hashable, Sendable {
        public var readBytes: UInt64 = 0
        public var writtenBytes: UInt64 = 0
        public var reads: UInt64 = 0
        public var writes: UInt64 = 0

        public init() {}
    }

    /// Reads the counters. What cannot be read, of a group that goes at this moment as well, is left out.
    public func counters() -> Counters {
        var counters = Counters()
        if let version = try? version(of: .cpu), let directory = directory(of: .cpu) {
            let table = Self.table(in: text(directory, "cpu.stat"))
            (counters.periods, counters.throttledPeriods) = (table["nr_periods"], table["nr_throttled"])
            counters.throttledNanoseconds =
                version == .v1 ? table["throttled_time"] : table["throttled_usec"].map { $0 &* 1000 }
        }
        (counters.userNanoseconds, counters.systemNanoseconds) = times()
        if let version = try? version(of: .memory), let directory = directory(of: .memory) {
            let table = Self.table(in: text(directory, "memory.stat"))
            let isFirst = version == .v1
            counters.cacheBytes = table[isFirst ? "total_cache" : "file"]
            counters.mappedFileBytes = table[isFirst ? "total_mapped_file" : "file_mapped"]
            counters.peakBytes = number(directory, isFirst ? "memory.max_usage_in_bytes" : "memory.peak")
            counters.memoryKills =
                Self.table(in: text(directory, isFirst ? "memory.oom_control" : "memory.events"))["oom_kill"]
        }
        if let directory = directory(of: .pids) { counters.threads = number(directory, "pids.current") }
        counters.devices = traffic()
        return counters
    }

    /// The first version counts in hundredths of a second, whatever the kernel does (`USER_HZ`).
    private func times() -> (user: UInt64?, system: UInt64?) {
        guard let version = try? version(of: .cpuacct), let directory = directory(of: .cpuacct) else { return (nil, nil) }
        let isFirst = version == .v1
        let table = Self.table(in: text(directory, isFirst ? "cpuacct.stat" : "cpu.stat"))
        let unit: UInt64 = isFirst ? 10_000_000 : 1000
        return (
            table[isFirst ? "user" : "user_usec"].map { $0 &* unit },
            table[isFirst ? "system" : "system_usec"].map { $0 &* unit }
        )
    }

    private func traffic() -> [String: DeviceTraffic] {
        if let directory = directory(of: .io) { return Self.traffic(unified: text(directory, "io.stat")) }
        guard let directory = directory(of: .blkio) else { return [:] }
        return Self.traffic(
            bytes: text(directory, "blkio.throttle.io_service_bytes_recursive"),
            operations: text(directory, "blkio.throttle.io_serviced_recursive"))
    }

    private func text(_ directory: String, _ name: String) -> String {
        (try? Files.readText(Path.join(directory, name))) ?? ""
    }

    private func number(_ directory: String, _ name: String) -> UInt64? {
        UInt64(text(directory, name).prefix { $0 != "\n" })
    }

    /// `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`
    static func traffic(unified text: String) -> [String: DeviceTraffic] {
        var devices: [String: DeviceTraffic] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            var traffic = DeviceTraffic()
            for word in words.dropFirst() {
                let pair = word.split(separator: "=")
                guard pair.count == 2, let value = UInt64(pair[1]) else { continue }
                switch pair[0] {
                case "rbytes": traffic.readBytes = value
                case "wbytes": traffic.writtenBytes = value
                case "rios": traffic.reads = value
                case "wios": traffic.writes = value
                default: break
                }
            }
            if let device = words.first { devices[String(device)] = traffic }
        }
        return devices
    }

    /// `8:0 Read 4096`, in a file for bytes and one for operations.
    static func traffic(bytes: String, operations: String) -> [String: DeviceTraffic] {
        var devices: [String: DeviceTraffic] = [:]
        func add(
            _ text: String, _ reads: WritableKeyPath<DeviceTraffic, UInt64>,
            _ writes: WritableKeyPath<DeviceTraffic, UInt64>
        ) {
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                guard words.count == 3, let value = UInt64(words[2]) else { continue }
                let device = String(words[0])
                switch words[1] {
                case "Read": devices[device, default: DeviceTraffic()][keyPath: reads] = value
                case "Write": devices[device, default: DeviceTraffic()][keyPath: writes] = value
                default: break
                }
            }
        }
        add(bytes, \.readBytes, \.writtenBytes)
        add(operations, \.reads, \.writes)
        return devices
    }
}
