import API
import Support

/// What a node can do for pods that not every node can.
struct NodeAbilities: Hashable, Sendable {
    var sysctls = SysctlAllowance()
    /// The kernel confines processes by AppArmor.
    var hasAppArmor = true
    /// The runtime can leave the groups of an image's users out (KEP 3619).
    var hasStrictGroups = true
}

/// Whether this node runs a pod at all.
enum PodAdmission {
    /// Why the pod fails at once; `nil` when it does not.
    static func refusal(of spec: PodSpec, _ node: NodeAbilities) -> PodEnd? {
        if let why = node.sysctls.refusal(of: spec) { return .refused("SysctlForbidden", why) }
        if spec.hasStrictGroups, !node.hasStrictGroups {
            return .refused(
                "SupplementalGroupsPolicyNotSupported", "SupplementalGroupsPolicy=Strict is not supported in this node")
        }
        if spec.asksForAppArmor, !node.hasAppArmor {
            return .refused("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host")
        }
        return nil
    }

    /// A pod is looked at container by container, again and again: thousands of them would keep the node from all others.
    static let mostContainers = 1000

    /// What the pod asks for that it cannot have here: it waits, and an event says so. It does not fail, since who
    /// made it would make it again at once.
    static func obstacle(to spec: PodSpec) -> Fault? {
        let count = spec.initContainers.count + spec.containers.count + spec.ephemeralContainers.count
        guard count > mostContainers else { return nil }
        return Fault(.unsupported, "a node runs no pod of more than \(mostContainers) containers")
    }
}

extension PodSpec {
    /// Whether its processes shall have the groups that it names, and no others.
    var hasStrictGroups: Bool { securityContext?.supplementalGroupsPolicy == "Strict" }

    /// Whether the pod or a container of it names a profile other than none.
    fileprivate var asksForAppArmor: Bool {
        let own = PodContainers(self).members.map(\.container.securityContext?.appArmorProfile)
        return (own + [securityContext?.appArmorProfile]).contains { $0.map { $0.type != "Unconfined" } ?? false }
    }
}
