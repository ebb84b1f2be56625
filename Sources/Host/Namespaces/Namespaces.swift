import CLinux

/// Kinds of namespaces (namespaces(7)), each a view of one thing that the machine shares out.
public struct Namespaces: OptionSet, Hashable, Sendable {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// Whose ids are whose. Whoever makes it may make the others too, without being root.
    public static let users = Namespaces(rawValue: linux_new_user_namespace)
    public static let mounts = Namespaces(rawValue: linux_new_mount_namespace)
    public static let network = Namespaces(rawValue: linux_new_network_namespace)
    /// Processes: when the first in it ends, all others do.
    public static let processes = Namespaces(rawValue: linux_new_process_namespace)
    public static let hostName = Namespaces(rawValue: linux_new_host_name_namespace)
    public static let communication = Namespaces(rawValue: linux_new_ipc_namespace)
    /// The group in which the child begins is the root of what it sees.
    public static let cgroups = Namespaces(rawValue: linux_new_cgroup_namespace)
}
