public import Support

/// A storage driver on this node, as a kubelet sees it: the service `csi.v1.Node`.
///
/// Every call may be made again with the same arguments, and comes to the same. The fault of a call that the driver
/// refused has its `GRPCStatus` as cause.
public protocol CSINodeService: Sendable {
    func info() async throws(Fault) -> CSI.NodeInfo
    func capabilities() async throws(Fault) -> Set<CSI.NodeCapability>
    func stage(_ request: CSI.NodeStageVolumeRequest) async throws(Fault)
    func unstage(_ volumeID: String, stagingPath: String) async throws(Fault)
    func publish(_ request: CSI.NodePublishVolumeRequest) async throws(Fault)
    func unpublish(_ volumeID: String, targetPath: String) async throws(Fault)
    /// Returns the capacity that it has now, in bytes; 0 when the driver does not say.
    func expand(_ request: CSI.NodeExpandVolumeRequest) async throws(Fault) -> Int64
    func stats(_ request: CSI.NodeGetVolumeStatsRequest) async throws(Fault) -> CSI.NodeGetVolumeStatsResponse
    /// Ends the connection.
    func close()
}
