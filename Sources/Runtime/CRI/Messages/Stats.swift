extension CRI {
    /// What one container uses at a moment.
    public struct ContainerStats: ProtobufMessage, Hashable {
        public var attributes = ContainerAttributes()
        public var cpu: CPUUsage?
        public var memory: MemoryUsage?
        public var writableLayer: FilesystemUsage?
        public var swap: SwapUsage?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.message(1, &attributes)
            fields.message(2, &cpu)
            fields.message(3, &memory)
            fields.message(4, &writableLayer)
            fields.message(5, &swap)
        }
    }

    public struct ContainerAttributes: ProtobufMessage, Hashable {
        public var id = ""
        public var metadata = ContainerMetadata()
        public var labels: [String: String] = [:]
        public var annotations: [String: String] = [:]

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &id)
            fields.message(2, &metadata)
            fields.map(3, &labels)
            fields.map(4, &annotations)
        }
    }

    public struct CPUUsage: ProtobufMessage, Hashable {
        public var timestamp: Int64 = 0
        /// Since the container started.
        public var usageCoreNanoseconds: UInt64?
        /// Per second, lately.
        public var usageNanoCores: UInt64?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.integer(1, &timestamp)
            fields.wrapped(2, &usageCoreNanoseconds)
            fields.wrapped(3, &usageNanoCores)
        }
    }

    public struct MemoryUsage: ProtobufMessage, Hashable {
        public var timestamp: Int64 = 0
        public var workingSetBytes: UInt64?
        public var availableBytes: UInt64?
        public var usageBytes: UInt64?
        public var rssBytes: UInt64?
        public var pageFaults: UInt64?
        public var majorPageFaults: UInt64?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.integer(1, &timestamp)
            fields.wrapped(2, &workingSetBytes)
            fields.wrapped(3, &availableBytes)
            fields.wrapped(4, &usageBytes)
            fields.wrapped(5, &rssBytes)
            fields.wrapped(6, &pageFaults)
            fields.wrapped(7, &majorPageFaults)
        }
    }

    public struct SwapUsage: ProtobufMessage, Hashable {
        public var timestamp: Int64 = 0
        public var availableBytes: UInt64?
        public var usageBytes: UInt64?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.integer(1, &timestamp)
            fields.wrapped(2, &availableBytes)
            fields.wrapped(3, &usageBytes)
        }
    }

    /// Which containers statistics are wanted of: those that meet every condition given.
    public struct ContainerStatsFilter: ProtobufMessage, Hashable {
        public var id = ""
        public var podSandboxID = ""
        public var labelSelector: [String: String] = [:]

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &id)
            fields.string(2, &podSandboxID)
            fields.map(3, &labelSelector)
        }
    }

    /// What one pod uses at a moment, its containers included.
    public struct PodSandboxStats: ProtobufMessage, Hashable {
        public var attributes = PodSandboxAttributes()
        public var linux = LinuxPodSandboxStats()

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.message(1, &attributes)
            fields.message(2, &linux)
        }
    }

    public struct PodSandboxAttributes: ProtobufMessage, Hashable {
        public var id = ""
        public var metadata = PodSandboxMetadata()
        public var labels: [String: String] = [:]
        public var annotations: [String: String] = [:]

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &id)
            fields.message(2, &metadata)
            fields.map(3, &labels)
            fields.map(4, &annotations)
        }
    }

    public struct LinuxPodSandboxStats: ProtobufMessage, Hashable {
        public var cpu: CPUUsage?
        public var memory: MemoryUsage?
        public var network: NetworkUsage?
        public var process: ProcessUsage?
        public var containers: [ContainerStats] = []

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.message(1, &cpu)
            fields.message(2, &memory)
            fields.message(3, &network)
            fields.message(4, &process)
            fields.messages(5, &containers)
        }
    }

    public struct NetworkUsage: ProtobufMessage, Hashable {
        public var timestamp: Int64 = 0
        public var defaultInterface: NetworkInterfaceUsage?
        public var interfaces: [NetworkInterfaceUsage] = []

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.integer(1, &timestamp)
            fields.message(2, &defaultInterface)
            fields.messages(3, &interfaces)
        }
    }

    public struct NetworkInterfaceUsage: ProtobufMessage, Hashable {
        public var name = ""
        public var receivedBytes: UInt64?
        public var receiveErrors: UInt64?
        public var sentBytes: UInt64?
        public var sendErrors: UInt64?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &name)
            fields.wrapped(2, &receivedBytes)
            fields.wrapped(3, &receiveErrors)
            fields.wrapped(4, &sentBytes)
            fields.wrapped(5, &sendErrors)
        }
    }

    public struct ProcessUsage: ProtobufMessage, Hashable {
        public var timestamp: Int64 = 0
        public var processCount: UInt64?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.integer(1, &timestamp)
            fields.wrapped(2, &processCount)
        }
    }
}
