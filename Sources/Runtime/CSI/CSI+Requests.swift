extension CSI {
    /// Makes a volume ready on this node, once for all pods.
    public struct NodeStageVolumeRequest: ProtobufMessage, Hashable {
        public var volumeID = ""
        /// What attaching it came to.
        public var publishContext: [String: String] = [:]
        public var stagingTargetPath = ""
        public var volumeCapability: VolumeCapability?
        public var secrets: [String: String] = [:]
        public var volumeContext: [String: String] = [:]

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &volumeID)
            fields.map(2, &publishContext)
            fields.string(3, &stagingTargetPath)
            fields.message(4, &volumeCapability)
            fields.map(5, &secrets)
            fields.map(6, &volumeContext)
        }
    }

    /// Makes a volume appear for one pod.
    public struct NodePublishVolumeRequest: ProtobufMessage, Hashable {
        public var volumeID = ""
        public var publishContext: [String: String] = [:]
        public var stagingTargetPath = ""
        public var targetPath = ""
        public var volumeCapability: VolumeCapability?
        public var readonly = false
        public var secrets: [String: String] = [:]
        public var volumeContext: [String: String] = [:]

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &volumeID)
            fields.map(2, &publishContext)
            fields.string(3, &stagingTargetPath)
            fields.string(4, &targetPath)
            fields.message(5, &volumeCapability)
            fields.bool(6, &readonly)
            fields.map(7, &secrets)
            fields.map(8, &volumeContext)
        }
    }

    /// Makes the file system of a volume that has grown as large as the volume.
    public struct NodeExpandVolumeRequest: ProtobufMessage, Hashable {
        public var volumeID = ""
        public var volumePath = ""
        public var capacityRange: CapacityRange?
        public var stagingTargetPath = ""
        public var volumeCapability: VolumeCapability?
        public var secrets: [String: String] = [:]

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &volumeID)
            fields.string(2, &volumePath)
            fields.message(3, &capacityRange)
            fields.string(4, &stagingTargetPath)
            fields.message(5, &volumeCapability)
            fields.map(6, &secrets)
        }
    }

    /// Bytes; 0 for no bound.
    public struct CapacityRange: ProtobufMessage, Hashable {
        public var requiredBytes: Int64 = 0
        public var limitBytes: Int64 = 0

        public init() {}
        public init(requiredBytes: Int64) { self.requiredBytes = requiredBytes }

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.integer(1, &requiredBytes)
            fields.integer(2, &limitBytes)
        }
    }

    public struct NodeGetVolumeStatsRequest: ProtobufMessage, Hashable {
        public var volumeID = ""
        public var volumePath = ""
        public var stagingTargetPath = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &volumeID)
            fields.string(2, &volumePath)
            fields.string(3, &stagingTargetPath)
        }
    }

    /// What a driver knows of how a volume is used.
    public struct NodeGetVolumeStatsResponse: ProtobufMessage, Hashable {
        public var usage: [VolumeUsage] = []
        public var volumeCondition: VolumeCondition?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.messages(1, &usage)
            fields.message(2, &volumeCondition)
        }
    }
}

/// `NodeUnstageVolumeRequest` and `NodeUnpublishVolumeRequest`: a volume, and the path that it has left.
struct LeavingVolume: ProtobufMessage {
    var volumeID = ""
    var path = ""

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &volumeID)
        fields.string(2, &path)
    }
}

/// `NodeServiceCapability`, in whose `rpc` the capability is.
struct NodeServiceCapability: ProtobufMessage {
    struct Procedure: ProtobufMessage {
        var type = CSI.NodeCapability.unknown

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.choice(1, &type) }
    }

    var procedure: Procedure?

    mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.message(1, &procedure) }
}

/// `NodeExpandVolumeResponse`
struct ExpandedVolume: ProtobufMessage {
    var capacityBytes: Int64 = 0

    mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.integer(1, &capacityBytes) }
}
