import API
import APIMachinery
import Support

extension StatefulSetDecision {
    /// Pods of an earlier template that are deleted now, to come back with the present one: from the last to the first,
    /// as far as the partition.
    var rollout: [Step] {
        guard set.updatesItself else { return [] }
        let old = mostUnavailable.map(replaceable) ?? [nextReplaceable].compactMap(\.self)
        return old.map { Step(pod: $0.metadata.name, actions: [.delete($0)]) }
    }

    /// One after the other: a pod that has the present template and is not available yet is waited for.
    private var nextReplaceable: Pod? {
        for ordinal in (set.firstUpdated..<set.ordinals.upperBound).reversed() {
            // What is missing or over comes first.
            guard let pod = pods[ordinal], !pod.isFinished else { return nil }
            if isReplaceable(pod) { return pod }
            guard isAvailable(pod) else { return nil }
        }
        return nil
    }

    /// Several at once, as long as no more than so many are not available. One that is not is replaced at no cost.
    private func replaceable(_ mostUnavailable: Int) -> [Pod] {
        var spare = mostUnavailable - unavailableCount
        let old = pods.filter { (set.firstUpdated..<set.ordinals.upperBound).contains($0.key) }
            .sorted { $0.key > $1.key }.map(\.value).filter { isReplaceable($0) && !$0.isFinished }
        return old.filter { pod in
            guard isAvailable(pod) else { return true }
            spare -= 1
            return spare >= 0
        }
    }

    private func isReplaceable(_ pod: Pod) -> Bool {
        pod.metadata.deletionTimestamp == nil && pod.metadata.labels[RevisionLabel.ofPods] != update.metadata.name
    }

    private var unavailableCount: Int {
        let available = pods.count { set.ordinals.contains($0.key) && isAvailable($0.value) }
        return set.ordinals.count - available
    }

    /// When something changes by mere passing of time: a pod becomes available, or may be tried again.
    var nextDeadline: Duration? {
        let minimum = set.spec.minReadySeconds
        let coming = pods.values.filter { $0.isActive }.compactMap { $0.availableAt(minReadySeconds: minimum) }
        return (coming + pauses.values).filter { $0 > now }.min().map { $0 - now }
    }

    /// The status that the pods amount to.
    var status: StatefulSetStatus {
        let pods = pods.values
        let staying = pods.filter { $0.metadata.deletionTimestamp == nil }
        func count(of revision: ControllerRevision) -> Int {
            staying.count { $0.metadata.labels[RevisionLabel.ofPods] == revision.metadata.name }
        }
        let running = pods.filter { $0.status.phase == "Running" && $0.isReady }
        var status = set.status
        status.assign(\.observedGeneration, set.metadata.generation)
        status.assign(\.replicas, pods.count)
        status.assign(\.readyReplicas, running.count)
        let minimum = set.spec.minReadySeconds
        status.assign(
            \.availableReplicas, running.count { $0.isAvailable(minReadySeconds: minimum, at: now) })
        status.assign(\.updatedReplicas, count(of: update))
        status.assign(\.updateRevision, update.metadata.name)
        status.assign(\.collisionCount, set.status.collisionCount ?? 0)
        let isComplete =
            set.updatesItself && status.updatedReplicas == set.size && status.readyReplicas == set.size
            && status.replicas == set.size
        status.assign(\.currentReplicas, isComplete ? status.updatedReplicas : count(of: current))
        status.assign(\.currentRevision, isComplete ? update.metadata.name : current.metadata.name)
        return status
    }
}

extension StatefulSet {
    /// How many pods a rolling update may have unavailable at once: at least one.
    var mostUnavailable: Int {
        let value = spec.updateStrategy.rollingUpdate?.maxUnavailable
        let amount = value.flatMap { IntOrString(json: $0) } ?? .int(1)
        return max(1, (try? amount.scaled(of: size, roundingUp: false)) ?? 1)
    }
}
