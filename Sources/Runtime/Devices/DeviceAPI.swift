/// The messages of the interface of device plug-ins, version `v1beta1`, under the names that it gives them.
public enum DeviceAPI {
    /// The version that is spoken.
    public static let version = "v1beta1"

    public struct Empty: ProtobufMessage, Hashable {
        public init() {}
        mutating func visit<F: ProtobufFields>(_ fields: inout F) {}
    }

    /// What a plug-in wants to be asked beyond what all are.
    public struct DevicePluginOptions: ProtobufMessage, Hashable {
        public var preStartRequired = false
        public var getPreferredAllocationAvailable = false

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.bool(1, &preStartRequired)
            fields.bool(2, &getPreferredAllocationAvailable)
        }
    }

    public struct RegisterRequest: ProtobufMessage, Hashable {
        public var version = ""
        /// The name of the plug-in's socket, in the folder of the kubelet's.
        public var endpoint = ""
        public var resourceName = ""
        public var options: DevicePluginOptions?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &version)
            fields.string(2, &endpoint)
            fields.string(3, &resourceName)
            fields.message(4, &options)
        }
    }

    public struct ListAndWatchResponse: ProtobufMessage, Hashable {
        public var devices: [Device] = []

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.messages(1, &devices) }
    }

    public struct Device: ProtobufMessage, Hashable {
        public static let healthy = "Healthy"

        public var id = ""
        /// ``healthy``, or anything else.
        public var health = ""
        /// `nil` for a device that is near to no node of memory more than to another.
        public var topology: TopologyInfo?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &id)
            fields.string(2, &health)
            fields.message(3, &topology)
        }
    }

    public struct TopologyInfo: ProtobufMessage, Hashable {
        public var nodes: [NUMANode] = []

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.messages(1, &nodes) }
    }

    public struct NUMANode: ProtobufMessage, Hashable {
        public var id: Int64 = 0

        public init() {}
        public init(_ id: Int64) { self.id = id }

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.integer(1, &id) }
    }

    /// Which of the devices that are free a container had best be given.
    public struct ContainerPreferredAllocationRequest: ProtobufMessage, Hashable {
        public var availableDeviceIDs: [String] = []
        public var mustIncludeDeviceIDs: [String] = []
        public var allocationSize: Int32 = 0

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.strings(1, &availableDeviceIDs)
            fields.strings(2, &mustIncludeDeviceIDs)
            fields.integer(3, &allocationSize)
        }
    }

    /// A list of device ids: what a container is given or might be. Three messages of the interface have this
    /// form.
    public struct DeviceIDs: ProtobufMessage, Hashable {
        public var ids: [String] = []

        public init() {}
        public init(_ ids: [String]) { self.ids = ids }

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.strings(1, &ids) }
    }

    /// What a container needs in order to use its devices.
    public struct ContainerAllocateResponse: ProtobufMessage, Hashable {
        public var envs: [String: String] = [:]
        public var mounts: [Mount] = []
        public var devices: [DeviceSpec] = []
        public var annotations: [String: String] = [:]
        public var cdiDevices: [CRI.CDIDevice] = []

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.map(1, &envs)
            fields.messages(2, &mounts)
            fields.messages(3, &devices)
            fields.map(4, &annotations)
            fields.messages(5, &cdiDevices)
        }

        /// As a node keeps it over a restart.
        public var bytes: [UInt8] { protobuf }

        /// `nil` for bytes that are none.
        public init?(bytes: [UInt8]) {
            guard let read = try? Self(protobuf: bytes) else { return nil }
            self = read
        }
    }

    public struct Mount: ProtobufMessage, Hashable {
        public var containerPath = ""
        public var hostPath = ""
        public var readOnly = false

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &containerPath)
            fields.string(2, &hostPath)
            fields.bool(3, &readOnly)
        }
    }

    /// A device file; permissions in the letters of the device cgroup (`rwm`).
    public struct DeviceSpec: ProtobufMessage, Hashable {
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
}
