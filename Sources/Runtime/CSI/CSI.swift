/// The messages of the container storage interface, version `csi.v1`, as far as a node speaks it, under the names that
/// it gives them.
///
/// The table of a message is its list of fields, with the numbers of the published interface. What a driver's
/// controller is asked is the affair of the programs beside it (provisioner, attacher, resizer), not of a node.
public enum CSI {}

extension CSI {
    /// What a volume can be used for, as a driver must grant it.
    public struct VolumeCapability: ProtobufMessage, Hashable {
        /// A device; ``mount`` is `nil` then.
        public var block: Block?
        /// A folder.
        public var mount: Mount?
        public var accessMode = AccessModeBox()

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.message(1, &block)
            fields.message(2, &mount)
            fields.message(3, &accessMode)
        }

        public struct Block: ProtobufMessage, Hashable {
            public init() {}
            mutating func visit<F: ProtobufFields>(_ fields: inout F) {}
        }

        public struct Mount: ProtobufMessage, Hashable {
            public var fsType = ""
            public var mountFlags: [String] = []
            /// The group that shall own the files, for drivers that see to that themselves.
            public var volumeMountGroup = ""

            public init() {}

            mutating func visit<F: ProtobufFields>(_ fields: inout F) {
                fields.string(1, &fsType)
                fields.strings(2, &mountFlags)
                fields.string(3, &volumeMountGroup)
            }
        }

        /// On the wire the mode is in a message of its own.
        public struct AccessModeBox: ProtobufMessage, Hashable {
            public var mode = AccessMode.unknown

            public init() {}
            public init(_ mode: AccessMode) { self.mode = mode }

            mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.choice(1, &mode) }
        }
    }

    /// Who may use a volume at once, and how.
    public enum AccessMode: Int32, Sendable {
        case unknown = 0
        case singleNodeWriter = 1
        case singleNodeReaderOnly = 2
        case multiNodeReaderOnly = 3
        case multiNodeSingleWriter = 4
        case multiNodeMultiWriter = 5
        case singleNodeSingleWriter = 6
        case singleNodeMultiWriter = 7
    }

    /// What a driver can do on a node, beyond publishing.
    public enum NodeCapability: Int32, Sendable {
        case unknown = 0
        case stageUnstageVolume = 1
        case getVolumeStats = 2
        case expandVolume = 3
        case volumeCondition = 4
        case singleNodeMultiWriter = 5
        case volumeMountGroup = 6
    }

    /// What a driver calls this node, and how much it takes.
    public struct NodeInfo: ProtobufMessage, Hashable {
        public var nodeID = ""
        /// 0 for no bound.
        public var maxVolumesPerNode: Int64 = 0
        public var accessibleTopology: Topology?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &nodeID)
            fields.integer(2, &maxVolumesPerNode)
            fields.message(3, &accessibleTopology)
        }
    }

    public struct Topology: ProtobufMessage, Hashable {
        public var segments: [String: String] = [:]

        public init() {}
        public init(_ segments: [String: String]) { self.segments = segments }

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.map(1, &segments) }
    }

    /// How full a volume is, in one unit.
    public struct VolumeUsage: ProtobufMessage, Hashable {
        public enum Unit: Int32, Sendable {
            case unknown = 0
            case bytes = 1
            case inodes = 2
        }

        public var available: Int64 = 0
        public var total: Int64 = 0
        public var used: Int64 = 0
        public var unit = Unit.unknown

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.integer(1, &available)
            fields.integer(2, &total)
            fields.integer(3, &used)
            fields.choice(4, &unit)
        }
    }

    public struct VolumeCondition: ProtobufMessage, Hashable {
        public var abnormal = false
        public var message = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.bool(1, &abnormal)
            fields.string(2, &message)
        }
    }
}
