extension CRI {
    /// Whose namespace a container or a sandbox lives in.
    public enum NamespaceMode: Int32, Sendable {
        case pod = 0
        case container = 1
        case node = 2
        case target = 3
    }

    /// The namespaces of a sandbox or a container.
    public struct NamespaceOption: ProtobufMessage, Hashable {
        public var network = NamespaceMode.pod
        public var pid = NamespaceMode.pod
        public var ipc = NamespaceMode.pod
        /// With ``NamespaceMode/target``, the container whose processes are seen.
        public var targetID = ""
        /// `nil` keeps the node's users.
        public var usernsOptions: UserNamespace?

        public init() {}

        public init(network: NamespaceMode, pid: NamespaceMode, ipc: NamespaceMode) {
            self.network = network
            self.pid = pid
            self.ipc = ipc
        }

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.choice(1, &network)
            fields.choice(2, &pid)
            fields.choice(3, &ipc)
            fields.string(4, &targetID)
            fields.message(5, &usernsOptions)
        }
    }

    /// Which of the node's users a pod's users are.
    public struct UserNamespace: ProtobufMessage, Hashable {
        public var mode = NamespaceMode.pod
        public var uids: [IDMapping] = []
        public var gids: [IDMapping] = []

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.choice(1, &mode)
            fields.messages(2, &uids)
            fields.messages(3, &gids)
        }
    }

    /// A run of ids of the container that are a run of ids of the host.
    public struct IDMapping: ProtobufMessage, Hashable {
        public var hostID: UInt32 = 0
        public var containerID: UInt32 = 0
        public var length: UInt32 = 0

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.integer(1, &hostID)
            fields.integer(2, &containerID)
            fields.integer(3, &length)
        }
    }

    /// Which seccomp or AppArmor profile confines a process.
    public struct SecurityProfile: ProtobufMessage, Hashable {
        public enum ProfileType: Int32, Sendable {
            case runtimeDefault = 0
            case unconfined = 1
            case localhost = 2
        }

        public var profileType = ProfileType.runtimeDefault
        /// A file (seccomp) or a loaded profile's name (AppArmor), with ``ProfileType/localhost``.
        public var localhostRef = ""

        public init() {}

        public init(_ profileType: ProfileType, localhostRef: String = "") {
            self.profileType = profileType
            self.localhostRef = localhostRef
        }

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.choice(1, &profileType)
            fields.string(2, &localhostRef)
        }
    }

    /// An SELinux label.
    public struct SELinuxOption: ProtobufMessage, Hashable {
        public var user = ""
        public var role = ""
        public var type = ""
        public var level = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &user)
            fields.string(2, &role)
            fields.string(3, &type)
            fields.string(4, &level)
        }
    }

    /// What is added to and taken from the runtime's default capabilities (`NET_ADMIN`, `ALL`).
    public struct Capability: ProtobufMessage, Hashable {
        public var addCapabilities: [String] = []
        public var dropCapabilities: [String] = []
        public var addAmbientCapabilities: [String] = []

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.strings(1, &addCapabilities)
            fields.strings(2, &dropCapabilities)
            fields.strings(3, &addAmbientCapabilities)
        }
    }

    /// Whether the groups of the image's `/etc/group` are added to those that the pod asks for.
    public enum SupplementalGroupsPolicy: Int32, Sendable {
        case merge = 0
        case strict = 1
    }
}
