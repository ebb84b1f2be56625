import Host
import Support

/// The image of the sandboxes' first process, which comes with this program: a node needs no network to be
/// ready.
struct PauseImage {
    /// As it was configured (`--pause-image`).
    var reference: String

    /// Never removed to make room: the first label is k3s' own, the second containerd's.
    static let pinnedLabels = [ownLabel: "pinned", "io.cri-containerd.pinned": "pinned"]
    static let ownLabel = "io.cattle.k3s.pinned"

    /// How long the runtime may take to see an image that was stored beside it.
    private static let patience = Duration.seconds(10)

    /// Stores the image if the runtime has none of that name; whether it did.
    ///
    /// Only under the name of the image that it stands for: one that a person chose is theirs, and is pulled.
    func importIfAbsent(_ client: CRIClient) async throws -> Bool {
        guard let name = ImageReference(reference), name.repository.hasSuffix("rancher/mirrored-pause"),
            let image = OCIImage.pause(architecture: Machine.architecture),
            try await client.imageStatus(CRI.ImageSpec(name.description)) == nil
        else { return false }
        try await ContainerdImages(grpc: client.grpc).put(
            image, name: name.description, labels: Self.pinnedLabels)
        try await client.untilImage(name.description, within: Self.patience)
        return true
    }
}

extension CRIClient {
    /// Returns when the runtime sees an image that was put into its store by another way: it learns of it by
    /// an event.
    func untilImage(_ name: String, within limit: Duration) async throws {
        let start = ContinuousClock.now
        var pause = Duration.milliseconds(1)
        while try await imageStatus(CRI.ImageSpec(name)) == nil {
            guard ContinuousClock.now - start < limit else {
                throw Fault(.timedOut, "the runtime does not see the image \(name) that was stored")
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
    }
}
