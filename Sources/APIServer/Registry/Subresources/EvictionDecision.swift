import APIMachinery
import Client

/// Whether a pod may be evicted, and what that takes of its disruption budget (Kubernetes documentation, "API-initiated
/// Eviction"; KEP-3017 for pods that are not healthy).
///
/// Pure: the caller writes the budget, marks the pod and deletes it.
enum EvictionDecision: Equatable {
    /// Delete the pod. `onlyUnchanged`: the decision holds for this version alone, since the pod could become ready.
    case delete(onlyUnchanged: Bool)
    /// Take one disruption from this budget first.
    case take(from: ObjectName)
    case refuse(Status)

    /// How many evictions may wait for the controller of budgets to see them: beyond that it has stopped looking.
    static let unseenLimit = 2000

    /// `budgets` are those of the pod's namespace.
    static func decide(_ pod: Value, _ budgets: [StoredObject]) -> EvictionDecision {
        let phase = pod.at("status", "phase")?.string
        let isOver = phase == "Succeeded" || phase == "Failed" || pod.at("metadata", "deletionTimestamp") != nil
        // A pod that is done, or does not run yet, disrupts nobody.
        if isOver || phase == "Pending" { return .delete(onlyUnchanged: !isOver) }
        let labels = pod.at("metadata", "labels")?.fields ?? Fields()
        let covering = budgets.filter { budget in
            guard let selector = try? LabelSelector(object: budget.value.at("spec", "selector")) else { return false }
            return selector.matches(labels)
        }
        guard let stored = covering.first else { return .delete(onlyUnchanged: false) }
        guard covering.count == 1 else { return .refuse(.severalBudgets) }
        let budget = stored.value
        if !isReady(pod), letsUnhealthyGo(budget) { return .delete(onlyUnchanged: true) }
        return .take(from: stored.objectName)
    }

    private static func isReady(_ pod: Value) -> Bool {
        (pod.at("status", "conditions")?.array ?? []).contains { $0["type"] == "Ready" && $0["status"] == "True" }
    }

    /// A pod that is not ready does not count as healthy: it may go if the policy says so, or if enough others are.
    private static func letsUnhealthyGo(_ budget: Value) -> Bool {
        if budget.at("spec", "unhealthyPodEvictionPolicy") == "AlwaysAllow" { return true }
        let (current, desired) = health(budget)
        return current >= desired && desired > 0
    }

    private static func health(_ budget: Value) -> (current: Int64, desired: Int64) {
        let status = budget["status"]
        return (status?["currentHealthy"]?.integer ?? 0, status?["desiredHealthy"]?.integer ?? 0)
    }

    // MARK: Taking a disruption

    /// The budget with one disruption less, the pod noted as one that goes; why not otherwise.
    static func take(_ podName: String, from budget: Value, at now: String) throws(Status) -> Value {
        let name = budget.at("metadata", "name")?.string ?? ""
        let status = budget["status"] ?? .emptyObject
        guard (status["observedGeneration"]?.integer ?? 0) >= (budget.at("metadata", "generation")?.integer ?? 0) else {
            throw .budgetNotSeen(name)
        }
        let allowed = status["disruptionsAllowed"]?.integer ?? 0
        guard allowed >= 0 else {
            throw .budgetBroken(
                name, "pdb disruptions allowed is negative", cause: "pdb disruptions allowed is negative")
        }
        guard (status["disruptedPods"]?.fields?.count ?? 0) <= unseenLimit else {
            throw .budgetBroken(
                name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
                cause: "too many pending evictions not confirmed by PDB controller")
        }
        guard allowed > 0 else { throw .budgetSpent(why(name, budget)) }
        var new = budget
        new[path: ["status", "disruptionsAllowed"]] = .integer(allowed - 1)
        new[path: ["status", "disruptedPods", podName]] = .string(now)
        if allowed == 1 { new[path: ["status", "conditions"]] = spentConditions(budget, at: now) }
        return new
    }

    private static func condition(_ budget: Value) -> Value? {
        budget.at("status", "conditions")?.array?.first { $0["type"] == "DisruptionAllowed" }
    }

    private static func why(_ name: String, _ budget: Value) -> String {
        let refusal = condition(budget).flatMap { $0["status"] == "False" ? $0 : nil }
        let message = refusal?["message"]?.string ?? ""
        let reason = refusal?["reason"]?.string ?? ""
        let (current, desired) = health(budget)
        if reason == "SyncFailed", !message.isEmpty {
            return "The disruption budget \(name) does not allow evicting pods currently because it failed sync: "
                + message
        }
        if current <= desired {
            return "The disruption budget \(name) needs \(desired) healthy pods and has \(current) currently"
        }
        let text = "The disruption budget \(name) does not allow evicting pods currently"
        return message.isEmpty ? text : text + " (\(reason)): \(message)"
    }

    private static func spentConditions(_ budget: Value, at now: String) -> Value {
        let old = condition(budget)
        var new: Value = [
            "type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods", "message": "",
        ]
        new["observedGeneration"] = budget.at("status", "observedGeneration")
        new["lastTransitionTime"] = old?["status"] == "False" ? old?["lastTransitionTime"] : .string(now)
        let others = (budget.at("status", "conditions")?.array ?? []).filter { $0["type"] != "DisruptionAllowed" }
        return .array(others + [new])
    }
}

extension Status {
    fileprivate static let severalBudgets = Status(
        code: 500, reason: .unknown,
        message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")

    private static func cause(_ message: String) -> Cause {
        Cause(reason: "DisruptionBudget", message: message, field: "")
    }

    /// The 429 answer of a budget that has no disruption left.
    fileprivate static func budgetSpent(_ why: String, retryAfter: Int = 0) -> Status {
        Status(
            code: 429, reason: .tooManyRequests,
            message: "Cannot evict pod as it would violate the pod's disruption budget.",
            details: Details(causes: [cause(why)], retryAfterSeconds: retryAfter))
    }

    /// The 429 answer while the controller of budgets has not seen the newest version.
    static func budgetNotSeen(_ name: String) -> Status {
        budgetSpent("The disruption budget \(name) is still being processed by the server.", retryAfter: 10)
    }

    fileprivate static func budgetBroken(_ name: String, _ why: String, cause text: String) -> Status {
        Status(
            code: 403, reason: .forbidden, message: "poddisruptionbudget.policy \"\(name)\" is forbidden: \(why)",
            details: Details(
                name: name, group: "policy", kind: "poddisruptionbudget",
                causes: [cause("The disruption budget \(name) does not allow evicting pods currently: \(text)")]))
    }
}
