import API
import APIMachinery
import Support

/// What a ReplicaSet needs now: pods created, pods deleted, or nothing; and when to look again.
///
/// Pure: it is fed the set, its pods (adopted already) and the time. Its shell is ``ReplicaSetController``.
struct ReplicaSetDecision: Hashable, Sendable {
    enum Action: Hashable, Sendable {
        case create(count: Int)
        /// In this order, the least valuable first.
        case delete([Pod])
    }

    /// No more pods are created or deleted in one pass; the rest follows when these are done.
    static let burst = 500

    let set: ReplicaSet
    /// The pods that this set controls.
    let pods: [Pod]
    /// For each pod's node, how many pods of sibling sets run there: crowded nodes lose theirs first.
    var podsPerNode: [String: Int] = [:]
    let now: Timestamp
    /// Those of the pods that count.
    private let active: [Pod]

    init(set: ReplicaSet, pods: [Pod], now: Timestamp) {
        (self.set, self.pods, self.now) = (set, pods, now)
        active = pods.filter(\.isActive)
    }

    /// How many pods there are too few; below zero, too many.
    var missing: Int { self.set.size - active.count }

    /// `nil` when the number is right, or the set is being deleted.
    var action: Action? {
        guard set.metadata.deletionTimestamp == nil else { return nil }
        let missing = missing
        if missing > 0 { return .create(count: min(missing, Self.burst)) }
        if missing < 0 {
            let ranked = PodRanking(podsPerNode: podsPerNode, now: now).leastValuableFirst(active)
            return .delete(Array(ranked.prefix(min(-missing, Self.burst))))
        }
        return nil
    }

    /// When the next pod becomes available by mere passing of time.
    var nextDeadline: Duration? {
        let minimum = set.spec.minReadySeconds
        return active.compactMap { $0.availableAt(minReadySeconds: minimum) }.filter { $0 > now }.min().map {
            $0 - now
        }
    }

    /// A pod made from the set's template.
    var newPod: Pod {
        let template = set.spec.template
        var pod = Pod(namespace: set.metadata.namespace, name: "")
        var metadata = ObjectMeta()
        metadata.namespace = set.metadata.namespace
        metadata.generateName = set.metadata.name + "-"
        metadata.labels = template.metadata.labels
        metadata.annotations = template.metadata.annotations
        metadata.finalizers = template.metadata.finalizers
        metadata.ownerReferences = [set.controllerReference]
        pod.metadata = metadata
        pod.spec = template.spec
        return pod
    }

    /// The status that the pods amount to. `failure` is why the last creation or deletion did not work.
    func status(failure: ReplicaSetFailure?) -> ReplicaSetStatus {
        let templateLabels = set.spec.template.metadata.labels
        let minimum = set.spec.minReadySeconds
        var status = set.status
        status.assign(\.replicas, active.count)
        status.assign(
            \.fullyLabeledReplicas,
            active.count { pod in
                let labels = pod.metadata.labels
                return templateLabels.allSatisfy { labels[$0.key] == $0.value }
            })
        status.assign(\.readyReplicas, active.count(where: \.isReady))
        status.assign(\.availableReplicas, active.count { $0.isAvailable(minReadySeconds: minimum, at: now) })
        status.assign(
            \.terminatingReplicas, pods.count { $0.metadata.deletionTimestamp != nil && !$0.isFinished })
        status.assign(\.observedGeneration, set.metadata.generation)
        status.assign(\.conditions, conditions(failure))
        return status
    }

    private func conditions(_ failure: ReplicaSetFailure?) -> [ReplicaSetCondition] {
        let present = set.status.conditions
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

    init(_ action: ReplicaSetDecision.Action, _ status: Status) {
        reason = if case .delete = action { "FailedDelete" } else { "FailedCreate" }
        message = status.message
    }
}
