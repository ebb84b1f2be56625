import API
import Support

/// What the runtime holds of one pod at one moment. Newest first, everywhere.
struct RuntimePod: Hashable, Sendable {
    struct Sandbox: Hashable, Sendable {
        var id: String
        /// How many sandboxes the pod had before this one.
        var attempt: UInt32
        var isReady: Bool
        /// Empty in the node's network, and for a sandbox whose addresses nobody asked for.
        var ips: [String] = []
    }

    struct Container: Hashable, Sendable {
        enum State: Hashable, Sendable { case created, running, exited, unknown }

        var id: String
        var name: String
        /// How often the container of this name was made before.
        var attempt: UInt32
        var sandboxID: String
        var state: State
        var createdAt: Timestamp
        var startedAt: Timestamp?
        var finishedAt: Timestamp?
        var exitCode: Int32 = 0
        var reason = ""
        var message = ""
        /// As it was asked for, as the runtime resolved it, and the digest of its configuration.
        var image = ""
        var imageRef = ""
        /// As it was made with: the digest of the image's configuration.
        var imageID = ""
        /// The ``ContainerFingerprint`` of what it was made from.
        var fingerprint = ""
        var logPath = ""
        /// The resources that the pod had for it when it was made; `nil` where nobody wrote that down.
        var madeWith: ResourceRequirements?
        /// The resources that the pod had as a whole then; `nil` for none.
        var podMadeWith: ResourceRequirements?
        /// The runtime's name in the container's id, as the API has it.
        var scheme = "containerd"
        /// Where it has mounts that are read-only with all below them, as paths inside.
        var recursiveReadOnly: Set<String> = []
        /// What the runtime says that it has now; `nil` where it does not.
        var values: CgroupValues?

        var isRunning: Bool { state == .running || state == .unknown }
    }

    var sandboxes: [Sandbox] = []
    var containers: [Container] = []

    init(sandboxes: [Sandbox] = [], containers: [Container] = []) {
        self.sandboxes = sandboxes.sorted { ($0.attempt, $0.id) > ($1.attempt, $1.id) }
        self.containers = containers.sorted { ($0.attempt, $0.createdAt) > ($1.attempt, $1.createdAt) }
    }

    var isEmpty: Bool { sandboxes.isEmpty && containers.isEmpty }

    /// The sandbox that new containers go into.
    var sandbox: Sandbox? { sandboxes.first.flatMap { $0.isReady ? $0 : nil } }

    /// The latest instance of a container, whichever sandbox it is in.
    func newest(_ name: String) -> Container? { containers.first { $0.name == name } }

    /// The instance before the latest one.
    func previous(_ name: String) -> Container? {
        containers.lazy.filter { $0.name == name }.dropFirst().first
    }

    var running: [Container] { containers.filter(\.isRunning) }
}
