import API
import Support

/// Whether this node runs a pod at all.
enum PodAdmission {
    /// Kernel parameters that concern a pod alone and cannot harm another one (Kubernetes documentation,
    /// "Using sysctls in a Kubernetes Cluster").
    private static let safe: Set<String> = [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    ]
    /// What k3s allows besides, for service load balancers that run as pods.
    private static let allowed: Set<String> = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]

    /// Why the pod fails at once; `nil` when it does not.
    static func refusal(of spec: PodSpec) -> PodEnd? {
        for sysctl in spec.securityContext?.sysctls ?? [] {
            let name = String(sysctl.name.map { $0 == "/" ? "." : $0 })
            guard safe.contains(name) || allowed.contains(name) else {
                return forbidden("\"\(sysctl.name)\" not allowlisted")
            }
            guard !spec.hostNetwork || !name.hasPrefix("net.") else {
                return forbidden("\"\(sysctl.name)\" not allowed with host net enabled")
            }
            guard !spec.hostIPC || !name.hasPrefix("kernel.shm") else {
                return forbidden("\"\(sysctl.name)\" not allowed with host ipc enabled")
            }
        }
        return nil
    }

    /// A pod is looked at container by container, again and again: thousands of them would keep the node from all others.
    static let mostContainers = 1000

    /// What the pod asks for that it cannot have here: it waits, and an event says so. It does not fail, since who
    /// made it would make it again at once, and without what it asks for it must not run.
    static func obstacle(to spec: PodSpec, hasAppArmor: Bool) -> Fault? {
        let count = spec.initContainers.count + spec.containers.count + spec.ephemeralContainers.count
        guard count <= mostContainers else {
            return Fault(.unsupported, "a node runs no pod of more than \(mostContainers) containers")
        }
        guard !hasAppArmor, spec.asksForAppArmor else { return nil }
        return Fault(.unsupported, "Cannot enforce AppArmor: AppArmor is not enabled on the host")
    }

    private static func forbidden(_ why: String) -> PodEnd {
        .refused("SysctlForbidden", "forbidden sysctl: " + why)
    }
}

extension PodSpec {
    /// Whether the pod or a container of it names a profile other than none.
    fileprivate var asksForAppArmor: Bool {
        let own = PodContainers(self).members.map(\.container.securityContext?.appArmorProfile)
        return (own + [securityContext?.appArmorProfile]).contains { $0.map { $0.type != "Unconfined" } ?? false }
    }
}
