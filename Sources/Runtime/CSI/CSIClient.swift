public import Support
import Wire

/// A storage driver behind a Unix socket. One connection carries all calls; it is made by the first.
public struct CSIClient: CSINodeService {
    /// As long as Kubernetes waits for a driver.
    private static let limit = Duration.seconds(120)

    private let grpc: GRPCClient

    /// Does not connect yet. `socket` is a path.
    public init(socket: String) { grpc = GRPCClient(.unix(socket)) }

    public func close() { grpc.close() }

    public func info() async throws(Fault) -> CSI.NodeInfo {
        try await call("NodeGetInfo", EmptyMessage(), "cannot ask the driver about this node")
    }

    public func capabilities() async throws(Fault) -> Set<CSI.NodeCapability> {
        let answer: Items<NodeServiceCapability> = try await call(
            "NodeGetCapabilities", EmptyMessage(), "cannot ask the driver what it can do")
        return Set(answer.items.compactMap(\.procedure?.type)).subtracting([.unknown])
    }

    public func stage(_ request: CSI.NodeStageVolumeRequest) async throws(Fault) {
        let _: EmptyMessage = try await call("NodeStageVolume", request, "cannot stage \(request.volumeID)")
    }

    public func unstage(_ volumeID: String, stagingPath: String) async throws(Fault) {
        let _: EmptyMessage = try await call(
            "NodeUnstageVolume", LeavingVolume(volumeID: volumeID, path: stagingPath), "cannot unstage \(volumeID)")
    }

    public func publish(_ request: CSI.NodePublishVolumeRequest) async throws(Fault) {
        let _: EmptyMessage = try await call("NodePublishVolume", request, "cannot publish \(request.volumeID)")
    }

    public func unpublish(_ volumeID: String, targetPath: String) async throws(Fault) {
        let _: EmptyMessage = try await call(
            "NodeUnpublishVolume", LeavingVolume(volumeID: volumeID, path: targetPath), "cannot unpublish \(volumeID)")
    }

    public func expand(_ request: CSI.NodeExpandVolumeRequest) async throws(Fault) -> Int64 {
        let answer: ExpandedVolume = try await call(
            "NodeExpandVolume", request, "cannot expand \(request.volumeID)")
        return answer.capacityBytes
    }

    public func stats(
        _ request: CSI.NodeGetVolumeStatsRequest
    ) async throws(Fault) -> CSI.NodeGetVolumeStatsResponse {
        try await call("NodeGetVolumeStats", request, "cannot measure \(request.volumeID)")
    }

    private func call<Response: ProtobufMessage>(
        _ method: String, _ request: some ProtobufMessage, _ summary: @autoclosure () -> String
    ) async throws(Fault) -> Response {
        try await grpc.call("/csi.v1.Node/" + method, request, timeout: Self.limit, summary())
    }
}
