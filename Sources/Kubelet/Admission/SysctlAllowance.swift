import API
import Support

/// Which kernel parameters pods may set on this node (Kubernetes documentation, "Using sysctls in a Kubernetes
/// Cluster").
struct SysctlAllowance: Hashable, Sendable {
    /// Parameters that concern a pod alone and cannot harm another one.
    private static let safe: Set<String> = [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    ]
    /// What k3s allows besides, for service load balancers that run as pods.
    private static let forwarding: Set<String> = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]

    /// Whose copy of a parameter a pod has.
    private enum Namespace {
        case network
        case ipc

        /// `nil` for what all of the machine shares.
        init?(of name: String) {
            if name.hasPrefix("net.") {
                self = .network
            } else if name == "kernel.sem" || ["kernel.shm", "kernel.msg", "fs.mqueue."].contains(where: name.hasPrefix) {
                self = .ipc
            } else {
                return nil
            }
        }
    }

    /// What the node allows besides: names, or beginnings of names with `*` behind.
    let unsafe: [String]

    init() { unsafe = [] }

    /// Fails with `invalid` for a name that is none, and for a parameter that pods have no copy of.
    init(unsafe: [String]) throws(Fault) {
        for pattern in unsafe {
            let name = Self.normal(pattern.hasSuffix("*") ? String(pattern.dropLast()) : pattern)
            let isName = !name.isEmpty && name.utf8.allSatisfy { byte in
                byte > 32 && byte < 127 && byte != UInt8(ascii: "*")
            }
            guard isName, Namespace(of: name) != nil else {
                throw Fault(.invalid, "the sysctls \"\(pattern)\" are not known to be namespaced")
            }
        }
        self.unsafe = unsafe.map(Self.normal)
    }

    /// Names may be written with slashes.
    private static func normal(_ name: String) -> String { String(name.map { $0 == "/" ? "." : $0 }) }

    /// Why a pod must not run here; `nil` when nothing that it sets is in the way.
    func refusal(of spec: PodSpec) -> String? {
        for sysctl in spec.securityContext?.sysctls ?? [] {
            let name = Self.normal(sysctl.name)
            guard allows(name) else { return "forbidden sysctl: \"\(sysctl.name)\" not allowlisted" }
            switch Namespace(of: name) {
            case .network where spec.hostNetwork:
                return "forbidden sysctl: \"\(sysctl.name)\" not allowed with host net enabled"
            case .ipc where spec.hostIPC:
                return "forbidden sysctl: \"\(sysctl.name)\" not allowed with host ipc enabled"
            default: continue
            }
        }
        return nil
    }

    private func allows(_ name: String) -> Bool {
        Self.safe.contains(name) || Self.forwarding.contains(name)
            || unsafe.contains { $0.hasSuffix("*") ? name.hasPrefix($0.dropLast()) : name == $0 }
    }
}
