public import Support

/// What runs pods: the part of the container runtime interface (`runtime.v1.RuntimeService`) that a kubelet
/// uses.
///
/// Implemented by ``CRIClient`` for a real runtime, and by the simulator. The methods are those of the
/// interface under its names; each fails with a ``Support/Fault`` whose code is `notFound` for an id that is
/// not there, `unavailable` when the runtime does not answer now, and whose cause is the runtime's own gRPC
/// status.
public protocol RuntimeService: Sendable {
    /// What stands before the ids of containers in the API, `containerd` of `containerd://<id>`.
    var idScheme: String { get }
    func version() async throws(Fault) -> CRI.Version
    /// Whether containers and pod networks can be had.
    func status() async throws(Fault) -> CRI.StatusResponse
    /// Who makes control groups (KEP 4033); `nil` from a runtime that does not tell, as containerd before 2.0.
    func cgroupDriver() async throws(Fault) -> CRI.LinuxRuntimeConfiguration.CgroupDriver?

    /// Makes and starts a sandbox, its network included; returns its id. `handler` is empty for the default
    /// runtime.
    func runPodSandbox(_ config: CRI.PodSandboxConfig, handler: String) async throws(Fault) -> String
    /// Ends everything in it and gives its network back. One that is stopped or gone already is no fault.
    func stopPodSandbox(_ id: String) async throws(Fault)
    /// Stops it if need be, and forgets it and its containers.
    func removePodSandbox(_ id: String) async throws(Fault)
    func podSandboxStatus(_ id: String) async throws(Fault) -> CRI.PodSandboxStatus
    func listPodSandboxes(_ filter: CRI.PodSandboxFilter) async throws(Fault) -> [CRI.PodSandbox]

    /// Makes a container from an image that is there; returns its id.
    func createContainer(
        in sandbox: String, _ config: CRI.ContainerConfig, sandboxConfig: CRI.PodSandboxConfig
    ) async throws(Fault) -> String
    func startContainer(_ id: String) async throws(Fault)
    /// Asks it to stop, and kills it after `timeout`, which counts in whole seconds, rounded up; returns when it has
    /// ended. One that is stopped is no fault.
    func stopContainer(_ id: String, timeout: Duration) async throws(Fault)
    func removeContainer(_ id: String) async throws(Fault)
    func containerStatus(_ id: String) async throws(Fault) -> CRI.ContainerStatus
    func listContainers(_ filter: CRI.ContainerFilter) async throws(Fault) -> [CRI.Container]
    /// Changes the limits of a running container.
    func updateContainerResources(
        _ id: String, _ resources: CRI.LinuxContainerResources, annotations: [String: String]
    ) async throws(Fault)
    /// The log was renamed: the runtime begins a new file.
    func reopenContainerLog(_ id: String) async throws(Fault)
    /// Writes a running container, the memory of its processes included, into an archive that is not there yet; the
    /// container goes on (KEP-2008). `path` is absolute, on the host. It may take at least as long as other calls,
    /// `timeout` if that is longer. The fault is `unsupported` when the runtime cannot do it.
    func checkpointContainer(_ id: String, to path: String, timeout: Duration) async throws(Fault)

    /// Runs a command to its end, at most `timeout` long (`nil`: without limit); then the fault is
    /// `timedOut`.
    func execSync(
        _ id: String, _ command: [String], timeout: Duration?
    ) async throws(Fault) -> CRI.ExecSyncResponse
    /// Each returns the URL of the runtime's streaming server, good for one connection (SPDY or WebSocket).
    func exec(_ id: String, _ command: [String], _ streams: CRI.Streams) async throws(Fault) -> String
    func attach(_ id: String, _ streams: CRI.Streams) async throws(Fault) -> String
    func portForward(_ sandbox: String) async throws(Fault) -> String

    func containerStats(_ id: String) async throws(Fault) -> CRI.ContainerStats
    func listContainerStats(_ filter: CRI.ContainerStatsFilter) async throws(Fault) -> [CRI.ContainerStats]
    func podSandboxStats(_ id: String) async throws(Fault) -> CRI.PodSandboxStats

    /// Tells `body` of every change to a container or a sandbox, from before this call reaches the runtime
    /// on, until the connection is lost (then it throws, `unavailable`) or the task is cancelled. `ready` is
    /// called when from now on nothing is missed: whoever lists the containers after that knows all.
    func containerEvents(
        ready: @Sendable () async -> Void, _ body: @Sendable (ContainerEvent) async -> Void
    ) async throws(Fault)
}

extension RuntimeService {
    public var idScheme: String { "containerd" }
    public func cgroupDriver() async throws(Fault) -> CRI.LinuxRuntimeConfiguration.CgroupDriver? { nil }
}

/// What holds the images (`runtime.v1.ImageService`). See ``RuntimeService`` for how its methods fail.
public protocol ImageService: Sendable {
    /// Brings an image here and returns its id. May take as long as the network takes.
    func pullImage(
        _ image: CRI.ImageSpec, auth: CRI.AuthConfig?, sandboxConfig: CRI.PodSandboxConfig?
    ) async throws(Fault) -> String
    func listImages() async throws(Fault) -> [CRI.Image]
    /// `nil` when it is not here.
    func imageStatus(_ image: CRI.ImageSpec) async throws(Fault) -> CRI.Image?
    /// One that is not here is no fault.
    func removeImage(_ image: CRI.ImageSpec) async throws(Fault)
    func imageFilesystems() async throws(Fault) -> CRI.ImageFilesystems
    /// Mounts the files of an image that is here at `path` on the host, read-only, for a runtime that cannot mount images
    /// in containers (KEP 4639); `false`, and nothing done, for one that can. The image must stay as long as the mount.
    func mountImage(_ id: String, at path: String) async throws(Fault) -> Bool
}

extension CRI {
    /// Which streams of a process a client wants. With a terminal there is no separate error stream.
    public struct Streams: Hashable, Sendable {
        public var isTerminal: Bool
        public var stdin: Bool
        public var stdout: Bool
        public var stderr: Bool

        public init(isTerminal: Bool = false, stdin: Bool = false, stdout: Bool = true, stderr: Bool = true) {
            self.isTerminal = isTerminal
            self.stdin = stdin
            self.stdout = stdout
            self.stderr = stderr && !isTerminal
        }
    }
}

/// Something happened to a container or a sandbox: a reason to look at it, not the whole truth about it.
public struct ContainerEvent: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case created
        case started
        /// Its first process has ended, and its status says so.
        case exited
        /// The kernel killed one of its processes for memory.
        case outOfMemory
        /// It is forgotten.
        case deleted
    }

    public var kind: Kind
    /// Of a container, or of a sandbox, which is one too.
    public var id: String

    public init(_ kind: Kind, _ id: String) {
        self.kind = kind
        self.id = id
    }
}
