import Host

/// Where a node keeps what it needs beyond the containers themselves. Nothing in the kubelet knows another
/// path, so that several nodes fit on one machine.
public struct KubeletLayout: Hashable, Sendable {
    /// What Kubernetes calls the kubelet's root directory.
    public var root: String
    /// Logs of containers, one folder per pod, where log collectors look for them.
    public var podLogs: String
    /// Links to the logs by container name, for the same collectors.
    public var containerLogs: String
    /// Logs of the system, which the node API shows.
    public var systemLogs: String

    public init(
        root: String, podLogs: String = "/var/log/pods", containerLogs: String = "/var/log/containers",
        systemLogs: String = "/var/log"
    ) {
        self.root = root
        self.podLogs = podLogs
        self.containerLogs = containerLogs
        self.systemLogs = systemLogs
    }

    public var pods: String { Path.join(root, "pods") }

    public func pod(_ uid: String) -> String { Path.join(pods, uid) }

    /// The folder of a volume; `plugin` is the name of its kind with `~` for `/`, as in
    /// `kubernetes.io~empty-dir`.
    public func volume(_ name: String, plugin: String, podUID: String) -> String {
        Path.join(pod(podUID), "volumes/\(plugin)/\(name)")
    }

    /// Where the runtime writes checkpoints of containers.
    var checkpoints: String { Path.join(root, "checkpoints") }

    /// Where plug-ins make the sockets by which they register.
    var pluginRegistry: String { Path.join(root, "plugins_registry") }

    /// Where device plug-ins register, and what containers have of them is written down.
    var devicePlugins: String { Path.join(root, "device-plugins") }

    /// Where is written down which claims to devices were made ready for whom.
    var deviceClaims: String { Path.join(root, "dra_manager_state") }

    /// Where is written down whose credentials brought which image.
    var imageRecords: String { Path.join(root, "image_manager") }

    /// Where monitoring asks which container has which device.
    var podResources: String { Path.join(root, "pod-resources/kubelet.sock") }

    /// `<namespace>_<name>_<uid>`; below it a folder per container with the files `<restart count>.log`.
    public func logFolder(namespace: String, name: String, uid: String) -> String {
        Path.join(podLogs, "\(namespace)_\(name)_\(uid)")
    }
}
