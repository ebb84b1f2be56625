public import Host
public import Support

/// Whether a k3s without root has control groups to divide among pods.
public enum RootlessCgroups: String, Hashable, Sendable {
    case delegated
    /// Pods run without limits.
    case none

    /// As k3s: without the controllers `cpu` and `pids` of cgroup v2, left to the user, there is no start.
    /// One who wants none for pods says so to the kubelet, and can do without.
    public init(_ delegation: CgroupDelegation?, areWanted: Bool) throws(Fault) {
        if let delegation, delegation.isWritable, delegation.controllers.isSuperset(of: ["cpu", "pids"]) {
            self = areWanted ? .delegated : .none
            return
        }
        guard areWanted else {
            self = .none
            return
        }
        throw Fault(
            .unsupported,
            "delegated cgroup v2 controllers are required for rootless: \(Self.lack(delegation))",
            remedy:
                "start k3s as a service of the user with Delegate=yes (systemd-run --user -p Delegate=yes --tty k3s "
                + "server --rootless), or run pods without limits: --kubelet-arg=cgroups-per-qos=false "
                + "--kubelet-arg=enforce-node-allocatable=none")
    }

    private static func lack(_ delegation: CgroupDelegation?) -> String {
        guard let delegation else { return "this machine has no cgroup v2" }
        guard delegation.isWritable else { return "\(delegation.directory) is not this user's" }
        let missing = ["cpu", "pids"].filter { !delegation.controllers.contains($0) }
        return "\(delegation.directory) lacks " + missing.joined(separator: " and ")
    }
}
