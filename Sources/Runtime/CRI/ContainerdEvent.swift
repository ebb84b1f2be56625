/// Reads the events of containerd's own interface: an envelope with a topic, and in it a message of that
/// topic's type.
enum ContainerdEvent {
    /// What is subscribed to: only these topics are sent, and only for the CRI's namespace.
    static let filters =
        ["create", "start", "exit", "oom"].map { filter("/tasks/" + $0) }
        + ["/containers/delete", markerTopic].map(filter)

    /// Of the event by which a subscriber learns that it has subscribed.
    static let markerTopic = "/k3s/subscribed"

    private static func filter(_ topic: String) -> String {
        "namespace==\"\(containerdNamespace)\",topic==\"\(topic)\""
    }

    /// The event in an envelope; `nil` for what is about neither a container nor a sandbox, such as the end
    /// of a command that was run in one.
    static func read(envelope bytes: [UInt8]) throws(ProtobufError) -> ContainerEvent? {
        let envelope = try Envelope(protobuf: bytes)
        guard envelope.namespace == containerdNamespace, let payload = envelope.event?.value else {
            return nil
        }
        switch envelope.topic {
        case "/tasks/create": return ContainerEvent(.created, try IDRequest(protobuf: payload).id)
        case "/tasks/start": return ContainerEvent(.started, try IDRequest(protobuf: payload).id)
        case "/tasks/oom": return ContainerEvent(.outOfMemory, try IDRequest(protobuf: payload).id)
        case "/containers/delete": return ContainerEvent(.deleted, try IDRequest(protobuf: payload).id)
        case "/tasks/exit":
            let exit = try TaskExit(protobuf: payload)
            // Processes of an exec have an id of their own; the container's first process has the
            // container's.
            return exit.id == exit.containerID ? ContainerEvent(.exited, exit.containerID) : nil
        default: return nil
        }
    }

    static func isMarker(envelope bytes: [UInt8]) throws(ProtobufError) -> Bool {
        try Envelope(protobuf: bytes).topic == markerTopic
    }

    private struct Envelope: ProtobufMessage {
        var namespace = ""
        var topic = ""
        var event: AnyMessage?

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(2, &namespace)
            fields.string(3, &topic)
            fields.message(4, &event)
        }
    }

    private struct TaskExit: ProtobufMessage {
        var containerID = ""
        var id = ""

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &containerID)
            fields.string(2, &id)
        }
    }
}

/// `google.protobuf.Any`. Of the events read here, the topic tells the type too.
struct AnyMessage: ProtobufMessage {
    var typeURL = ""
    var value: [UInt8] = []

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &typeURL)
        fields.bytes(2, &value)
    }
}

/// An event to be told to all subscribers.
struct PublishRequest: ProtobufMessage {
    var topic = ""
    var event = AnyMessage()

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &topic)
        fields.message(2, &event)
    }

    static var marker: PublishRequest {
        var request = PublishRequest()
        request.topic = ContainerdEvent.markerTopic
        request.event.typeURL = "k3s/Subscribed"
        return request
    }
}

/// The filters of a subscription; an event that meets any of them is sent.
struct SubscribeRequest: ProtobufMessage {
    var filters: [String] = []

    mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.strings(1, &filters) }
}
