import API
import APIMachinery
import Support

/// What a Deployment says of itself: counts, conditions, and when its progress must be looked at again.
///
/// Pure: computed from the Deployment, its sets and the time.
struct RolloutStatus: Sendable {
    let deployment: Deployment
    let newSet: ReplicaSet?
    let sets: [ReplicaSet]
    /// Whether the pass that asks has just made the new set.
    var hasCreated = false
    let now: Timestamp

    /// More seconds than this mean that there is no deadline.
    private static let noDeadline = Int(Int32.max)

    private var deadline: Int? {
        deployment.spec.progressDeadlineSeconds.flatMap { $0 == Self.noDeadline ? nil : $0 }
    }

    /// The Deployment with its new status and its revision, as `status` takes both.
    var reported: Deployment {
        var new = deployment
        if let revision = newSet?.metadata.annotations[Revision.number],
            revision != deployment.metadata.annotations[Revision.number]
        {
            new.metadata.annotations[Revision.number] = revision
        }
        var status = counts
        var conditions = DeploymentConditions(deployment.status.conditions, now: now)
        let least = RollingLimits(deployment.spec).least
        if status.availableReplicas >= least {
            conditions.set(
                "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            conditions.set(
                "Available", "False", "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.")
        }
        reportProgress(&conditions, status)
        reportFailure(&conditions)
        status.assign(\.conditions, conditions.list)
        new.status = status
        return new
    }

    /// Whether everything is as the Deployment asks.
    func isComplete(_ status: DeploymentStatus) -> Bool {
        let wanted = deployment.spec.replicas ?? 1
        return status.updatedReplicas == wanted && status.replicas == wanted
            && status.availableReplicas == wanted
            && status.observedGeneration >= deployment.metadata.generation
    }

    /// After how long a rollout that stands still has to be called stuck; `nil` when there is nothing to wait
    /// for.
    func nextDeadline(_ reported: Deployment) -> Duration? {
        guard let deadline, !deployment.spec.paused, !isComplete(reported.status),
            let progress = reported.status.conditions.first(where: { $0.type == "Progressing" }),
            progress.reason != "NewReplicaSetAvailable", progress.reason != "ProgressDeadlineExceeded",
            let since = progress.lastUpdateTime
        else { return nil }
        // One second later than the deadline, because times are written in whole seconds.
        return max(since + .seconds(deadline + 1) - now, .zero)
    }

    private var counts: DeploymentStatus {
        var status = deployment.status
        let size = sets.reduce(0) { $0 + $1.size }
        status.assign(\.observedGeneration, deployment.metadata.generation)
        status.assign(\.replicas, sets.reduce(0) { $0 + $1.status.replicas })
        status.assign(\.updatedReplicas, newSet?.status.replicas ?? 0)
        status.assign(\.readyReplicas, sets.reduce(0) { $0 + $1.status.readyReplicas })
        status.assign(\.availableReplicas, sets.reduce(0) { $0 + $1.status.availableReplicas })
        status.assign(\.unavailableReplicas, max(0, size - status.availableReplicas))
        status.assign(\.terminatingReplicas, sets.reduce(0) { $0 + ($1.status.terminatingReplicas ?? 0) })
        return status
    }

    private func reportProgress(_ conditions: inout DeploymentConditions, _ status: DeploymentStatus) {
        guard let deadline else { return conditions.remove("Progressing") }
        let present = conditions["Progressing"]
        let subject =
            newSet.map { "ReplicaSet \"\($0.metadata.name)\"" }
            ?? "Deployment \"\(deployment.metadata.name)\""
        if let pause = pauseReport(present) {
            return conditions.set("Progressing", "Unknown", pause.reason, pause.message)
        }
        guard !deployment.spec.paused else { return }
        if hasCreated, let newSet {
            return conditions.set(
                "Progressing", "True", "NewReplicaSetCreated",
                "Created new replica set \"\(newSet.metadata.name)\"",
                isRenewed: true)
        }
        guard status.replicas != status.updatedReplicas || present?.reason != "NewReplicaSetAvailable" else {
            return
        }
        if isComplete(status) {
            conditions.set(
                "Progressing", "True", "NewReplicaSetAvailable", "\(subject) has successfully progressed.")
        } else if isProgressing(status) {
            conditions.set(
                "Progressing", "True", "ReplicaSetUpdated", "\(subject) is progressing.", isRenewed: true)
        } else if isLate(present, deadline) {
            conditions.set(
                "Progressing", "False", "ProgressDeadlineExceeded", "\(subject) has timed out progressing.")
        } else if present == nil, let newSet {
            conditions.set(
                "Progressing", "True", "FoundNewReplicaSet",
                "Found new replica set \"\(newSet.metadata.name)\"")
        }
    }

    /// A pause stops the clock; going on starts it anew.
    private func pauseReport(_ present: DeploymentCondition?) -> (reason: String, message: String)? {
        guard present?.reason != "ProgressDeadlineExceeded" else { return nil }
        let isMarked = present?.reason == "DeploymentPaused"
        if deployment.spec.paused, !isMarked { return ("DeploymentPaused", "Deployment is paused") }
        if !deployment.spec.paused, isMarked { return ("DeploymentResumed", "Deployment is resumed") }
        return nil
    }

    private func isProgressing(_ status: DeploymentStatus) -> Bool {
        let old = deployment.status
        return status.updatedReplicas > old.updatedReplicas
            || status.replicas - status.updatedReplicas < old.replicas - old.updatedReplicas
            || status.readyReplicas > old.readyReplicas || status.availableReplicas > old.availableReplicas
    }

    private func isLate(_ present: DeploymentCondition?, _ deadline: Int) -> Bool {
        guard let present, present.reason != "NewReplicaSetAvailable" else { return false }
        if present.reason == "ProgressDeadlineExceeded" { return true }
        return present.lastUpdateTime.map { $0 + .seconds(deadline) < now } ?? false
    }

    /// Hands up why pods cannot be made.
    private func reportFailure(_ conditions: inout DeploymentConditions) {
        let all = [newSet].compactMap(\.self) + sets
        let failure = all.lazy.compactMap { set in
            set.status.conditions.first { $0.type == ReplicaSetFailure.conditionType && $0.status == "True" }
        }.first
        guard let failure else { return conditions.remove(ReplicaSetFailure.conditionType) }
        conditions.set(ReplicaSetFailure.conditionType, "True", failure.reason, failure.message)
    }
}

/// The conditions of a Deployment while they are being changed (API conventions, "Typical status
/// properties").
struct DeploymentConditions: Sendable {
    private(set) var list: [DeploymentCondition]
    private let now: Timestamp

    init(_ list: [DeploymentCondition], now: Timestamp) {
        self.list = list
        self.now = now
    }

    subscript(type: String) -> DeploymentCondition? { list.first { $0.type == type } }

    mutating func remove(_ type: String) { list.removeAll { $0.type == type } }

    /// Sets a condition; one with the same status and reason stays as it is unless it `isRenewed`.
    mutating func set(
        _ type: String, _ status: String, _ reason: String, _ message: String, isRenewed: Bool = false
    ) {
        let present = self[type]
        if !isRenewed, let present, present.status == status, present.reason == reason { return }
        var condition = DeploymentCondition()
        condition.type = type
        condition.status = status
        condition.reason = reason
        condition.message = message
        condition.lastUpdateTime = now
        condition.lastTransitionTime = present?.status == status ? present?.lastTransitionTime : now
        remove(type)
        list.append(condition)
    }
}
