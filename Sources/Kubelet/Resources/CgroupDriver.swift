public import Host

/// Who makes the control groups of pods and containers: the kubelet and the runtime themselves, or systemd, which they ask.
/// Both must do the same (Kubernetes documentation, "Container Runtimes", "cgroup drivers").
public enum CgroupDriver: String, Hashable, Sendable {
    case cgroupfs
    case systemd

    /// As k3s chooses where nobody says: systemd where it is the machine's own, runs us as its service and leaves us the
    /// controller `cpuset`. That is one of cgroup v2; of v1 systemd knows too little.
    public static func suited(
        to hierarchy: CgroupHierarchy?, isServiceOfSystemd: Bool, isInUserNamespace: Bool
    ) -> CgroupDriver {
        guard let hierarchy, hierarchy.version == .v2, hierarchy.roots[.cpuset] == hierarchy.unifiedRoot else {
            return .cgroupfs
        }
        return isServiceOfSystemd && !isInUserNamespace ? .systemd : .cgroupfs
    }
}
