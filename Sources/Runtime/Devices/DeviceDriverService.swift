public import Support
import Wire

/// A driver for the devices of claims on this node, as a kubelet sees it.
///
/// The fault of a call that the driver refused has its `GRPCStatus` as cause, and the words of gRPC for Go.
public protocol DeviceDriverService: Sendable {
    /// Makes the devices of claims ready for pods. The answers are by the uids of claims.
    func prepare(_ claims: [ClaimAPI.Claim]) async throws(Fault) -> [String: ClaimAPI.PreparedClaim]
    /// No pod uses the claims any more.
    func unprepare(_ claims: [ClaimAPI.Claim]) async throws(Fault) -> [String: ClaimAPI.UnpreparedClaim]
    /// Calls `body` with the health of all devices, now and again, until the driver ends that; then it fails
    /// or returns. Fails with `unsupported` when it never tells.
    func watchHealth(_ body: @Sendable ([ClaimAPI.DeviceHealth]) -> Void) async throws(Fault)
    /// Connects, calls `connected`, and returns when the connection is lost; fails when there is none.
    func stay(connected: @Sendable () -> Void) async throws(Fault)
    /// Ends the connection.
    func close()
}

/// A driver behind a Unix socket. One connection carries all calls; it is made by the first.
public struct DeviceDriverClient: DeviceDriverService {
    /// The versions of the interface, by the names under which drivers register them; the later ones first.
    public static let services = ["v1.DRAPlugin", "v1beta1.DRAPlugin"]
    /// Half of the time after which Kubernetes looks at a pod again.
    private static let limit = Duration.seconds(45)

    private let grpc: GRPCClient
    private let service: String

    /// Does not connect yet. `socket` is a path, `service` one of ``services``.
    public init(socket: String, service: String) {
        grpc = GRPCClient(.unix(socket))
        self.service = "/k8s.io.kubelet.pkg.apis.dra.\(service)/"
    }

    public func close() { grpc.close() }

    public func prepare(_ claims: [ClaimAPI.Claim]) async throws(Fault) -> [String: ClaimAPI.PreparedClaim] {
        let answer: AnswersByClaim<ClaimAPI.PreparedClaim> = try await call("NodePrepareResources", claims)
        return answer.byUID
    }

    public func unprepare(_ claims: [ClaimAPI.Claim]) async throws(Fault) -> [String: ClaimAPI
        .UnpreparedClaim]
    {
        let answer: AnswersByClaim<ClaimAPI.UnpreparedClaim> = try await call(
            "NodeUnprepareResources", claims)
        return answer.byUID
    }

    public func watchHealth(_ body: @Sendable ([ClaimAPI.DeviceHealth]) -> Void) async throws(Fault) {
        do {
            let method = "/v1alpha1.DRAResourceHealth/NodeWatchResources"
            try await grpc.serverStream(method, EmptyMessage().protobuf) { messages in
                while let message = try await messages.next() {
                    body(try Items<ClaimAPI.DeviceHealth>(protobuf: message).items)
                }
            }
        } catch {
            throw Self.fault(error)
        }
    }

    public func stay(connected: @Sendable () -> Void) async throws(Fault) {
        do { try await grpc.stay(connected: connected) } catch { throw Self.fault(error) }
    }

    private func call<Response: ProtobufMessage>(
        _ method: String, _ claims: [ClaimAPI.Claim]
    ) async throws(Fault) -> Response {
        do throws(Fault) {
            return try await grpc.call(
                service + method, Items(items: claims), timeout: Self.limit, "the driver failed")
        } catch {
            guard let status = error.cause as? GRPCStatus else { throw error }
            throw Fault(status.textOfGo, status)
        }
    }

    private static func fault(_ error: any Error) -> Fault {
        let status = error as? GRPCStatus ?? GRPCStatus(.internal, "\(error)")
        return Fault(status.textOfGo, status)
    }
}
