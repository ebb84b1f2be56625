import API
import APIMachinery
import Support

/// What a ServiceCIDR needs: to be kept while services have addresses of it, and to be let go when none has (KEP-1880).
///
/// Pure; its shell is ``ServiceRanges``.
struct ServiceRangeDecision: Sendable {
    enum Action: Hashable, Sendable {
        case protect
        case tell(Status)
        case release
        case wait(Duration)
        case nothing
    }

    enum Status: Hashable, Sendable {
        case ready
        case terminating

        var message: String {
            switch self {
            case .ready: "Kubernetes Service CIDR is ready"
            case .terminating:
                "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"
            }
        }
    }

    static let finalizer = "networking.k8s.io/service-cidr-finalizer"
    static let conditionType = "Ready"
    /// An address may be on its way to a service while the range is deleted.
    static let grace: Duration = .seconds(10)

    let range: ServiceCIDR
    /// All other ranges that stay.
    let others: [ServiceCIDR]
    /// All addresses that services have.
    let addresses: [Support.IPAddress]
    let now: Timestamp

    var action: Action {
        guard let deleted = range.metadata.deletionTimestamp else {
            guard range.metadata.finalizers.contains(Self.finalizer) else { return .protect }
            return isReady ? .nothing : .tell(.ready)
        }
        guard range.metadata.finalizers.contains(Self.finalizer) else { return .nothing }
        if isReady || condition == nil { return .tell(.terminating) }
        guard !isNeeded else { return .nothing }
        let due = deleted + Self.grace
        return due > now ? .wait(due - now) : .release
    }

    /// The status with the condition.
    func status(_ status: Status) -> ServiceCIDRStatus {
        var result = range.status
        var conditions = result.conditions
        conditions.set(
            Self.conditionType, status == .ready, reason: status == .ready ? "" : "Terminating",
            message: status.message, at: now)
        result.conditions = conditions
        return result
    }

    private var condition: Condition? { range.status.conditions.first { $0.type == Self.conditionType } }

    private var isReady: Bool { condition?.status == "True" }

    /// Whether an address lies in this range and in no other.
    private var isNeeded: Bool {
        let own = Self.prefixes(of: range)
        let rest = others.flatMap(Self.prefixes)
        return addresses.contains { address in
            own.contains { $0.contains(address) } && !rest.contains { $0.contains(address) }
        }
    }

    private static func prefixes(of range: ServiceCIDR) -> [IPPrefix] { range.spec.cidrs.compactMap { IPPrefix($0) } }
}
