public import Support
import Wire

/// The messages of the interface by which monitoring learns which container has which devices, processors and memory
/// (KEP 606), version `v1`, under the names that it gives them.
public enum PodResourcesAPI {
    public struct Empty: ProtobufMessage, Hashable {
        public init() {}
        mutating func visit<F: ProtobufFields>(_ fields: inout F) {}
    }

    public struct ListResponse: ProtobufMessage, Hashable {
        public var podResources: [PodResources] = []

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.messages(1, &podResources) }
    }

    public struct GetRequest: ProtobufMessage, Hashable {
        public var podName = ""
        public var podNamespace = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &podName)
            fields.string(2, &podNamespace)
        }
    }

    public struct GetResponse: ProtobufMessage, Hashable {
        public var podResources: PodResources?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.message(1, &podResources) }
    }

    /// What of the node pods can have.
    public struct AllocatableResponse: ProtobufMessage, Hashable {
        public var devices: [ContainerDevices] = []
        public var cpuIDs: [Int64] = []
        public var memory: [ContainerMemory] = []

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.messages(1, &devices)
            fields.integers(2, &cpuIDs)
            fields.messages(3, &memory)
        }
    }

    public struct PodResources: ProtobufMessage, Hashable {
        public var name = ""
        public var namespace = ""
        public var containers: [ContainerResources] = []

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &name)
            fields.string(2, &namespace)
            fields.messages(3, &containers)
        }
    }

    public struct ContainerResources: ProtobufMessage, Hashable {
        public var name = ""
        public var devices: [ContainerDevices] = []
        /// Those that no other container has.
        public var cpuIDs: [Int64] = []
        public var memory: [ContainerMemory] = []
        /// What it has of claims to devices.
        public var dynamicResources: [DynamicResource] = []

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &name)
            fields.messages(2, &devices)
            fields.integers(3, &cpuIDs)
            fields.messages(4, &memory)
            fields.messages(5, &dynamicResources)
        }
    }

    /// A claim to devices (KEP 3695). Number 1 was the name of a class once.
    public struct DynamicResource: ProtobufMessage, Hashable {
        public var claimName = ""
        public var claimNamespace = ""
        public var claimResources: [ClaimResource] = []

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(2, &claimName)
            fields.string(3, &claimNamespace)
            fields.messages(4, &claimResources)
        }
    }

    /// A device that was given to a claim.
    public struct ClaimResource: ProtobufMessage, Hashable {
        public var cdiDevices: [CRI.CDIDevice] = []
        public var driverName = ""
        public var poolName = ""
        public var deviceName = ""
        public var shareID = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.messages(1, &cdiDevices)
            fields.string(2, &driverName)
            fields.string(3, &poolName)
            fields.string(4, &deviceName)
            fields.string(5, &shareID)
        }
    }

    public struct ContainerMemory: ProtobufMessage, Hashable {
        /// `memory`, `hugepages-2Mi`.
        public var memoryType = ""
        /// Bytes.
        public var size: UInt64 = 0
        public var topology: DeviceAPI.TopologyInfo?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &memoryType)
            fields.integer(2, &size)
            fields.message(3, &topology)
        }
    }

    public struct ContainerDevices: ProtobufMessage, Hashable {
        public var resourceName = ""
        public var deviceIDs: [String] = []
        public var topology: DeviceAPI.TopologyInfo?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &resourceName)
            fields.strings(2, &deviceIDs)
            fields.message(3, &topology)
        }
    }
}

/// Tells monitoring on the same machine, by the service `v1.PodResourcesLister` on a Unix socket.
public struct PodResourcesServer: Sendable {
    private let pods: @Sendable () -> [PodResourcesAPI.PodResources]
    private let allocatable: @Sendable () -> PodResourcesAPI.AllocatableResponse

    public init(
        pods: @escaping @Sendable () -> [PodResourcesAPI.PodResources],
        allocatable: @escaping @Sendable () -> PodResourcesAPI.AllocatableResponse
    ) {
        self.pods = pods
        self.allocatable = allocatable
    }

    /// Serves at `path` until cancelled. `ready` is called when it can be asked.
    public func run(at path: String, ready: @Sendable () -> Void = {}) async throws(Fault) {
        let (pods, allocatable) = (pods, allocatable)
        let list = GRPCMethod.unary { _ in
            var answer = PodResourcesAPI.ListResponse()
            answer.podResources = pods()
            return answer.protobuf
        }
        let server = GRPCServer([
            "/v1.PodResourcesLister/List": list,
            // An older client finds what it knows in the same places.
            "/v1alpha1.PodResourcesLister/List": list,
            "/v1.PodResourcesLister/GetAllocatableResources": .unary { _ in allocatable().protobuf },
            "/v1.PodResourcesLister/Get": .unary { message in
                let request: PodResourcesAPI.GetRequest
                do { request = try PodResourcesAPI.GetRequest(protobuf: message) } catch {
                    throw GRPCStatus(.internal, "the request cannot be read")
                }
                let (name, namespace) = (request.podName, request.podNamespace)
                var answer = PodResourcesAPI.GetResponse()
                answer.podResources = pods().first { $0.name == name && $0.namespace == namespace }
                guard answer.podResources != nil else {
                    throw GRPCStatus(.unknown, "pod \(name) in namespace \(namespace) not found")
                }
                return answer.protobuf
            },
        ])
        try await server.run(at: path, ready: ready)
    }
}
