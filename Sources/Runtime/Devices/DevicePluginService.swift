public import Support
import Wire

/// A device plug-in on this node, as a kubelet sees it: the service `v1beta1.DevicePlugin`.
///
/// The fault of a call that the plug-in refused has its `GRPCStatus` as cause.
public protocol DevicePluginService: Sendable {
    func options() async throws(Fault) -> DeviceAPI.DevicePluginOptions
    /// Calls `body` with all devices, now and whenever they change, until the plug-in leaves; then it fails
    /// or returns.
    func listAndWatch(_ body: @Sendable ([DeviceAPI.Device]) -> Void) async throws(Fault)
    func preferredAllocation(_ request: DeviceAPI.ContainerPreferredAllocationRequest) async throws(Fault)
        -> [String]
    func allocate(_ ids: [String]) async throws(Fault) -> DeviceAPI.ContainerAllocateResponse
    func preStartContainer(_ ids: [String]) async throws(Fault)
    /// Ends the connection.
    func close()
}

/// A device plug-in behind a Unix socket. One connection carries all calls; it is made by the first.
public struct DevicePluginClient: DevicePluginService {
    private static let service = "/v1beta1.DevicePlugin/"
    /// A plug-in that was just asked to be taken into use answers at once.
    private static let dialLimit = Duration.seconds(10)
    /// As long as Kubernetes waits for a plug-in before a start.
    private static let preStartLimit = Duration.seconds(30)
    /// Kubernetes waits for ever, and with it every pod that comes after.
    private static let limit = Duration.seconds(120)

    private let grpc: GRPCClient

    /// Does not connect yet. `socket` is a path.
    public init(socket: String) { grpc = GRPCClient(.unix(socket)) }

    public func close() { grpc.close() }

    public func options() async throws(Fault) -> DeviceAPI.DevicePluginOptions {
        try await call("GetDevicePluginOptions", EmptyMessage(), Self.dialLimit)
    }

    public func listAndWatch(_ body: @Sendable ([DeviceAPI.Device]) -> Void) async throws(Fault) {
        do {
            try await grpc.serverStream(Self.service + "ListAndWatch", EmptyMessage().protobuf) { messages in
                while let message = try await messages.next() {
                    body(try DeviceAPI.ListAndWatchResponse(protobuf: message).devices)
                }
            }
        } catch {
            throw Fault(
                "the device plug-in ended its list", error as? GRPCStatus ?? GRPCStatus(.internal, "\(error)")
            )
        }
    }

    public func preferredAllocation(
        _ request: DeviceAPI.ContainerPreferredAllocationRequest
    ) async throws(Fault) -> [String] {
        let answer: Items<DeviceAPI.DeviceIDs> = try await call(
            "GetPreferredAllocation", Items(items: [request]), Self.limit)
        return answer.items.first?.ids ?? []
    }

    public func allocate(_ ids: [String]) async throws(Fault) -> DeviceAPI.ContainerAllocateResponse {
        let answer: Items<DeviceAPI.ContainerAllocateResponse> = try await call(
            "Allocate", Items(items: [DeviceAPI.DeviceIDs(ids)]), Self.limit)
        guard let first = answer.items.first else {
            throw Fault(.corrupt, "no containers return in allocation response")
        }
        return first
    }

    public func preStartContainer(_ ids: [String]) async throws(Fault) {
        let _: EmptyMessage = try await call(
            "PreStartContainer", DeviceAPI.DeviceIDs(ids), Self.preStartLimit)
    }

    private func call<Response: ProtobufMessage>(
        _ method: String, _ request: some ProtobufMessage, _ limit: Duration
    ) async throws(Fault) -> Response {
        do throws(Fault) {
            return try await grpc.call(
                Self.service + method, request, timeout: limit, "the device plug-in failed")
        } catch {
            // In the words of gRPC for Go, as people know them from the events of their pods.
            guard let status = error.cause as? GRPCStatus else { throw error }
            throw Fault(status.textOfGo, status)
        }
    }
}
