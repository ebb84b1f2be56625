import APIMachinery
import Host

/// Limits in Docker's words (`HostConfig`, and the body of an update), and read from them.
///
/// Docker knows no limits on huge pages and no files of cgroup v2 by name: those of the interface are left out, as by
/// cri-dockerd.
enum DockerResources {
    static func fields(_ resources: CRI.LinuxContainerResources) -> Fields {
        var fields = Fields()
        func set(_ name: String, _ number: Int64) { if number != 0 { fields[name] = .integer(number) } }
        set("CpuPeriod", resources.cpuPeriod)
        set("CpuQuota", resources.cpuQuota)
        set("CpuShares", resources.cpuShares)
        set("Memory", resources.memoryLimitInBytes)
        // Both together: without a word, Docker allows as much swap again as memory.
        set(
            "MemorySwap",
            resources.memorySwapLimitInBytes != 0 ? resources.memorySwapLimitInBytes : resources.memoryLimitInBytes)
        if !resources.cpusetCPUs.isEmpty { fields["CpusetCpus"] = .string(resources.cpusetCPUs) }
        if !resources.cpusetMems.isEmpty { fields["CpusetMems"] = .string(resources.cpusetMems) }
        return fields
    }

    /// `CgroupParent`: the path of a group, or of systemd's slices the name of the last, which tells the ones above it.
    static func parent(_ path: String) -> String { path.hasSuffix(".slice") ? Path.name(of: path) : path }

    /// From `HostConfig` of an inspected container.
    static func read(_ host: Value) -> CRI.LinuxContainerResources {
        var resources = CRI.LinuxContainerResources()
        func number(_ name: String) -> Int64 { host[name]?.integer ?? 0 }
        resources.cpuPeriod = number("CpuPeriod")
        resources.cpuQuota = number("CpuQuota")
        resources.cpuShares = number("CpuShares")
        resources.memoryLimitInBytes = number("Memory")
        resources.memorySwapLimitInBytes = number("MemorySwap")
        resources.oomScoreAdj = number("OomScoreAdj")
        resources.cpusetCPUs = host["CpusetCpus"]?.string ?? ""
        resources.cpusetMems = host["CpusetMems"]?.string ?? ""
        return resources
    }
}
