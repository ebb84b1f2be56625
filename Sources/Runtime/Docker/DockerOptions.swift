import Host
public import Support

/// Where Docker and what belongs to it are.
public struct DockerOptions: Hashable, Sendable {
    /// Of Docker's Engine API.
    public var socket = "/var/run/docker.sock"
    /// The image of the sandboxes' first process; the built-in one stands for the one that k3s names.
    public var pauseImage = ContainerdOptions().pauseImage
    /// Where it is remembered to which network sandboxes were joined.
    public var checkpoints: String
    /// The folder that describes the pods' network, as for containerd.
    public var networkConfiguration: String
    /// Where the network plug-ins are looked for, in this order.
    public var pluginFolders = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"]
    /// How long a pull may say nothing new before it is given up; cri-dockerd's figure.
    public var pullPatience = Duration.seconds(60)
    /// No container gets a lower `oom_score_adj`.
    public var leastOOMScore: Int64 = -1000

    /// The folders of a k3s node.
    public init(dataDirectory: String = "/var/lib/rancher/k3s") {
        checkpoints = dataDirectory + "/agent/cri-dockerd/sandbox"
        networkConfiguration = ContainerdLayout(dataDirectory: dataDirectory).cniConfiguration
        pluginFolders += [dataDirectory + "/data/cni", dataDirectory + "/data/current/bin"]
    }

    /// Takes what this process, and Docker beside it, may do: without CAP_SYS_RESOURCE a process gives no other a lower
    /// `oom_score_adj` than its own.
    public mutating func detect() throws(Fault) {
        guard try !Capabilities.own().contains(.sysResource) else { return }
        let own = try Files.readText("/proc/self/oom_score_adj")
        leastOOMScore = Int64(own.filter { !$0.isWhitespace }) ?? 0
    }

    /// Whether a network plug-in is in one of the folders.
    public func hasPlugin(_ name: String) -> Bool {
        pluginFolders.contains { Files.exists(Path.join($0, name)) }
    }
}
