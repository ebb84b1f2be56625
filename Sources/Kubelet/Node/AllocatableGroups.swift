import API
import APIMachinery
import Client
import Host
import Logging
import Support

/// Holds pods, and what the machine runs beside them, to their shares of the node.
struct AllocatableGroups: Sendable {
    /// After how long it is tried again where pods use more than they shall have; Kubernetes' own number.
    private static let pause = Duration.seconds(60)

    private let enforcement: AllocatableEnforcement
    private let capacity: NodeCapacity
    private let node: Node
    private let names: CgroupNames
    private let units: SystemdUnits?
    private let hierarchy: CgroupHierarchy?
    private let events: EventRecorder
    private let log: Logger

    init(_ options: KubeletOptions, _ capacity: NodeCapacity, events: EventRecorder, log: Logger) {
        enforcement = options.enforcement
        self.capacity = capacity
        node = Node(name: options.nodeName)
        names = options.cgroupNames
        units = options.systemdUnits
        hierarchy = options.dividesCgroups ? try? CgroupHierarchy.detect() : nil
        self.events = events
        self.log = log
    }

    /// Holds the groups of those for whom something is reserved. Fails when one of them is not there.
    func holdReserved() async throws(Fault) {
        for share in AllocatableEnforcement.Share.allCases where enforcement.shares.contains(share) {
            guard let owner = share.owner, let path = enforcement.groups[owner] else { continue }
            do throws(Fault) { try await hold(path, share) } catch {
                let name = "\(owner.title) Reserved" + (share.isCompressible ? " Compressible" : "")
                let message =
                    "Failed to enforce \(name) Cgroup Limits on \(QuotedText.quoted(path)): \(error.forPeople)"
                events.record(node, .warning, reason: "FailedNodeAllocatableEnforcement", message: message)
                throw Fault(error.code, message, cause: error.cause)
            }
            events.record(
                node, reason: "NodeAllocatableEnforced",
                message: "Updated limits on \(owner.title.lowercased()) reserved cgroup \(path)")
        }
    }

    private func hold(_ path: String, _ share: AllocatableEnforcement.Share) async throws(Fault) {
        let parts = path.split(separator: "/").map { QuotedText.quoted($0) }.joined(separator: " ")
        guard let hierarchy, let limits = enforcement.limits(share, capacity.reservation) else {
            throw Fault(.invalid, "[\(parts)] cgroup is not configured properly")
        }
        let group = Cgroup(names.path(of: path), in: hierarchy)
        guard group.exists else { throw Fault(.notFound, "[\(parts)] cgroup does not exist") }
        try await set(limits, group)
    }

    private func set(_ limits: AllocatableEnforcement.Limits, _ group: Cgroup) async throws(Fault) {
        if let units { try await units.set(group.path, SliceLimits(limits), group.hierarchy.version) }
        try group.set(limits)
    }

    /// Holds all pods together, which may take until some of them have gone.
    func holdPods() async {
        guard let hierarchy else { return }
        let limits = enforcement.podLimits(capacity, mostProcesses: NodeAmounts.mostProcesses)
        let pods = names.path(["kubepods"])
        let group = Cgroup(pods, in: hierarchy)
        while !Task.isCancelled {
            do throws(Fault) {
                try await set(limits, group)
                events.record(
                    node, reason: "NodeAllocatableEnforced",
                    message: "Updated Node Allocatable limit across pods")
                return
            } catch {
                let message =
                    "Failed to update Node Allocatable Limits [\(QuotedText.quoted(pods.dropFirst()))]: \(error.forPeople)"
                log.warning("\(message)")
                // A machine without a controller does not get one.
                guard error.code != .unsupported else { return }
                events.record(node, .warning, reason: "FailedNodeAllocatableEnforcement", message: message)
            }
            try? await Task.sleep(for: Self.pause)
        }
    }
}

extension Cgroup {
    /// Sets what is given.
    fileprivate func set(_ limits: AllocatableEnforcement.Limits) throws(Fault) {
        if let shares = limits.shares { try setProcessorShares(UInt64(clamping: shares)) }
        if let memory = limits.memory { try setMemoryLimit(ByteCount(memory)) }
        if let processes = limits.processes { try setProcessLimit(Int(clamping: processes)) }
    }
}

extension SliceLimits {
    fileprivate init(_ limits: AllocatableEnforcement.Limits) {
        shares = limits.shares
        memory = limits.memory.map { UInt64(clamping: $0) }
        tasks = limits.processes.map { UInt64(clamping: $0) }
    }
}

extension NodeReservation.Owner {
    fileprivate var title: String { self == .system ? "System" : "Kube" }
}
