import API

extension RolloutDecision {
    /// The sizes of the sets after the Deployment was resized, or while it is paused.
    ///
    /// In the middle of a rollout each set grows or shrinks in proportion to its size, so that the risk stays
    /// divided as it was; what rounding leaves over goes to the largest.
    var scaledSizes: [String: Int] {
        let active = sets.filter { $0.size > 0 }
        if active.count <= 1 {
            guard let only = active.first ?? newSet ?? sets.last else { return [:] }
            return [only.metadata.uid: limits.replicas]
        }
        if let newSet, isSaturated(newSet) {
            let old = active.filter { $0.metadata.uid != newSet.metadata.uid }
            return Dictionary(uniqueKeysWithValues: old.map { ($0.metadata.uid, 0) })
        }
        guard deployment.spec.strategy.type != "Recreate" else { return [:] }
        return proportionalSizes(active)
    }

    /// Whether the set has all the replicas of the Deployment, available, and was sized for them.
    private func isSaturated(_ set: ReplicaSet) -> Bool {
        set.size == limits.replicas && set.status.availableReplicas == limits.replicas
            && set.metadata.annotations[Revision.desiredReplicas] == String(limits.replicas)
    }

    private func proportionalSizes(_ active: [ReplicaSet]) -> [String: Int] {
        let allowed = limits.replicas > 0 ? limits.most : 0
        let change = allowed - active.reduce(0) { $0 + $1.size }
        // Largest first; of equals the newer gains and the older loses first.
        let ordered = (change > 0 ? Array(active.reversed()) : active).enumerated()
            .sorted { ($1.element.size, $0.offset) < ($0.element.size, $1.offset) }.map(\.element)
        var sizes: [String: Int] = [:]
        var done = 0
        for set in ordered {
            let left = change - done
            let share = self.share(of: set)
            let step = left == 0 ? 0 : change > 0 ? min(max(share, 0), left) : max(min(share, 0), left)
            sizes[set.metadata.uid] = set.size + step
            done += step
        }
        if let largest = ordered.first {
            sizes[largest.metadata.uid] = max(0, (sizes[largest.metadata.uid] ?? 0) + change - done)
        }
        return sizes
    }

    /// By how much the set would change if it followed the Deployment exactly, rounded to the nearest.
    private func share(of set: ReplicaSet) -> Int {
        guard limits.replicas > 0 else { return -set.size }
        let before =
            set.metadata.annotations[Revision.maxReplicas].flatMap { Int($0) } ?? deployment.status.replicas
        guard before > 0 else { return 0 }
        // The annotation is anybody's to write, and the product of two counts has up to 63 bits.
        let (whole, size) = (Int128(before), Int128(set.size))
        return Int(clamping: (size * Int128(limits.most) * 2 + whole) / (whole * 2) - size)
    }
}
