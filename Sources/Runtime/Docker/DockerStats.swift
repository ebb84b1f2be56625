import APIMachinery

/// Reads what a container uses (`GET /containers/ID/stats?stream=false&one-shot=true`).
enum DockerStats {
    /// `written` is how many bytes its writable layer holds, where that was asked; `now` in nanoseconds since 1970.
    static func read(
        _ stats: Value, of container: CRI.Container, written: Int64?, root: String, now: Int64
    ) -> CRI.ContainerStats {
        var result = CRI.ContainerStats()
        result.attributes.id = container.id
        result.attributes.metadata = container.metadata
        (result.attributes.labels, result.attributes.annotations) = (container.labels, container.annotations)
        let time = DockerTime.nanoseconds(stats["read"])
        let timestamp = time > 0 ? time : now
        if let total = number(stats.at("cpu_stats", "cpu_usage", "total_usage")) {
            var cpu = CRI.CPUUsage()
            (cpu.timestamp, cpu.usageCoreNanoseconds) = (timestamp, total)
            result.cpu = cpu
        }
        if let memory = stats["memory_stats"], let usage = number(memory["usage"]) {
            result.memory = self.memory(memory, usage: usage, timestamp)
        }
        if let written {
            var layer = CRI.FilesystemUsage()
            layer.timestamp = timestamp
            layer.filesystem.mountpoint = root
            layer.usedBytes = UInt64(clamping: written)
            result.writableLayer = layer
        }
        return result
    }

    /// The files are named as by the version of the control groups: `inactive_file` and `anon`, or `total_inactive_file` and
    /// `total_rss`.
    private static func memory(_ value: Value, usage: UInt64, _ timestamp: Int64) -> CRI.MemoryUsage {
        let details = value["stats"] ?? .emptyObject
        func detail(_ old: String, _ new: String) -> UInt64? { number(details[old]) ?? number(details[new]) }
        var memory = CRI.MemoryUsage()
        memory.timestamp = timestamp
        memory.usageBytes = usage
        let inactive = detail("total_inactive_file", "inactive_file") ?? 0
        memory.workingSetBytes = usage > inactive ? usage - inactive : 0
        memory.rssBytes = detail("total_rss", "anon")
        memory.pageFaults = detail("total_pgfault", "pgfault")
        memory.majorPageFaults = detail("total_pgmajfault", "pgmajfault")
        // Without a limit the machine's memory, or a number near the largest there is, is told.
        if let limit = number(value["limit"]), limit < 1 << 62, limit >= memory.workingSetBytes ?? 0 {
            memory.availableBytes = limit - (memory.workingSetBytes ?? 0)
        }
        return memory
    }

    private static func number(_ value: Value?) -> UInt64? {
        switch value {
        case .integer(let number): UInt64(clamping: number)
        case .double(let number): UInt64(exactly: number.rounded())
        default: nil
        }
    }
}
