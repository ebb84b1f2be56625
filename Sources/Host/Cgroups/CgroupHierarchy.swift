public import Support

/// Where this machine keeps its control groups: one tree per controller (v1), one tree for all (v2), or both.
public struct CgroupHierarchy: Hashable, Sendable {
    public enum Version: String, Sendable { case v1, v2 }

    /// The controllers that Kubernetes works with; others are left alone.
    public enum Controller: String, CaseIterable, Sendable {
        case cpu, cpuacct, cpuset, memory, pids, hugetlb, blkio, io, devices, freezer
    }

    /// The directory of each controller's tree. In v2 all are the same.
    public let roots: [Controller: String]
    /// The v2 tree, where there is one: on hybrid machines it is there beside the v1 trees.
    public let unifiedRoot: String?
    /// v1 trees of controllers that are not ours, and the service manager's without one (`name=systemd`).
    /// Container runtimes make groups in every tree there is, so that they have to be removed from these too.
    public let otherRoots: [String]

    /// v2 when the controllers of processors and memory are in the unified tree. A hybrid machine counts as
    /// v1.
    public var version: Version {
        unifiedRoot != nil && roots[.memory] == unifiedRoot && roots[.cpu] == unifiedRoot ? .v2 : .v1
    }

    /// The hierarchy of this machine, from its mounts.
    public static func detect() throws(Fault) -> CgroupHierarchy {
        let mounts = try Mounts.all()
        let unified = mounts.first { $0.type == "cgroup2" }?.path
        let available = unified.flatMap { try? Files.readText(Path.join($0, "cgroup.controllers")) }
        let hierarchy = CgroupHierarchy(mounts: mounts, unifiedControllers: available ?? "")
        guard !hierarchy.roots.isEmpty else {
            throw Fault(
                .unsupported, "this machine has no control groups mounted",
                remedy: "mount them under /sys/fs/cgroup (the service manager usually does)")
        }
        return hierarchy
    }

    /// Every directory that a group has to be made in.
    var trees: [String] { Set(roots.values).union(unifiedRoot.map { [$0] } ?? []).sorted() }

    /// The decision of ``detect()``, on the mounts and the `cgroup.controllers` file of the unified tree.
    init(mounts: [MountPoint], unifiedControllers: String) {
        var roots: [Controller: String] = [:]
        for mount in mounts where mount.type == "cgroup" {
            for option in mount.superOptions {
                // The first mount of a tree counts: later ones are bind mounts of the same.
                if let controller = Controller(rawValue: option), roots[controller] == nil {
                    roots[controller] = mount.path
                }
            }
        }
        otherRoots = mounts.filter { mount in
            mount.type == "cgroup" && !mount.superOptions.contains { Controller(rawValue: $0) != nil }
        }.map(\.path)
        unifiedRoot = mounts.first { $0.type == "cgroup2" }?.path
        if let unifiedRoot {
            for word in unifiedControllers.split(whereSeparator: \.isWhitespace) {
                if let controller = Controller(rawValue: String(word)) { roots[controller] = unifiedRoot }
            }
            // v2 always counts processor time, without a controller of that name.
            if roots[.cpu] == unifiedRoot { roots[.cpuacct] = unifiedRoot }
        }
        self.roots = roots
    }

    init(roots: [Controller: String], unifiedRoot: String?, otherRoots: [String] = []) {
        self.roots = roots
        self.unifiedRoot = unifiedRoot
        self.otherRoots = otherRoots
    }
}
