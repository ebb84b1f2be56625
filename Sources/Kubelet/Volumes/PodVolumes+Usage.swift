import API
import Runtime
import Support

extension PodVolumes: VolumeUsages {
    /// A driver that takes longer is left out: who asks for figures does not wait for a disk.
    private static let patience = Duration.seconds(5)

    public func volumeUsages() async -> [String: [VolumeUsage]] {
        var usages: [String: [VolumeUsage]] = [:]
        for uid in mountedPods {
            guard let (set, pod) = mounted(uid) else { continue }
            let volumes = await set.driverVolumes(of: pod)
            guard !volumes.isEmpty else { continue }
            let storage = storage
            usages[uid] = await withTaskGroup(of: VolumeUsage?.self) { group in
                for (name, claim, volume) in volumes {
                    group.addTask {
                        let answer = try? await withTimeLimit(Self.patience) { () throws(Fault) in
                            try await storage.mounter.stats(volume, podUID: uid)
                        }
                        guard case let stats?? = answer else { return nil }
                        return VolumeUsage(
                            name: name, claim: claim, usage: stats.usage, condition: stats.volumeCondition)
                    }
                }
                var found: [VolumeUsage] = []
                for await usage in group { if let usage { found.append(usage) } }
                return found.sorted { $0.name < $1.name }
            }
        }
        return usages
    }
}
