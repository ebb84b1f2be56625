import Runtime

/// What a driver is asked for, made of the volume and of what the driver can do. Pure.
extension CSIVolume {
    /// `group` is the pod's `fsGroup`.
    func capability(_ offered: Set<CSI.NodeCapability>, group: Int?) -> CSI.VolumeCapability {
        var capability = CSI.VolumeCapability()
        capability.accessMode = CSI.VolumeCapability.AccessModeBox(accessMode(offered))
        if isBlock {
            capability.block = CSI.VolumeCapability.Block()
            return capability
        }
        var mount = CSI.VolumeCapability.Mount()
        (mount.fsType, mount.mountFlags) = (fsType, mountOptions)
        if let group, offered.contains(.volumeMountGroup) { mount.volumeMountGroup = String(group) }
        capability.mount = mount
        return capability
    }

    /// The first mode of the volume counts. A driver that knows how many writers a node has is told (KEP 2485).
    private func accessMode(_ offered: Set<CSI.NodeCapability>) -> CSI.AccessMode {
        let countsWriters = offered.contains(.singleNodeMultiWriter)
        switch accessModes.first ?? "ReadWriteOnce" {
        case "ReadWriteOnce": return countsWriters ? .singleNodeMultiWriter : .singleNodeWriter
        case "ReadOnlyMany": return .multiNodeReaderOnly
        case "ReadWriteMany": return .multiNodeMultiWriter
        case "ReadWriteOncePod": return countsWriters ? .singleNodeSingleWriter : .singleNodeWriter
        default: return .unknown
        }
    }

    func stageRequest(
        at path: String, _ capability: CSI.VolumeCapability, context: [String: String], secrets: [String: String]
    ) -> CSI.NodeStageVolumeRequest {
        var request = CSI.NodeStageVolumeRequest()
        (request.volumeID, request.publishContext) = (handle, context)
        (request.stagingTargetPath, request.volumeCapability) = (path, capability)
        (request.secrets, request.volumeContext) = (secrets, attributes)
        return request
    }

    /// `staging` is empty for a driver that stages nothing; `told` is what the volume's own attributes do not say.
    func publishRequest(
        at path: String, staging: String, _ capability: CSI.VolumeCapability, context: [String: String],
        secrets: [String: String], told: [String: String]
    ) -> CSI.NodePublishVolumeRequest {
        var request = CSI.NodePublishVolumeRequest()
        (request.volumeID, request.publishContext) = (handle, context)
        (request.stagingTargetPath, request.targetPath) = (staging, path)
        (request.volumeCapability, request.readonly) = (capability, isReadOnly)
        (request.secrets, request.volumeContext) = (secrets, attributes.merging(told) { $1 })
        return request
    }
}
