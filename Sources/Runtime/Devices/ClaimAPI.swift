/// The messages of the interface between a kubelet and the drivers that prepare the devices of claims (KEP
/// 4381), under the names that it gives them. Its versions `v1` and `v1beta1` differ in nothing but the name
/// of the service.
public enum ClaimAPI {
    /// A claim, as a driver finds it in the API. Two requests are a list of these.
    public struct Claim: ProtobufMessage, Hashable {
        public var namespace = ""
        public var uid = ""
        public var name = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &namespace)
            fields.string(2, &uid)
            fields.string(3, &name)
        }
    }

    /// What came of preparing one claim.
    public struct PreparedClaim: ProtobufMessage, Hashable {
        public var devices: [Device] = []
        /// Not empty when it failed.
        public var error = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.messages(1, &devices)
            fields.string(2, &error)
        }
    }

    public struct Device: ProtobufMessage, Hashable {
        /// The requests of the claim that it was given for; empty for all.
        public var requestNames: [String] = []
        public var poolName = ""
        public var deviceName = ""
        /// What the runtime knows it by; there may be none.
        public var cdiDeviceIDs: [String] = []
        /// Which part of a device that several share; empty for a whole one.
        public var shareID = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.strings(1, &requestNames)
            fields.string(2, &poolName)
            fields.string(3, &deviceName)
            fields.strings(4, &cdiDeviceIDs)
            fields.string(5, &shareID)
        }
    }

    /// What came of taking back one claim.
    public struct UnpreparedClaim: ProtobufMessage, Hashable {
        /// Not empty when it failed.
        public var error = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.string(1, &error) }
    }

    /// How a device is (KEP 4680), by the interface `v1alpha1.DRAResourceHealth`.
    public struct DeviceHealth: ProtobufMessage, Hashable {
        public enum State: Int32, Sendable {
            case unknown = 0
            case healthy = 1
            case unhealthy = 2
        }

        public var device = DeviceIdentifier()
        public var health = State.unknown
        /// Seconds since 1970.
        public var lastUpdated: Int64 = 0
        /// Seconds for which it counts; not above 0 for the usual time.
        public var timeout: Int64 = 0
        public var message = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.message(1, &device)
            fields.choice(2, &health)
            fields.integer(3, &lastUpdated)
            fields.integer(4, &timeout)
            fields.string(5, &message)
        }
    }

    public struct DeviceIdentifier: ProtobufMessage, Hashable {
        public var poolName = ""
        public var deviceName = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &poolName)
            fields.string(2, &deviceName)
        }
    }
}

/// An answer that tells of each claim by its uid, in field 1.
struct AnswersByClaim<Answer: ProtobufMessage>: ProtobufMessage {
    struct Entry: ProtobufMessage {
        var uid = ""
        var answer = Answer()

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &uid)
            fields.message(2, &answer)
        }
    }

    var entries: [Entry] = []

    mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.messages(1, &entries) }

    var byUID: [String: Answer] { Dictionary(entries.map { ($0.uid, $0.answer) }) { $1 } }
}
