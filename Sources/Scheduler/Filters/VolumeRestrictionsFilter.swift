import APIMachinery

/// Volumes that pods may not share: disks that are named without a claim, on one node; and claims of one pod, anywhere
/// (KEP-2485).
struct VolumeRestrictionsFilter: NodeFilter {
    private let disks: [LegacyDisk]
    private let exclusive: Set<ObjectName>
    /// How many other pods use what this one must have alone.
    private var users: Int

    init?(_ pod: PodFacts, _ volumes: VolumeFacts, _ cluster: ClusterFacts) {
        disks = pod.legacyDisks
        exclusive = Set(volumes.exclusive)
        users = exclusive.reduce(0) { $0 + (cluster.claimUsers[$1] ?? 0) }
        // Pods that are counted only for a trial may use them.
        if disks.isEmpty, exclusive.isEmpty { return nil }
    }

    private static let taken = Refusal(.volumeRestrictions, "node(s) had no available disk")
    private static let inUse = Refusal(
        .volumeRestrictions,
        "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode")

    func refusal(of node: NodeFacts) -> Refusal? {
        if !disks.isEmpty, node.diskUsers > 0 {
            let isTaken = node.pods.values.contains { other in
                other.legacyDisks.contains { disk in disks.contains { $0.conflicts(with: disk) } }
            }
            if isTaken { return Self.taken }
        }
        return users > 0 ? Self.inUse : nil
    }

    mutating func suppose(_ other: PodFacts, on node: NodeFacts, isThere: Bool) {
        guard !exclusive.isEmpty else { return }
        let shared = other.claimNames.count { exclusive.contains($0) }
        users += isThere ? shared : -shared
    }
}
