import API
import APIMachinery
import Client
import Runtime
import Support
import Wire

extension CSIMounter {
    /// Makes the file system of a mounted volume as large as the volume is by now, and tells the claim. A driver that
    /// has no part in that is not asked.
    func grow(_ volume: CSIVolume, for pod: Pod, _ growth: ClaimGrowth) async throws(Fault) {
        let step = "NodeExpandVolume.NodeExpandVolume"
        guard let bytes = growth.wanted else { return }
        try await turns.run(volume.uniqueName) { () throws(Fault) in
            let service = try driver(volume, step, "Expander.NodeExpand failed to create newCsiDriverClient")
            let offered = try await capabilities(service, volume)
            guard offered.contains(.expandVolume) else { return }
            if let begun = growth.begun { try await tell(growth.claim, begun) }
            var request = CSI.NodeExpandVolumeRequest()
            request.volumeID = volume.handle
            request.volumePath = target(volume, podUID: pod.metadata.uid)
            request.capacityRange = CSI.CapacityRange(requiredBytes: bytes)
            if offered.contains(.stageUnstageVolume) { request.stagingTargetPath = layout.staging(volume).path }
            request.volumeCapability = volume.capability(offered, group: nil)
            request.secrets = try await secrets(volume.expandSecret, "NodeExpandSecretRef", step, volume)
            do throws(Fault) { _ = try await service.expand(request) } catch {
                if Self.isInfeasible(error), let infeasible = growth.infeasible {
                    try await tell(growth.claim, infeasible)
                }
                let fault = error.of(step, volume.name)
                note(pod, growth, .warning, "VolumeResizeFailed", fault.summary)
                throw fault
            }
            try await tell(growth.claim, growth.done)
            note(
                pod, growth, .normal, "FileSystemResizeSuccessful",
                "MountVolume.NodeExpandVolume succeeded for volume \(QuotedText.quoted(volume.name)) \(nodeName)")
        }
    }

    /// Tells people, who look at the pod or at the claim.
    private func note(
        _ pod: Pod, _ growth: ClaimGrowth, _ kind: EventNote.Kind, _ reason: String, _ message: String
    ) {
        events?.record(pod, kind, reason: reason, message: message)
        events?.record(growth.claim, kind, reason: reason, message: message)
    }

    /// What the driver knows of how the volume is used; `nil` when it does not know.
    func stats(_ volume: CSIVolume, podUID: String) async throws(Fault) -> CSI.NodeGetVolumeStatsResponse? {
        let service = try drivers.find(volume.driver)
        let offered = try await service.capabilities()
        guard offered.contains(.getVolumeStats) else { return nil }
        var request = CSI.NodeGetVolumeStatsRequest()
        (request.volumeID, request.volumePath) = (volume.handle, target(volume, podUID: podUID))
        if offered.contains(.stageUnstageVolume) { request.stagingTargetPath = layout.staging(volume).path }
        return try await service.stats(request)
    }

    /// Asking again for the same comes to the same.
    private static func isInfeasible(_ fault: Fault) -> Bool {
        let codes: Set<GRPCStatus.Code> = [.invalidArgument, .outOfRange, .notFound]
        return (fault.cause as? GRPCStatus).map { codes.contains($0.code) } ?? false
    }

    private func tell(_ claim: PersistentVolumeClaim, _ patch: Value) async throws(Fault) {
        do throws(Status) {
            try await client.patch(PersistentVolumeClaim.self, claim.objectName, subresource: "status", .merge(patch))
        } catch {
            throw Fault(error, "cannot tell the claim \(claim.objectName) how large it is")
        }
    }
}
