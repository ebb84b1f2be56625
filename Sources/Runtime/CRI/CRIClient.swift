import Support
import Wire

/// The container runtime behind a Unix socket.
///
/// One HTTP/2 connection carries all calls; it is made by the first one, and again after the runtime was
/// restarted.
public struct CRIClient: Sendable {
    /// How long calls may take. A pull has no bound but the caller's patience.
    public struct Limits: Hashable, Sendable {
        /// For calls that answer at once. Kubernetes' own default for a runtime request.
        public var request = Duration.seconds(120)
        /// For making a sandbox, which runs network plugins: twice the above, as in Kubernetes.
        public var sandbox = Duration.seconds(240)
        /// How long the status of a container may lag behind the event of its end.
        public var settling = Duration.seconds(1)

        public init() {}
    }

    let grpc: GRPCClient
    var limits: Limits

    /// Does not connect yet. `socket` is a path.
    public init(socket: String, limits: Limits = Limits()) {
        self.init(GRPCClient(.unix(socket)), limits: limits)
    }

    init(_ grpc: GRPCClient, limits: Limits = Limits()) {
        self.grpc = grpc
        self.limits = limits
    }

    /// Ends the connection and every call on it.
    public func close() { grpc.close() }

    /// One call of the container runtime interface. `summary` says what was tried, for the fault.
    func call<Response: ProtobufMessage>(
        _ method: CRIMethod, _ request: some ProtobufMessage, timeout: Duration?,
        _ summary: @autoclosure () -> String
    ) async throws(Fault) -> Response {
        try await grpc.call(method.path, request, timeout: timeout, summary())
    }
}

/// A method of one of the two services.
enum CRIMethod {
    case runtime(String)
    case image(String)

    var path: String {
        switch self {
        case .runtime(let name): "/runtime.v1.RuntimeService/" + name
        case .image(let name): "/runtime.v1.ImageService/" + name
        }
    }
}

extension GRPCClient {
    /// A unary call with messages instead of bytes, and faults instead of statuses.
    func call<Response: ProtobufMessage>(
        _ method: String, _ request: some ProtobufMessage, metadata: GRPCMetadata = [:], timeout: Duration?,
        _ summary: @autoclosure () -> String
    ) async throws(Fault) -> Response {
        let reply: Reply
        do {
            reply = try await unary(method, request.protobuf, metadata: metadata, timeout: timeout)
        } catch {
            throw Fault(summary(), error)
        }
        do throws(ProtobufError) {
            return try Response(protobuf: reply.message)
        } catch {
            throw Fault(.corrupt, "\(summary()): the answer to \(method) cannot be read", cause: error)
        }
    }
}

/// The many requests that name one thing, by a string in field 1.
struct IDRequest: ProtobufMessage {
    var id = ""

    mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.string(1, &id) }
}

extension IDRequest {
    init(_ id: String) { self.id = id }
}

/// The requests and answers that hold one message, in field 1; it is `nil` when the other side sent none.
struct Single<Item: ProtobufMessage>: ProtobufMessage {
    var item: Item?

    mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.message(1, &item) }
}

extension Single {
    init(_ item: Item?) { self.item = item }

    /// The item, where the interface promises one.
    func required(_ what: @autoclosure () -> String) throws(Fault) -> Item {
        guard let item else { throw Fault(.corrupt, "the runtime answered without \(what())") }
        return item
    }
}

/// The answers that are a list, in field 1.
struct Items<Item: ProtobufMessage>: ProtobufMessage {
    var items: [Item] = []

    mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.messages(1, &items) }
}
