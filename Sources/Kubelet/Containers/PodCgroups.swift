import API
import APIMachinery
import Host
import Logging
import Support

/// The control groups of pods: one for each class of pods, one in it for each pod, with the limits that its
/// containers have together. The runtime makes those of the containers below.
struct PodCgroups: Sendable {
    private let hierarchy: CgroupHierarchy?
    private let root: String
    /// As many processes and threads as one pod may have; `nil` for any number.
    private let mostProcesses: Int?

    /// Whether the machine has cgroup v2 alone.
    var isUnified: Bool { hierarchy?.version == .v2 }

    /// On a machine whose control groups cannot be told the runtime is left to itself.
    init(root: String, mostProcesses: Int? = nil, log: Logger) {
        self.root = root
        self.mostProcesses = mostProcesses
        do throws(Fault) { hierarchy = try CgroupHierarchy.detect() } catch {
            hierarchy = nil
            log.warning("pods get no control groups of their own: \(error)")
        }
    }

    private func group(_ path: String) -> Cgroup? {
        hierarchy.map { Cgroup(root == "/" ? path : root + path, in: $0) }
    }

    /// The classes: best-effort pods get what the others leave.
    func prepare() throws(Fault) {
        try group("/kubepods/burstable")?.create()
        let last = group("/kubepods/besteffort")
        try last?.create()
        try last?.setProcessorShares(2)
    }

    /// Makes the group of a pod; one that is there gets its limits again. `hasQuota`: the time of processors is limited.
    func create(_ pod: Pod, hasQuota: Bool = true) throws(Fault) {
        let path = QualityOfService(pod).cgroupParent(podUID: pod.metadata.uid)
        guard let group = group(path) else { return }
        try group.create()
        let values = CgroupValues(ofPod: pod.spec)
        try group.setProcessorShares(UInt64(values.cpuShares))
        if hasQuota, values.cpuQuota != nil { try group.setProcessorQuota(values.processorQuota) }
        if let limit = values.memoryLimit { try group.setMemoryLimit(ByteCount(limit)) }
        if let mostProcesses { try group.setProcessLimit(mostProcesses) }
    }

    /// Changes the limits of a pod that runs; what it has no limit for any more is lifted.
    func set(_ values: CgroupValues, _ pod: Pod) throws(Fault) {
        guard let group = group(QualityOfService(pod).cgroupParent(podUID: pod.metadata.uid)) else { return }
        try group.setProcessorShares(UInt64(values.cpuShares))
        try group.setProcessorQuota(values.processorQuota)
        try group.setMemoryLimit(values.memoryLimit.map { ByteCount($0) })
    }

    /// How many processes and threads the pod has; `nil` where nobody counts.
    func processCount(_ pod: Pod) -> Int? {
        guard let group = group(QualityOfService(pod).cgroupParent(podUID: pod.metadata.uid)) else { return nil }
        return (try? group.usage())?.processCount
    }

    /// Bytes that the pod uses and that cannot simply be dropped; `nil` where nobody counts.
    func memoryUsed(_ pod: Pod) -> Int64? {
        guard let group = group(QualityOfService(pod).cgroupParent(podUID: pod.metadata.uid)) else { return nil }
        return (try? group.usage())?.memory.workingSet.bytes
    }

    /// The uids of pods that have a group in which no process is.
    func emptyPods() -> [String] {
        QualityOfService.allCases.flatMap { quality -> [String] in
            // `/kubepods/burstable/pod`
            let prefix = quality.cgroupParent(podUID: "")
            guard let parent = group(Path.parent(of: prefix)) else { return [] }
            let names = ((try? parent.children()) ?? []).filter { $0.hasPrefix(Path.name(of: prefix)) }
            let empty = names.filter { (try? parent.child($0).processes(recursive: true))?.isEmpty ?? false }
            return empty.map { String($0.dropFirst(Path.name(of: prefix).count)) }
        }
    }

    /// Removes the group of a pod of which the runtime has nothing any more: what still runs in it was begun by a
    /// runtime that was killed in the middle, is nobody's, and is killed. Fails (conflict) until that has ended.
    func clear(podUID: String) throws(Fault) {
        do throws(Fault) { try remove(podUID: podUID) } catch {
            for quality in QualityOfService.allCases {
                for pid in try group(quality.cgroupParent(podUID: podUID))?.processes(recursive: true) ?? [] {
                    try ProcessIdentity(pid: pid)?.send(.kill)
                }
            }
            throw error
        }
    }

    /// Removes the group of a pod whose processes have ended.
    func remove(podUID: String) throws(Fault) {
        for quality in QualityOfService.allCases {
            try group(quality.cgroupParent(podUID: podUID))?.remove()
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
        let requested =
            spec.resources?.amount("cpu", of: \.requests) ?? spec.resources?.amount("cpu", of: \.limits)
            ?? Self.total(spec) { $0.amount("cpu", of: \.requests) ?? $0.amount("cpu", of: \.limits) ?? 0 } ?? 0
        let shared = Int128(requested) + Int128(overhead.amount("cpu", of: \.requests) ?? 0)
        cpuShares = Self.shares(milliCPU: Int64(clamping: shared))
        cpuQuota = limit.flatMap { Self.quota(milliCPU: $0) }
        memoryLimit = whole("memory", \.limits)
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
