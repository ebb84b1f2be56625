import API
import APIMachinery
import Host
import Logging
import Support

/// The control groups of pods: one for each class of pods, one in it for each pod, with the limits that its
/// containers have together. The runtime makes those of the containers below.
///
/// Systemd, where it makes them, is told the limits, so that it does not set others; so is the kernel, as by runc: systemd
/// rounds quotas, and on cgroup v1 makes groups in few trees.
struct PodCgroups: Sendable {
    private let hierarchy: CgroupHierarchy?
    private let names: CgroupNames
    /// `nil` where we make them ourselves.
    private let units: SystemdUnits?
    /// As many processes and threads as one pod may have; `nil` for any number.
    private let mostProcesses: Int?
    private let burstable = BurstableShare()

    /// Whether the machine has cgroup v2 alone.
    var isUnified: Bool { hierarchy?.version == .v2 }

    /// On a machine whose control groups cannot be told the runtime is left to itself.
    init(_ options: KubeletOptions, log: Logger) {
        names = options.cgroupNames
        units = options.systemdUnits
        mostProcesses = options.podProcesses
        guard options.dividesCgroups else {
            hierarchy = nil
            return
        }
        do throws(Fault) { hierarchy = try CgroupHierarchy.detect() } catch {
            hierarchy = nil
            log.warning("pods get no control groups of their own: \(error)")
        }
    }

    private func group(_ path: String) -> Cgroup? { hierarchy.map { Cgroup(path, in: $0) } }

    private func group(_ pod: Pod) -> Cgroup? {
        group(names.path(podUID: pod.metadata.uid, QualityOfService(pod)))
    }

    /// Makes a group; systemd is told its limits, the kernel by the caller.
    private func make(_ path: String, _ limits: SliceLimits) async throws(Fault) -> Cgroup? {
        guard let group = group(path) else { return nil }
        if let units { try await units.make(path, limits, group.hierarchy.version) }
        try group.create()
        return group
    }

    /// The classes: best-effort pods get what the others leave.
    func prepare() async throws(Fault) {
        _ = try await make(names.path(of: .guaranteed), SliceLimits())
        _ = try await make(names.path(of: .burstable), SliceLimits())
        try await make(names.path(of: .bestEffort), SliceLimits(shares: 2))?.setProcessorShares(2)
    }

    /// The pod counts with what it asks for, from now on or still, in the weight of its class.
    func weigh(_ pod: Pod) async throws(Fault) {
        let isBurstable = QualityOfService(pod) == .burstable
        try await weigh(pod.metadata.uid, isBurstable ? CgroupValues.milliCPU(ofPod: pod.spec) : nil)
    }

    private func weigh(_ uid: String, _ milliCPU: Int64?) async throws(Fault) {
        guard let group = group(names.path(of: .burstable)) else { return }
        try await burstable.change(uid, milliCPU) { shares throws(Fault) in
            if let units { try await units.set(group.path, SliceLimits(shares: shares), group.hierarchy.version) }
            try group.setProcessorShares(UInt64(shares))
        }
    }

    /// Makes the group of a pod; one that is there gets its limits again. `hasQuota`: the time of processors is limited.
    func create(_ pod: Pod, hasQuota: Bool = true) async throws(Fault) {
        try await weigh(pod)
        var values = CgroupValues(ofPod: pod.spec)
        if !hasQuota { values.cpuQuota = nil }
        var limits = SliceLimits(values, lifts: false)
        limits.tasks = mostProcesses.map { UInt64(clamping: $0) }
        let path = names.path(podUID: pod.metadata.uid, QualityOfService(pod))
        guard let group = try await make(path, limits) else { return }
        try group.setProcessorShares(UInt64(values.cpuShares))
        if values.cpuQuota != nil { try group.setProcessorQuota(values.processorQuota) }
        if let limit = values.memoryLimit { try group.setMemoryLimit(ByteCount(limit)) }
        if let mostProcesses { try group.setProcessLimit(mostProcesses) }
    }

    /// Changes the limits of a pod that runs; what it has no limit for any more is lifted.
    func set(_ values: CgroupValues, _ pod: Pod) async throws(Fault) {
        guard let group = group(pod) else { return }
        if let units { try await units.set(group.path, SliceLimits(values, lifts: true), group.hierarchy.version) }
        try group.setProcessorShares(UInt64(values.cpuShares))
        try group.setProcessorQuota(values.processorQuota)
        try group.setMemoryLimit(values.memoryLimit.map { ByteCount($0) })
    }

    /// How many processes and threads the pod has; `nil` where nobody counts.
    func processCount(_ pod: Pod) -> Int? {
        guard let group = group(pod) else { return nil }
        return (try? group.usage())?.processCount
    }

    /// Bytes that the pod uses and that cannot simply be dropped; `nil` where nobody counts.
    func memoryUsed(_ pod: Pod) -> Int64? {
        guard let group = group(pod) else { return nil }
        return (try? group.usage())?.memory.workingSet.bytes
    }

    /// The uids of pods that have a group in which no process is.
    func emptyPods() -> [String] {
        QualityOfService.allCases.flatMap { quality -> [String] in
            guard let parent = group(names.path(of: quality)) else { return [] }
            return ((try? parent.children()) ?? []).compactMap { name in
                guard let uid = names.podUID(ofGroup: name, in: quality) else { return nil }
                let isEmpty = (try? parent.child(name).processes(recursive: true))?.isEmpty ?? false
                return isEmpty ? uid : nil
            }
        }
    }

    /// Removes the group of a pod of which the runtime has nothing any more: what still runs in it was begun by a
    /// runtime that was killed in the middle, is nobody's, and is killed. Fails (conflict) until that has ended.
    func clear(podUID: String) async throws(Fault) {
        do throws(Fault) { try await remove(podUID: podUID) } catch {
            for quality in QualityOfService.allCases {
                for pid in try group(names.path(podUID: podUID, quality))?.processes(recursive: true) ?? [] {
                    try ProcessIdentity(pid: pid)?.send(.kill)
                }
            }
            throw error
        }
    }

    /// Removes the group of a pod whose processes have ended.
    func remove(podUID: String) async throws(Fault) {
        try await weigh(podUID, nil)
        for quality in QualityOfService.allCases {
            guard let group = group(names.path(podUID: podUID, quality)) else { continue }
            if let units, group.exists {
                // Systemd would end them.
                guard try group.processes(recursive: true).isEmpty else {
                    throw Fault(.conflict, "processes run in the control group \(group.path)")
                }
                try await units.remove(group.path)
            }
            try group.remove()
        }
    }
}

extension CgroupValues {
    fileprivate var processorQuota: Cgroup.ProcessorQuota? {
        cpuQuota.map { Cgroup.ProcessorQuota(quota: .microseconds($0), period: .microseconds(cpuPeriod)) }
    }

    /// Of a whole pod: its own resources where it has some (KEP 2837), else those of its containers
    /// together, and what its runtime class costs (KEP 688). A limit counts only when every container has it. Init
    /// containers run one at a time, beside the sidecars before them.
    init(ofPod spec: PodSpec) {
        var overhead = ResourceRequirements()
        overhead.requests = spec.overhead
        func whole(_ name: String, _ list: KeyPath<ResourceRequirements, [String: String]>) -> Int64? {
            let own = spec.resources?.amount(name, of: list)
            guard let sum = own ?? Self.total(spec, { $0.amount(name, of: list) }), sum > 0 else { return nil }
            return Int64(clamping: Int128(sum) + Int128(overhead.amount(name, of: \.requests) ?? 0))
        }
        self.init(ResourceRequirements())
        let limit = whole("cpu", \.limits)
        cpuShares = Self.shares(milliCPU: Self.milliCPU(ofPod: spec))
        cpuQuota = limit.flatMap { Self.quota(milliCPU: $0) }
        memoryLimit = whole("memory", \.limits)
    }

    /// What a whole pod asks for of the processors, in thousandths of a core.
    static func milliCPU(ofPod spec: PodSpec) -> Int64 {
        var overhead = ResourceRequirements()
        overhead.requests = spec.overhead
        let requested =
            spec.resources?.amount("cpu", of: \.requests) ?? spec.resources?.amount("cpu", of: \.limits)
            ?? total(spec) { $0.amount("cpu", of: \.requests) ?? $0.amount("cpu", of: \.limits) ?? 0 } ?? 0
        return Int64(clamping: Int128(requested) + Int128(overhead.amount("cpu", of: \.requests) ?? 0))
    }

    /// The sum over the containers of a pod; `nil` when one of them has no amount.
    static func total(
        _ spec: PodSpec, _ amount: (ResourceRequirements) -> Int64?
    ) -> Int64? {
        // Amounts of 64 bits each, of which users write any number.
        var (sidecars, most, sum) = (Int128(0), Int128(0), Int128(0))
        for container in spec.initContainers {
            guard let own = amount(container.resources) else { return nil }
            if container.restartPolicy == "Always" { sidecars += Int128(own) }
            most = max(most, container.restartPolicy == "Always" ? sidecars : sidecars + Int128(own))
        }
        for container in spec.containers {
            guard let own = amount(container.resources) else { return nil }
            sum += Int128(own)
        }
        return Int64(clamping: max(most, sum + sidecars))
    }
}
