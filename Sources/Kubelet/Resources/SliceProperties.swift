import Host

/// What a group is held to, as systemd is told. What is `nil` stays as it is.
struct SliceLimits: Hashable, Sendable {
    /// No ceiling.
    static let infinity = UInt64.max

    /// A weight against other groups, in the unit of cgroup v1.
    var shares: Int64?
    /// Microseconds of processor time in each second.
    var processorTime: UInt64?
    /// Bytes.
    var memory: UInt64?
    /// Processes and threads.
    var tasks: UInt64?
}

extension SliceLimits {
    /// Of a pod. `lifts`: what has no limit loses the one that it had.
    init(_ values: CgroupValues, lifts: Bool) {
        let none = lifts ? Self.infinity : nil
        shares = values.cpuShares
        processorTime = values.cpuQuota.map { Self.perSecond($0, period: values.cpuPeriod) } ?? none
        memory = values.memoryLimit.map { UInt64(clamping: $0) } ?? none
    }

    /// Systemd counts in hundredths of a processor: rounded up, so that groups below get what they ask for.
    static func perSecond(_ quota: Int64, period: Int64) -> UInt64 {
        let exact = Int128(max(quota, 0)) * 1_000_000 / Int128(max(period, 1))
        return UInt64(clamping: (exact + 9_999) / 10_000 * 10_000)
    }
}

/// A property of a unit of systemd (org.freedesktop.systemd1(5), "Properties").
struct UnitProperty: Hashable, Sendable {
    var name: String
    var value: BusValue

    init(_ name: String, _ value: BusValue) {
        self.name = name
        self.value = value
    }

    /// As calls take them.
    static func list(_ properties: [UnitProperty]) -> BusValue {
        .array(of: "(sv)", properties.map { .structure([.string($0.name), .variant($0.value)]) })
    }
}

extension UnitProperty {
    /// What every slice of pods has: its use is counted, and it belongs to no boot or shutdown by itself.
    static func slice(_ name: String, in parent: String, _ version: CgroupHierarchy.Version) -> [UnitProperty] {
        [
            UnitProperty("Description", .string("pods of Kubernetes: \(name)")),
            UnitProperty("Wants", .array(of: "s", [.string(parent)])),
            UnitProperty("MemoryAccounting", .boolean(true)),
            UnitProperty("CPUAccounting", .boolean(true)),
            UnitProperty(version == .v2 ? "IOAccounting" : "BlockIOAccounting", .boolean(true)),
            UnitProperty("TasksAccounting", .boolean(true)),
            UnitProperty("DefaultDependencies", .boolean(false)),
        ]
    }

    /// The names differ with the version of control groups (systemd.resource-control(5)).
    static func limits(_ limits: SliceLimits, _ version: CgroupHierarchy.Version) -> [UnitProperty] {
        var properties: [UnitProperty] = []
        func add(_ name: String, _ value: UInt64?) {
            if let value { properties.append(UnitProperty(name, .uint64(value))) }
        }
        let isUnified = version == .v2
        let shares = limits.shares.map { UInt64(clamping: $0) }
        add(isUnified ? "CPUWeight" : "CPUShares", isUnified ? shares.map { Cgroup.weight(forShares: $0) } : shares)
        add("CPUQuotaPerSecUSec", limits.processorTime)
        add(isUnified ? "MemoryMax" : "MemoryLimit", limits.memory)
        add("TasksMax", limits.tasks)
        return properties
    }
}
