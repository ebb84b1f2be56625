extension CRI {
    /// What a sandbox is to be: everything that the containers of a pod share.
    public struct PodSandboxConfig: ProtobufMessage, Hashable {
        public var metadata = PodSandboxMetadata()
        public var hostname = ""
        /// Where the logs of its containers go; their `logPath` is relative to it.
        public var logDirectory = ""
        /// `nil` keeps the node's resolv.conf.
        public var dnsConfig: DNSConfig?
        public var portMappings: [PortMapping] = []
        public var labels: [String: String] = [:]
        public var annotations: [String: String] = [:]
        public var linux = LinuxPodSandboxConfig()

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.message(1, &metadata)
            fields.string(2, &hostname)
            fields.string(3, &logDirectory)
            fields.message(4, &dnsConfig)
            fields.messages(5, &portMappings)
            fields.map(6, &labels)
            fields.map(7, &annotations)
            fields.message(8, &linux)
        }
    }

    /// The resolv.conf of a pod.
    public struct DNSConfig: ProtobufMessage, Hashable {
        public var servers: [String] = []
        public var searches: [String] = []
        public var options: [String] = []

        public init() {}

        public init(servers: [String], searches: [String] = [], options: [String] = []) {
            self.servers = servers
            self.searches = searches
            self.options = options
        }

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.strings(1, &servers)
            fields.strings(2, &searches)
            fields.strings(3, &options)
        }
    }

    public enum NetworkProtocol: Int32, Sendable {
        case tcp = 0
        case udp = 1
        case sctp = 2
    }

    /// A port of the node that leads into the pod.
    public struct PortMapping: ProtobufMessage, Hashable {
        public var `protocol` = NetworkProtocol.tcp
        public var containerPort: Int32 = 0
        public var hostPort: Int32 = 0
        public var hostIP = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.choice(1, &self.protocol)
            fields.integer(2, &containerPort)
            fields.integer(3, &hostPort)
            fields.string(4, &hostIP)
        }
    }

    /// The Linux part of a sandbox.
    public struct LinuxPodSandboxConfig: ProtobufMessage, Hashable {
        /// The cgroup under which those of the containers are made.
        public var cgroupParent = ""
        public var securityContext = LinuxSandboxSecurityContext()
        public var sysctls: [String: String] = [:]
        public var overhead: LinuxContainerResources?
        public var resources: LinuxContainerResources?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &cgroupParent)
            fields.message(2, &securityContext)
            fields.map(3, &sysctls)
            fields.message(4, &overhead)
            fields.message(5, &resources)
        }
    }

    /// Security of the sandbox itself; its namespaces are those of the containers.
    public struct LinuxSandboxSecurityContext: ProtobufMessage, Hashable {
        public var namespaceOptions = NamespaceOption()
        public var selinuxOptions: SELinuxOption?
        public var runAsUser: Int64?
        public var readonlyRootfs = false
        public var supplementalGroups: [Int64] = []
        /// Set when any container of the pod is.
        public var privileged = false
        public var runAsGroup: Int64?
        public var seccomp: SecurityProfile?
        public var apparmor: SecurityProfile?
        public var supplementalGroupsPolicy = SupplementalGroupsPolicy.merge

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.message(1, &namespaceOptions)
            fields.message(2, &selinuxOptions)
            fields.wrapped(3, &runAsUser)
            fields.bool(4, &readonlyRootfs)
            fields.integers(5, &supplementalGroups)
            fields.bool(6, &privileged)
            fields.wrapped(8, &runAsGroup)
            fields.message(9, &seccomp)
            fields.message(10, &apparmor)
            fields.choice(11, &supplementalGroupsPolicy)
        }
    }
}
