extension CRI {
    public enum ContainerState: Int32, Sendable {
        case created = 0
        case running = 1
        case exited = 2
        case unknown = 3
    }

    /// A container in a list.
    public struct Container: ProtobufMessage, Hashable {
        public var id = ""
        public var podSandboxID = ""
        public var metadata = ContainerMetadata()
        public var image = ImageSpec()
        public var imageRef = ""
        public var state = ContainerState.created
        public var createdAt: Int64 = 0
        public var labels: [String: String] = [:]
        public var annotations: [String: String] = [:]
        public var imageID = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &id)
            fields.string(2, &podSandboxID)
            fields.message(3, &metadata)
            fields.message(4, &image)
            fields.string(5, &imageRef)
            fields.choice(6, &state)
            fields.integer(7, &createdAt)
            fields.map(8, &labels)
            fields.map(9, &annotations)
            fields.string(10, &imageID)
        }
    }

    /// All that is known of one container.
    public struct ContainerStatus: ProtobufMessage, Hashable {
        public var id = ""
        public var metadata = ContainerMetadata()
        public var state = ContainerState.created
        public var createdAt: Int64 = 0
        public var startedAt: Int64 = 0
        public var finishedAt: Int64 = 0
        public var exitCode: Int32 = 0
        public var image = ImageSpec()
        /// The image with its digest, as the pod's status shows it.
        public var imageRef = ""
        /// `Completed`, `Error`, `OOMKilled`, `StartError`, ...
        public var reason = ""
        public var message = ""
        public var labels: [String: String] = [:]
        public var annotations: [String: String] = [:]
        public var mounts: [Mount] = []
        public var logPath = ""
        public var resources: ContainerResources?
        public var imageID = ""
        public var user: ContainerUser?
        public var stopSignal = StopSignal.runtimeDefault

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &id)
            fields.message(2, &metadata)
            fields.choice(3, &state)
            fields.integer(4, &createdAt)
            fields.integer(5, &startedAt)
            fields.integer(6, &finishedAt)
            fields.integer(7, &exitCode)
            fields.message(8, &image)
            fields.string(9, &imageRef)
            fields.string(10, &reason)
            fields.string(11, &message)
            fields.map(12, &labels)
            fields.map(13, &annotations)
            fields.messages(14, &mounts)
            fields.string(15, &logPath)
            fields.message(16, &resources)
            fields.string(17, &imageID)
            fields.message(18, &user)
            fields.choice(19, &stopSignal)
        }
    }

    /// The limits that a container has got.
    public struct ContainerResources: ProtobufMessage, Hashable {
        public var linux = LinuxContainerResources()

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.message(1, &linux) }
    }

    /// As whom a container's first process runs.
    public struct ContainerUser: ProtobufMessage, Hashable {
        public var linux = LinuxContainerUser()

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.message(1, &linux) }
    }

    public struct LinuxContainerUser: ProtobufMessage, Hashable {
        public var uid: Int64 = 0
        public var gid: Int64 = 0
        public var supplementalGroups: [Int64] = []

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.integer(1, &uid)
            fields.integer(2, &gid)
            fields.integers(3, &supplementalGroups)
        }
    }

    /// Which containers a list holds: those that meet every condition given.
    public struct ContainerFilter: ProtobufMessage, Hashable {
        public var id = ""
        public var state: ContainerState?
        public var podSandboxID = ""
        public var labelSelector: [String: String] = [:]

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &id)
            fields.wrappedChoice(2, &state)
            fields.string(3, &podSandboxID)
            fields.map(4, &labelSelector)
        }
    }
}
