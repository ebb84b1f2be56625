/// Where containerd and what belongs to it live. Every path is free, so that several nodes fit on one
/// machine.
public struct ContainerdLayout: Hashable, Sendable {
    /// Images and containers (`A/containerd`).
    public var root: String
    /// Sockets and what is gone after a reboot.
    public var state: String
    /// The socket of the container runtime interface.
    public var socket: String
    /// Its configuration, and below it that of the registries.
    public var configuration: String
    /// The network configuration that its plugins read.
    public var cniConfiguration: String
    /// Archives of images that are imported at a start.
    public var images: String
    /// Which of them were, so that the next start need not.
    public var importedImages: String
    /// What it prints.
    public var log: String

    /// The folders of a k3s node.
    public init(dataDirectory: String = "/var/lib/rancher/k3s", runDirectory: String = "/run/k3s") {
        let agent = dataDirectory + "/agent"
        root = agent + "/containerd"
        state = runDirectory + "/containerd"
        socket = state + "/containerd.sock"
        configuration = agent + "/etc/containerd"
        cniConfiguration = agent + "/etc/cni/net.d"
        images = agent + "/images"
        importedImages = agent + "/imported-images.json"
        log = root + "/containerd.log"
    }

    var configurationFile: String { configuration + "/config.toml" }
    var registryFolder: String { configuration + "/certs.d" }
    /// Held by the k3s that looks after it.
    var lock: String { state + "/k3s.lock" }
    /// What is remembered of the process, to adopt it later.
    var processRecord: String { state + "/k3s-process.json" }
}
