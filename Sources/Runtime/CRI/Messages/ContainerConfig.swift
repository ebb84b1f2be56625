extension CRI {
    /// What a container is to be.
    public struct ContainerConfig: ProtobufMessage, Hashable {
        public var metadata = ContainerMetadata()
        public var image = ImageSpec()
        /// Replaces the image's entry point; empty keeps it.
        public var command: [String] = []
        public var args: [String] = []
        public var workingDir = ""
        public var envs: [KeyValue] = []
        public var mounts: [Mount] = []
        public var devices: [Device] = []
        public var labels: [String: String] = [:]
        public var annotations: [String: String] = [:]
        /// Relative to the sandbox's `logDirectory`.
        public var logPath = ""
        public var stdin = false
        /// The container's input ends with the first client that is attached.
        public var stdinOnce = false
        public var tty = false
        public var linux = LinuxContainerConfig()
        public var cdiDevices: [CDIDevice] = []
        public var stopSignal = StopSignal.runtimeDefault

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.message(1, &metadata)
            fields.message(2, &image)
            fields.strings(3, &command)
            fields.strings(4, &args)
            fields.string(5, &workingDir)
            fields.messages(6, &envs)
            fields.messages(7, &mounts)
            fields.messages(8, &devices)
            fields.map(9, &labels)
            fields.map(10, &annotations)
            fields.string(11, &logPath)
            fields.bool(12, &stdin)
            fields.bool(13, &stdinOnce)
            fields.bool(14, &tty)
            fields.message(15, &linux)
            fields.messages(17, &cdiDevices)
            fields.choice(18, &stopSignal)
        }
    }

    /// One variable of a container's environment.
    public struct KeyValue: ProtobufMessage, Hashable {
        public var key = ""
        /// Any bytes without zero: the environment is not text.
        public var value: [UInt8] = []

        public init() {}

        public init(_ key: String, _ value: String) {
            self.key = key
            self.value = Array(value.utf8)
        }

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &key)
            fields.bytes(2, &value)
        }
    }

    public enum MountPropagation: Int32, Sendable {
        case `private` = 0
        case hostToContainer = 1
        case bidirectional = 2
    }

    /// A path of the host, or an image, that is seen at a path of the container.
    public struct Mount: ProtobufMessage, Hashable {
        public var containerPath = ""
        public var hostPath = ""
        public var readonly = false
        public var selinuxRelabel = false
        public var propagation = MountPropagation.private
        public var uidMappings: [IDMapping] = []
        public var gidMappings: [IDMapping] = []
        public var recursiveReadOnly = false
        /// Mounted in place of `hostPath`.
        public var image: ImageSpec?
        public var imageSubPath = ""

        public init() {}

        public init(
            _ hostPath: String, at containerPath: String, readonly: Bool = false,
            propagation: MountPropagation = .private
        ) {
            self.hostPath = hostPath
            self.containerPath = containerPath
            self.readonly = readonly
            self.propagation = propagation
        }

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &containerPath)
            fields.string(2, &hostPath)
            fields.bool(3, &readonly)
            fields.bool(4, &selinuxRelabel)
            fields.choice(5, &propagation)
            fields.messages(6, &uidMappings)
            fields.messages(7, &gidMappings)
            fields.bool(8, &recursiveReadOnly)
            fields.message(9, &image)
            fields.string(10, &imageSubPath)
        }
    }

    /// A device of the host in the container; permissions in the letters of the device cgroup (`rwm`).
    public struct Device: ProtobufMessage, Hashable {
        public var containerPath = ""
        public var hostPath = ""
        public var permissions = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &containerPath)
            fields.string(2, &hostPath)
            fields.string(3, &permissions)
        }
    }

    /// A device by its name in the Container Device Interface.
    public struct CDIDevice: ProtobufMessage, Hashable {
        public var name = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.string(1, &name) }
    }

    /// The Linux part of a container.
    public struct LinuxContainerConfig: ProtobufMessage, Hashable {
        public var resources = LinuxContainerResources()
        public var securityContext = LinuxContainerSecurityContext()

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.message(1, &resources)
            fields.message(2, &securityContext)
        }
    }

    /// As whom, and how confined, a container's processes run.
    public struct LinuxContainerSecurityContext: ProtobufMessage, Hashable {
        public var capabilities: Capability?
        public var privileged = false
        public var namespaceOptions = NamespaceOption()
        public var selinuxOptions: SELinuxOption?
        /// `nil` takes the user of the image.
        public var runAsUser: Int64?
        public var runAsUsername = ""
        public var readonlyRootfs = false
        public var supplementalGroups: [Int64] = []
        public var noNewPrivs = false
        public var runAsGroup: Int64?
        public var maskedPaths: [String] = []
        public var readonlyPaths: [String] = []
        public var seccomp: SecurityProfile?
        public var apparmor: SecurityProfile?
        public var supplementalGroupsPolicy = SupplementalGroupsPolicy.merge

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.message(1, &capabilities)
            fields.bool(2, &privileged)
            fields.message(3, &namespaceOptions)
            fields.message(4, &selinuxOptions)
            fields.wrapped(5, &runAsUser)
            fields.string(6, &runAsUsername)
            fields.bool(7, &readonlyRootfs)
            fields.integers(8, &supplementalGroups)
            fields.bool(11, &noNewPrivs)
            fields.wrapped(12, &runAsGroup)
            fields.strings(13, &maskedPaths)
            fields.strings(14, &readonlyPaths)
            fields.message(15, &seccomp)
            fields.message(16, &apparmor)
            fields.choice(17, &supplementalGroupsPolicy)
        }
    }
}
