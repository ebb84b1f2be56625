/// The messages of the container runtime interface, version `runtime.v1`, under the names that it gives them.
///
/// Only what a Linux node uses: the fields for Windows are not sent, and skipped when they come. Times are
/// nanoseconds since 1970, as on the wire; `nil` and empty mean "not said".
public enum CRI {}

extension CRI {
    /// What tells one sandbox of a pod from the next: the pod, and how many came before.
    public struct PodSandboxMetadata: ProtobufMessage, Hashable {
        public var name = ""
        public var uid = ""
        public var namespace = ""
        public var attempt: UInt32 = 0

        public init() {}

        public init(name: String, uid: String, namespace: String, attempt: UInt32 = 0) {
            self.name = name
            self.uid = uid
            self.namespace = namespace
            self.attempt = attempt
        }

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &name)
            fields.string(2, &uid)
            fields.string(3, &namespace)
            fields.integer(4, &attempt)
        }
    }

    /// What tells one run of a container from the next.
    public struct ContainerMetadata: ProtobufMessage, Hashable {
        public var name = ""
        public var attempt: UInt32 = 0

        public init() {}

        public init(name: String, attempt: UInt32 = 0) {
            self.name = name
            self.attempt = attempt
        }

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &name)
            fields.integer(2, &attempt)
        }
    }

    /// Names an image, to pull it or to run it.
    public struct ImageSpec: ProtobufMessage, Hashable {
        /// A reference, or an image's id.
        public var image = ""
        public var annotations: [String: String] = [:]
        /// As the pod's author wrote it.
        public var userSpecifiedImage = ""
        public var runtimeHandler = ""
        public var imageRef = ""

        public init() {}
        public init(_ image: String) { self.image = image }

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &image)
            fields.map(2, &annotations)
            fields.string(18, &userSpecifiedImage)
            fields.string(19, &runtimeHandler)
            fields.string(20, &imageRef)
        }
    }

    /// How much of the machine a container may use.
    public struct LinuxContainerResources: ProtobufMessage, Hashable {
        /// Microseconds.
        public var cpuPeriod: Int64 = 0
        /// Microseconds in each period.
        public var cpuQuota: Int64 = 0
        public var cpuShares: Int64 = 0
        public var memoryLimitInBytes: Int64 = 0
        public var oomScoreAdj: Int64 = 0
        public var cpusetCPUs = ""
        public var cpusetMems = ""
        public var hugepageLimits: [HugepageLimit] = []
        /// Files of cgroup v2 and what to write into them.
        public var unified: [String: String] = [:]
        public var memorySwapLimitInBytes: Int64 = 0

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.integer(1, &cpuPeriod)
            fields.integer(2, &cpuQuota)
            fields.integer(3, &cpuShares)
            fields.integer(4, &memoryLimitInBytes)
            fields.integer(5, &oomScoreAdj)
            fields.string(6, &cpusetCPUs)
            fields.string(7, &cpusetMems)
            fields.messages(8, &hugepageLimits)
            fields.map(9, &unified)
            fields.integer(10, &memorySwapLimitInBytes)
        }
    }

    /// A limit on huge pages of one size (`2MB`).
    public struct HugepageLimit: ProtobufMessage, Hashable {
        public var pageSize = ""
        public var limit: UInt64 = 0

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &pageSize)
            fields.integer(2, &limit)
        }
    }
}
