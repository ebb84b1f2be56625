import Glibc
public import Support

extension Cgroup {
    /// How much of the processors a group may use.
    public struct ProcessorQuota: Hashable, Sendable {
        /// Processor time in each period.
        public var quota: Duration
        public var period: Duration

        public init(quota: Duration, period: Duration = .milliseconds(100)) {
            self.quota = quota
            self.period = period
        }
    }

    /// Sets the group's weight against its siblings in the unit of v1, 2 ... 262144 (1024 is the default); in
    /// v2 it becomes the weight of ``weight(forShares:)``.
    public func setProcessorShares(_ shares: UInt64) throws(Fault) {
        let shares = min(max(shares, 2), 262_144)
        switch try version(of: .cpu) {
        case .v1: try set("cpu.shares", "\(shares)", .cpu)
        case .v2: try set("cpu.weight", "\(Self.weight(forShares: shares))", .cpu)
        }
    }

    /// Sets the ceiling of processor time; `nil` lifts it.
    public func setProcessorQuota(_ limit: ProcessorQuota?) throws(Fault) {
        switch (try version(of: .cpu), limit) {
        case (.v1, let limit?):
            // The period first: the kernel checks the quota against it, and against the parent's share.
            try set("cpu.cfs_period_us", "\(limit.period.microseconds)", .cpu)
            try set("cpu.cfs_quota_us", "\(limit.quota.microseconds)", .cpu)
        case (.v1, nil): try set("cpu.cfs_quota_us", "-1", .cpu)
        case (.v2, let limit?):
            try set("cpu.max", "\(limit.quota.microseconds) \(limit.period.microseconds)", .cpu)
        case (.v2, nil): try set("cpu.max", "max", .cpu)
        }
    }

    /// Sets the ceiling of memory; `nil` lifts it.
    public func setMemoryLimit(_ limit: ByteCount?) throws(Fault) {
        switch try version(of: .memory) {
        case .v1: try set("memory.limit_in_bytes", limit.map { "\($0.bytes)" } ?? "-1", .memory)
        case .v2: try set("memory.max", limit.map { "\($0.bytes)" } ?? "max", .memory)
        }
    }

    /// Sets how many processes and threads there may be; `nil` lifts it.
    public func setProcessLimit(_ limit: Int?) throws(Fault) {
        _ = try version(of: .pids)
        try set("pids.max", limit.map(String.init) ?? "max", .pids)
    }

    /// The v2 weight (1 ... 10000) for v1 shares, so that 1024 shares, one processor's request, are the
    /// default weight of 100 and both ends of the ranges meet: the curve that OCI runtimes use since their
    /// 2025 releases.
    public static func weight(forShares shares: UInt64) -> UInt64 {
        if shares <= 2 { return 1 }
        if shares >= 262_144 { return 10_000 }
        let l = log2(Double(shares))
        return UInt64(pow(10, (l * l + 125 * l) / 612 - 7.0 / 34).rounded(.up))
    }

    /// Which rules a controller's tree follows, whatever the others do.
    func version(of controller: CgroupHierarchy.Controller) throws(Fault) -> CgroupHierarchy.Version {
        guard let root = hierarchy.roots[controller] else {
            throw Fault(
                .unsupported, "this machine has no \(controller.rawValue) control groups",
                remedy: "switch the controller on (kernel option or command line)")
        }
        return root == hierarchy.unifiedRoot ? .v2 : .v1
    }

    private func set(_ name: String, _ value: String, _ controller: CgroupHierarchy.Controller) throws(Fault)
    {
        guard let directory = directory(of: controller) else { return }
        try Files.writeInPlace(value, to: Path.join(directory, name))
    }
}

extension Duration {
    /// Whole microseconds, cut off.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
