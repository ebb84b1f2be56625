import Support

/// What of a node's reservations the kernel holds, by control groups (Kubernetes documentation, "Reserve
/// Compute Resources for System Daemons", "Enforcing Node Allocatable"). Pure.
public struct AllocatableEnforcement: Hashable, Sendable {
    /// Whose share is held.
    enum Share: String, Hashable, Sendable, CaseIterable {
        case pods
        case system = "system-reserved"
        case kube = "kube-reserved"
        /// Only what processes can be held back from without harm: processor time.
        case systemCompressible = "system-reserved-compressible"
        case kubeCompressible = "kube-reserved-compressible"

        var isCompressible: Bool { self == .systemCompressible || self == .kubeCompressible }

        /// Whose reservation it is; `nil` for the pods, which get the rest.
        var owner: NodeReservation.Owner? {
            switch self {
            case .pods: nil
            case .system, .systemCompressible: .system
            case .kube, .kubeCompressible: .kube
            }
        }
    }

    /// What a group is held to.
    struct Limits: Hashable, Sendable {
        /// A weight against other groups.
        var shares: Int64?
        /// Bytes.
        var memory: Int64?
        var processes: Int64?
    }

    var shares: Set<Share> = [.pods]
    /// The groups of those for whom something is reserved, as paths from the root of all groups.
    var groups: [NodeReservation.Owner: String] = [:]

    public init() {}

    /// Takes `pods,kube-reserved`, or `none`. The faults are in the words of Kubernetes.
    mutating func set(_ list: String) throws(Fault) {
        let names = list.split(separator: ",").map(String.init)
        guard !names.contains("none") || names.count == 1 else {
            throw Fault(
                .invalid,
                "invalid configuration: enforceNodeAllocatable (--enforce-node-allocatable) may not contain additional "
                    + "enforcements when \"none\" is specified")
        }
        shares = []
        for name in names where name != "none" {
            guard let share = Share(rawValue: name) else {
                let known = (Share.allCases.map(\.rawValue) + ["none"]).map { QuotedText.quoted($0) }
                throw Fault(
                    .invalid,
                    "invalid configuration: option \(QuotedText.quoted(name)) specified for enforceNodeAllocatable "
                        + "(--enforce-node-allocatable). Valid options are \(known.joined(separator: ", "))")
            }
            shares.insert(share)
        }
    }

    /// Whether each share has a group. Without groups for pods nothing is held (`isPossible` false).
    func check(isPossible: Bool) throws(Fault) {
        guard isPossible || shares.isEmpty else {
            throw Fault(
                .invalid,
                "invalid configuration: enforceNodeAllocatable (--enforce-node-allocatable) is not supported unless "
                    + "cgroupsPerQOS (--cgroups-per-qos) is set to true")
        }
        for share in shares.sorted(by: { $0.rawValue < $1.rawValue }) {
            guard let owner = share.owner, groups[owner, default: ""].isEmpty else { continue }
            let field = owner == .system ? "systemReservedCgroup" : "kubeReservedCgroup"
            throw Fault(
                .invalid,
                "invalid configuration: \(field) (--\(owner.rawValue)-cgroup) must be specified when "
                    + "\(QuotedText.quoted(share.rawValue)) included in enforceNodeAllocatable "
                    + "(--enforce-node-allocatable)")
        }
    }

    /// What all pods together are held to. What they may have is the rest, where that is enforced; their
    /// weight against others must be said in any case, because a group that nobody speaks of weighs little.
    func podLimits(_ capacity: NodeCapacity, mostProcesses: Int64?) -> Limits {
        let isEnforced = shares.contains(.pods)
        func rest(_ whole: Int64, _ name: String) -> Int64 {
            let kept = isEnforced ? capacity.reservation.amounts[name] ?? 0 : 0
            return Int64(clamping: max(Int128(whole) - Int128(kept), 0))
        }
        return Limits(
            shares: CgroupValues.shares(milliCPU: rest(Int64(capacity.processors) * 1000, "cpu")),
            memory: rest(capacity.memory, "memory"), processes: mostProcesses.map { rest($0, "pid") })
    }

    /// What the group of a share is held to, where something is reserved for it.
    func limits(_ share: Share, _ reservation: NodeReservation) -> Limits? {
        guard let owner = share.owner, let amounts = reservation.parts[owner], !amounts.isEmpty else {
            return nil
        }
        var limits = Limits(shares: amounts["cpu"].map { CgroupValues.shares(milliCPU: $0) })
        if !share.isCompressible { (limits.memory, limits.processes) = (amounts["memory"], amounts["pid"]) }
        return limits
    }
}
