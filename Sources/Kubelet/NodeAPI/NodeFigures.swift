public import Host

/// What a kernel counts of a pod that no runtime tells.
public struct PodCounters: Sendable {
    /// The network's, under the id of the sandbox; `nil` for a pod in the node's network.
    public var network: (sandboxID: String, interfaces: [InterfaceCounters])?
    /// By the ids of the containers.
    public var containers: [String: Cgroup.Counters] = [:]
    /// The whole pod's.
    public var usage: Cgroup.Usage?
    public var processes: Int?
}

/// What a pod has on the disk of its node beside the layers that its containers write to.
public struct PodStorage: Sendable {
    struct Volume: Sendable {
        var name: String
        var use: FolderUse
        var space: FileSystemSpace
        /// It is of memory.
        var isMemory: Bool
    }

    /// By the names of the containers.
    var logs: [String: FolderUse] = [:]
    /// Those that live and go with the pod.
    var volumes: [Volume] = []
}

/// How full the disks of a node are.
public struct NodeDisks: Sendable {
    /// Where volumes and logs of pods are.
    public var pods: FileSystemSpace?
    /// Where images are, and the layers that containers write to.
    public var images: FileSystemSpace?
    /// What images take of it.
    public var imageBytes: UInt64?
}

/// Who knows what monitoring asks of a kubelet.
public protocol NodeFigures: Sendable {
    /// How probes went, in the text form of Prometheus.
    var probes: [UInt8] { get }
    /// When the machine last went down in good order, in the same form; empty where it never did.
    var shutdown: [UInt8] { get }
    /// By the uids of pods. A few small files of the kernel's are read for each container.
    func counters() async -> [String: PodCounters]
    /// What all pods together use; `nil` where nobody counts.
    func allPods() -> Cgroup.Usage?
    /// By the uids of pods. Who asks pays for it by the file.
    func storage() async -> [String: PodStorage]
    /// Asks the runtime where its disk is.
    func disks() async -> NodeDisks
}
