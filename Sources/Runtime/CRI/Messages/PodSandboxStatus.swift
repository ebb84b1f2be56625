extension CRI {
    public enum PodSandboxState: Int32, Sendable {
        case ready = 0
        case notReady = 1
    }

    /// A sandbox in a list.
    public struct PodSandbox: ProtobufMessage, Hashable {
        public var id = ""
        public var metadata = PodSandboxMetadata()
        public var state = PodSandboxState.ready
        public var createdAt: Int64 = 0
        public var labels: [String: String] = [:]
        public var annotations: [String: String] = [:]
        public var runtimeHandler = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &id)
            fields.message(2, &metadata)
            fields.choice(3, &state)
            fields.integer(4, &createdAt)
            fields.map(5, &labels)
            fields.map(6, &annotations)
            fields.string(7, &runtimeHandler)
        }
    }

    /// All that is known of one sandbox.
    public struct PodSandboxStatus: ProtobufMessage, Hashable {
        public var id = ""
        public var metadata = PodSandboxMetadata()
        public var state = PodSandboxState.ready
        public var createdAt: Int64 = 0
        /// Empty for a pod in the node's network.
        public var network = PodSandboxNetworkStatus()
        public var linux = LinuxPodSandboxStatus()
        public var labels: [String: String] = [:]
        public var annotations: [String: String] = [:]
        public var runtimeHandler = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &id)
            fields.message(2, &metadata)
            fields.choice(3, &state)
            fields.integer(4, &createdAt)
            fields.message(5, &network)
            fields.message(6, &linux)
            fields.map(7, &labels)
            fields.map(8, &annotations)
            fields.string(9, &runtimeHandler)
        }
    }

    /// The addresses of a sandbox.
    public struct PodSandboxNetworkStatus: ProtobufMessage, Hashable {
        public var ip = ""
        public var additionalIPs: [PodIP] = []

        public init() {}

        /// Every address, the first one first.
        public var ips: [String] { (ip.isEmpty ? [] : [ip]) + additionalIPs.map(\.ip) }

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &ip)
            fields.messages(2, &additionalIPs)
        }
    }

    public struct PodIP: ProtobufMessage, Hashable {
        public var ip = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.string(1, &ip) }
    }

    /// The namespaces that a sandbox has got.
    public struct LinuxPodSandboxStatus: ProtobufMessage, Hashable {
        public var namespaces = Namespace()

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.message(1, &namespaces) }

        public struct Namespace: ProtobufMessage, Hashable {
            public var options = NamespaceOption()

            public init() {}

            mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.message(2, &options) }
        }
    }

    /// Which sandboxes a list holds: those that meet every condition given.
    public struct PodSandboxFilter: ProtobufMessage, Hashable {
        public var id = ""
        public var state: PodSandboxState?
        public var labelSelector: [String: String] = [:]

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &id)
            fields.wrappedChoice(2, &state)
            fields.map(3, &labelSelector)
        }
    }
}

extension ProtobufFields {
    /// A choice that may be absent: a message of its own whose field 1 is the choice.
    mutating func wrappedChoice<E: RawRepresentable>(_ number: Int, _ value: inout E?)
    where E.RawValue == Int32 {
        var raw = value?.rawValue
        wrapped(number, &raw)
        value = raw.flatMap(E.init(rawValue:))
    }
}
