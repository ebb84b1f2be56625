public import API
import APIMachinery

/// What the kernel is told about a container's or a pod's share of the machine.
///
/// The numbers are those of Kubernetes on Linux, so that pods behave under this kubelet as under any other.
public struct CgroupValues: Hashable, Sendable {
    /// Relative weight of processor time, cgroup v1 (`cpu.shares`), 2 ... 262144.
    public var cpuShares: Int64
    /// Microseconds of processor time per period; `nil` when there is no limit.
    public var cpuQuota: Int64?
    /// Microseconds in a period (`cpu.cfs_period_us`).
    public var cpuPeriod: Int64
    /// Bytes; `nil` when there is no limit.
    public var memoryLimit: Int64?

    /// The kernel's default, and Kubernetes' too.
    public static let defaultPeriod: Int64 = 100_000
    /// The kernel refuses a quota below one millisecond.
    static let minimumQuota: Int64 = 1000
    static let shares: ClosedRange<Int64> = 2...262_144

    /// The values of one container: shares from the request (from the limit, when only that is given), the rest from
    /// the limits. Where the container has none those of the pod as a whole hold, which programs look for in the group that
    /// they see (KEP 2837).
    public init(_ resources: ResourceRequirements, within pod: ResourceRequirements? = nil) {
        let requested = resources.amount("cpu", of: \.requests) ?? resources.amount("cpu", of: \.limits) ?? 0
        cpuShares = Self.shares(milliCPU: requested)
        func limit(_ name: String) -> Int64? {
            [resources, pod].lazy.compactMap { $0?.amount(name, of: \.limits) }.first { $0 > 0 }
        }
        cpuQuota = limit("cpu").flatMap { Self.quota(milliCPU: $0) }
        cpuPeriod = Self.defaultPeriod
        memoryLimit = limit("memory")
    }

    /// 1024 shares a core, never fewer than 2 and never more than the kernel takes.
    public static func shares(milliCPU: Int64) -> Int64 {
        guard milliCPU > 0 else { return shares.lowerBound }
        let (product, isTooMuch) = milliCPU.multipliedReportingOverflow(by: 1024)
        return isTooMuch ? shares.upperBound : min(max(product / 1000, shares.lowerBound), shares.upperBound)
    }

    /// Microseconds per period for a limit; `nil` for none.
    public static func quota(milliCPU: Int64, period: Int64 = defaultPeriod) -> Int64? {
        guard milliCPU > 0 else { return nil }
        let (product, isTooMuch) = milliCPU.multipliedReportingOverflow(by: period)
        return isTooMuch ? nil : max(product / 1000, minimumQuota)
    }
}

extension ResourceRequirements {
    /// The amount of `name` in `list`, processors in thousandths of a core; `nil` when it is not given. What does not
    /// parse was refused by validation.
    func amount(_ name: String, of list: KeyPath<ResourceRequirements, [String: String]>) -> Int64? {
        guard let text = self[keyPath: list][name], let quantity = try? Quantity(text) else { return nil }
        return name == "cpu" ? quantity.milliValue : quantity.value
    }
}
