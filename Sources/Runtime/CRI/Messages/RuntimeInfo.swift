extension CRI {
    /// Who answers at the socket.
    public struct Version: ProtobufMessage, Hashable {
        public var version = ""
        /// `containerd`.
        public var runtimeName = ""
        public var runtimeVersion = ""
        public var runtimeAPIVersion = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &version)
            fields.string(2, &runtimeName)
            fields.string(3, &runtimeVersion)
            fields.string(4, &runtimeAPIVersion)
        }
    }

    /// What the runtime says about itself.
    public struct RuntimeStatus: ProtobufMessage, Hashable {
        public var conditions: [RuntimeCondition] = []

        public init() {}

        /// One of ``RuntimeCondition``'s types; `nil` when the runtime does not speak of it.
        public subscript(type: String) -> RuntimeCondition? { conditions.first { $0.type == type } }

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.messages(1, &conditions) }
    }

    public struct RuntimeCondition: ProtobufMessage, Hashable {
        /// Containers can be run.
        public static let runtimeReady = "RuntimeReady"
        /// Pods can get addresses: there is a CNI configuration that loads.
        public static let networkReady = "NetworkReady"

        public var type = ""
        public var status = false
        public var reason = ""
        public var message = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &type)
            fields.bool(2, &status)
            fields.string(3, &reason)
            fields.string(4, &message)
        }
    }

    /// A way to run containers that a RuntimeClass can name.
    public struct RuntimeHandler: ProtobufMessage, Hashable {
        public var name = ""
        public var features = Features()

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &name)
            fields.message(2, &features)
        }

        public struct Features: ProtobufMessage, Hashable {
            public var recursiveReadOnlyMounts = false
            public var userNamespaces = false

            public init() {}

            mutating func visit<F: ProtobufFields>(_ fields: inout F) {
                fields.bool(1, &recursiveReadOnlyMounts)
                fields.bool(2, &userNamespaces)
            }
        }
    }

    /// The answer to `Status`.
    public struct StatusResponse: ProtobufMessage, Hashable {
        public var status = RuntimeStatus()
        public var runtimeHandlers: [RuntimeHandler] = []
        /// `nil` from a runtime that tells nothing of itself.
        public var features: RuntimeFeatures?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.message(1, &status)
            fields.messages(3, &runtimeHandlers)
            fields.message(4, &features)
        }
    }

    /// What the runtime can do, whoever runs the containers.
    public struct RuntimeFeatures: ProtobufMessage, Hashable {
        public var supplementalGroupsPolicy = false

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.bool(1, &supplementalGroupsPolicy) }
    }

    /// How the runtime is set up.
    public struct RuntimeConfigResponse: ProtobufMessage, Hashable {
        /// `nil` from a runtime that tells nothing of it.
        public var linux: LinuxRuntimeConfiguration?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.message(1, &linux) }
    }

    public struct LinuxRuntimeConfiguration: ProtobufMessage, Hashable {
        /// Who makes control groups.
        public enum CgroupDriver: Int32, Sendable {
            case systemd = 0
            case cgroupfs = 1
        }

        public var cgroupDriver = CgroupDriver.systemd

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.choice(1, &cgroupDriver) }
    }

    /// What a command in a container printed, and how it ended.
    public struct ExecSyncResponse: ProtobufMessage, Hashable {
        public var stdout: [UInt8] = []
        public var stderr: [UInt8] = []
        public var exitCode: Int32 = 0

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.bytes(1, &stdout)
            fields.bytes(2, &stderr)
            fields.integer(3, &exitCode)
        }
    }
}
