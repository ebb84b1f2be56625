import API
import APIMachinery
import Client
import Support

/// What a disruption budget allows now, given its pods and how many their controllers want (KEP-85).
///
/// Pure. The API takes disruptions from the budget as it evicts pods, and notes their names; here they are given back
/// when the pods are gone, or were not deleted in time. Its shell is ``DisruptionController``.
struct DisruptionBudgetDecision: Sendable {
    /// How many pods there should be, as their controllers say.
    struct Scale: Hashable, Sendable {
        var expected: Int
        /// Pods without a controller: nobody knows how many of them there should be.
        var unmanaged: [String] = []
    }

    /// How long a pod whose eviction was granted may take to be deleted.
    static let deletionTimeout: Duration = .seconds(120)
    static let conditionType = "DisruptionAllowed"

    let budget: PodDisruptionBudget
    /// All that the budget selects, in any state.
    let pods: [Pod]
    /// `nil` when the budget does not depend on it: ``needsScale(_:)``.
    var scale: Scale?
    let now: Timestamp

    /// A number of pods that must stay needs no total; everything else is a part of one.
    static func needsScale(_ budget: PodDisruptionBudget) -> Bool {
        if budget.spec.maxUnavailable != nil { return true }
        guard let least = budget.spec.minAvailable.flatMap({ IntOrString(json: $0) }) else { return false }
        if case .string = least { return true }
        return false
    }

    /// The status that the pods amount to. Fails when the budget's own numbers cannot be read.
    func status() throws(IntOrString.ScaleError) -> PodDisruptionBudgetStatus {
        let (expected, desired) = try counts()
        let awaited = awaited
        let healthy = pods.count { pod in
            pod.metadata.deletionTimestamp == nil && awaited[pod.metadata.name] == nil && pod.isReady
        }
        // A budget without pods allows nothing, so that its first ones are safe before they were looked at.
        let allowed = expected > 0 ? max(0, healthy - desired) : 0
        var status = completeStatus
        status.assign(\.expectedPods, expected)
        status.assign(\.desiredHealthy, desired)
        status.assign(\.currentHealthy, healthy)
        status.value["disruptionsAllowed"] = .integer(Int64(allowed))
        let taken = awaited.mapValues { Value.string($0.description) }
        if taken.count != status.disruptedPods?.fields?.count ?? 0 {
            status.disruptedPods = taken.isEmpty ? nil : Self.object(taken)
        }
        status.assign(\.observedGeneration, budget.metadata.generation)
        var conditions = status.conditions
        conditions.set(
            Self.conditionType, allowed > 0, reason: allowed > 0 ? "SufficientPods" : "InsufficientPods",
            observing: budget.metadata.generation, at: now)
        status.assign(\.conditions, conditions)
        return status
    }

    /// The status when it cannot be found out what may go: nothing may.
    func status(failure: String) -> PodDisruptionBudgetStatus {
        var status = completeStatus
        status.value["disruptionsAllowed"] = 0
        var conditions = status.conditions
        conditions.set(
            Self.conditionType, false, reason: "SyncFailed", message: failure,
            observing: budget.status.observedGeneration, at: now)
        status.assign(\.conditions, conditions)
        return status
    }

    /// When to look again: a granted eviction that came to nothing is given back then.
    var nextDeadline: Duration? { awaited.values.min().map { $0 + Self.deletionTimeout - now } }

    /// Pods that should have been deleted by now.
    var overdue: [Pod] {
        pods.filter { pod in
            guard pod.metadata.deletionTimestamp == nil, let since = granted[pod.metadata.name] else { return false }
            return since + Self.deletionTimeout < now
        }
    }

    /// What a person should know of the budget.
    var notes: [ControllerNote] {
        if pods.isEmpty { return [ControllerNote(reason: "NoPods", message: "No matching pods found")] }
        guard let scale, !scale.unmanaged.isEmpty else { return [] }
        let text = (try? LabelSelector.of(budget.spec.selector)).map(\.description) ?? ""
        let message =
            "Pods selected by this PodDisruptionBudget (selector: \(text)) have no controller, so nobody knows how "
            + "many there should be. Set \".spec.minAvailable\" to a whole number to account for them."
        return [ControllerNote(kind: .warning, reason: "UnmanagedPods", message: message)]
    }

    /// The present status with the fields that are required, also when they are 0.
    private var completeStatus: PodDisruptionBudgetStatus {
        var status = budget.status
        for field in ["expectedPods", "desiredHealthy", "currentHealthy"] where status.value[field] == nil {
            status.value[field] = 0
        }
        return status
    }

    private func counts() throws(IntOrString.ScaleError) -> (expected: Int, desired: Int) {
        let total = Int(Int32(clamping: scale?.expected ?? pods.count))
        if let most = budget.spec.maxUnavailable.flatMap({ IntOrString(json: $0) }) {
            return (total, max(0, total - (try most.scaled(of: total, roundingUp: true))))
        }
        if let least = budget.spec.minAvailable.flatMap({ IntOrString(json: $0) }) {
            return (total, try least.scaled(of: total, roundingUp: true))
        }
        return (total, 0)
    }

    /// Pods whose eviction was granted, and when.
    private var granted: [String: Timestamp] {
        var result: [String: Timestamp] = [:]
        for (name, time) in budget.status.disruptedPods?.fields ?? Fields() {
            result[name] = time.string.flatMap { Timestamp($0) }
        }
        return result
    }

    /// Those of them whose deletion is still to come: they count as gone already.
    private var awaited: [String: Timestamp] {
        let granted = granted
        var result: [String: Timestamp] = [:]
        for pod in pods where pod.metadata.deletionTimestamp == nil {
            guard let since = granted[pod.metadata.name], since + Self.deletionTimeout >= now else { continue }
            result[pod.metadata.name] = since
        }
        return result
    }

    private static func object(_ values: [String: Value]) -> Value {
        var object = Value.emptyObject
        for (key, value) in values.sorted(by: { $0.key < $1.key }) { object[key] = value }
        return object
    }
}
