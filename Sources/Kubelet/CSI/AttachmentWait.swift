import API
import APIMachinery
import Client
import Support

/// Waits until a volume is attached to this node. Attaching is the affair of a controller and of the program beside the
/// driver; the node's status tells when it is done.
struct AttachmentWait: Sendable {
    /// As long as Kubernetes waits before it tells people.
    static let limit = Duration.seconds(123)

    let client: any Client
    let nodeName: String

    /// Returns what the driver must be told of the attachment.
    func attached(_ volume: CSIVolume) async throws(Fault) -> [String: String] {
        try await wait(for: volume)
        let name = volume.attachmentName(on: nodeName)
        let attachment: VolumeAttachment
        do throws(Status) { attachment = try await client.get(VolumeAttachment.self, ObjectName(name: name)) } catch {
            throw Fault(error, "volume \(volume.handle) has GET error for volume attachment \(name)")
                .of("MountVolume.WaitForAttach", volume.name)
        }
        guard attachment.metadata.deletionTimestamp == nil else {
            throw Fault(.unavailable, "volume attachment is being deleted")
                .of("MountVolume.WaitForAttach", volume.name)
        }
        guard attachment.status.attached else {
            let why = attachment.status.attachError?.message ?? "volume \(volume.name) is not attached yet"
            throw Fault(.unavailable, why).of("MountVolume.WaitForAttach", volume.name)
        }
        return attachment.status.attachmentMetadata
    }

    private func wait(for volume: CSIVolume) async throws(Fault) {
        let name = ObjectName(name: nodeName)
        let set: any ObjectSet
        do throws(Status) {
            set = try await client.observe(
                Node.self, ObservationScope(fieldSelector: "metadata.name=\(nodeName)"))
        } catch {
            throw Fault(error, "cannot observe this node")
        }
        let bell = Bell()
        let observation = set.observe { _ in bell.ring() }
        defer { observation.cancel() }
        let deadline = ContinuousClock.now + Self.limit
        while true {
            let attached = set.get(Node.self, name)?.status.volumesAttached ?? []
            if attached.contains(where: { $0.name == volume.uniqueName }) { return }
            guard !Task.isCancelled else { throw Fault(.unavailable, "volume \(volume.name) is wanted no more") }
            let rest = deadline - .now
            guard rest > .zero else {
                throw Fault(
                    .timedOut,
                    "Unable to attach or mount volumes: unmounted volumes=[\(volume.name)], unattached "
                        + "volumes=[\(volume.name)], failed to process volumes=[]: context deadline exceeded")
            }
            await bell.wait(atMost: rest)
        }
    }
}
