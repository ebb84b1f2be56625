import API
import APIMachinery
import Support

/// What is done about a wrong number of pods.
enum ReplicaSetAction: Hashable, Sendable {
    case create(count: Int)
    /// In this order, the least valuable first.
    case delete([PodOutline])

    /// No more pods are created or deleted in one pass; the rest follows when these are done.
    static let most = 500
}

/// What a ReplicaSet or a ReplicationController needs now: pods created, pods deleted, or nothing; and when to look
/// again.
///
/// Pure: it is fed the set, its pods (adopted already) and the time. Its shell is ``ReplicaSetWork``.
struct ReplicaSetDecision<Owner: Replicated>: Hashable, Sendable {
    typealias Action = ReplicaSetAction

    let set: Owner
    /// The pods that this set controls.
    let pods: [PodOutline]
    /// For each pod's node, how many pods of sibling sets run there: crowded nodes lose theirs first.
    var podsPerNode: [String: Int] = [:]
    let now: Timestamp
    /// Those of the pods that count.
    private let active: [PodOutline]

    init(set: Owner, pods: [PodOutline], now: Timestamp) {
        (self.set, self.pods, self.now) = (set, pods, now)
        active = pods.filter(\.isActive)
    }

    /// How many pods there are too few; below zero, too many.
    var missing: Int { self.set.size - active.count }

    /// `nil` when the number is right, or the set is being deleted.
    var action: Action? {
        guard set.meta.deletionTimestamp == nil else { return nil }
        let missing = missing
        if missing > 0 { return .create(count: min(missing, Action.most)) }
        if missing < 0 {
            let ranked = PodRanking(podsPerNode: podsPerNode, now: now).leastValuableFirst(active)
            return .delete(Array(ranked.prefix(min(-missing, Action.most))))
        }
        return nil
    }

    /// When the next pod becomes available by mere passing of time.
    var nextDeadline: Duration? {
        let minimum = set.minReadySeconds
        return active.compactMap { $0.availableAt(minReadySeconds: minimum) }.filter { $0 > now }.min().map {
            $0 - now
        }
    }

    /// A pod made from the set's template.
    var newPod: Pod { Pod(template: set.template, of: set) }

    /// The status that the pods amount to. `failure` is why the last creation or deletion did not work.
    func status(failure: ReplicaSetFailure?) -> ReplicaSetStatus {
        let templateLabels = set.template.metadata.labels
        let minimum = set.minReadySeconds
        var status = set.replicaStatus
        status.assign(\.replicas, active.count)
        status.assign(
            \.fullyLabeledReplicas,
            active.count { pod in
                templateLabels.allSatisfy { pod.labels[$0.key]?.string == $0.value }
            })
        status.assign(\.readyReplicas, active.count(where: \.isReady))
        status.assign(\.availableReplicas, active.count { pod in pod.availableAt(minReadySeconds: minimum).map { $0 <= now } ?? false })
        if Owner.countsTerminatingReplicas {
            status.assign(
                \.terminatingReplicas, pods.count { $0.isDeleting && !$0.isFinished })
        }
        status.assign(\.observedGeneration, set.meta.generation)
        status.assign(\.conditions, conditions(failure))
        return status
    }

    private func conditions(_ failure: ReplicaSetFailure?) -> [ReplicaSetCondition] {
        let present = set.replicaStatus.conditions
        let others = present.filter { $0.type != ReplicaSetFailure.conditionType }
        guard let failure else { return others }
        if let same = present.first(where: { $0.type == ReplicaSetFailure.conditionType }),
            same.reason == failure.reason
        {
            return present
        }
        var condition = ReplicaSetCondition()
        condition.type = ReplicaSetFailure.conditionType
        condition.status = "True"
        condition.reason = failure.reason
        condition.message = failure.message
        condition.lastTransitionTime = now
        return others + [condition]
    }
}

/// Why a pod could not be created or deleted, as the `ReplicaFailure` condition says it.
struct ReplicaSetFailure: Hashable, Sendable {
    static let conditionType = "ReplicaFailure"

    var reason: String
    var message: String

    init(reason: String, message: String) {
        self.reason = reason
        self.message = message
    }

    init(_ action: ReplicaSetAction, _ status: Status) {
        reason = if case .delete = action { "FailedDelete" } else { "FailedCreate" }
        message = status.message
    }
}
