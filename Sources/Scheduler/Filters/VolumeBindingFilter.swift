/// The node must reach the volumes that the pod's claims have, and have volumes for those that wait.
struct VolumeBindingFilter: NodeFilter {
    private let volumes: VolumeFacts

    init?(_ volumes: VolumeFacts) {
        guard !volumes.claims.isEmpty else { return nil }
        self.volumes = volumes
    }

    private static let unreached = Refusal(
        .volumeBinding, isFinal: true, "node(s) didn't match PersistentVolume's node affinity")
    private static let unserved = Refusal(
        .volumeBinding, isFinal: true, "node(s) didn't find available persistent volumes to bind")
    private static let narrow = Refusal(
        .volumeBinding, isFinal: true, "node(s) did not have enough free storage")

    func refusal(of node: NodeFacts) -> Refusal? {
        guard volumes.isReached(from: node) else { return Self.unreached }
        do throws(VolumeFacts.Lack) {
            _ = try volumes.choices(on: node)
            return nil
        } catch {
            return error == .room ? Self.narrow : Self.unserved
        }
    }
}
