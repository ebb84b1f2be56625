import API
import APIMachinery
import Client
import Support

/// `pods/NAME/eviction`: deletes a pod if its disruption budgets allow it (Kubernetes documentation, "API-initiated
/// Eviction").
struct EvictionAction: ResourceAction {
    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value {
        let pod = try api.registry.store(.pods).get(call.target.objectName)
        let phase = pod.field("status.phase")
        // A pod that is done, or does not run yet, disrupts nobody.
        if phase != "Succeeded", phase != "Failed", phase != "Pending", !pod.isDeleting {
            try await takeDisruption(for: pod, call, api)
        }
        var deletion = call.request(.delete)
        deletion.target.subresource = nil
        deletion.isAdmitted = true
        let options = DeletionOptions(
            gracePeriodSeconds: body.at("deleteOptions", "gracePeriodSeconds")?.integer.map(Int.init),
            preconditionUID: body.at("deleteOptions", "preconditions", "uid")?.string, isDryRun: call.options.isDryRun)
        _ = try await api.registry.store(.pods).delete(call.target.objectName, deletion, options)
        return ["apiVersion": "v1", "kind": "Status", "metadata": .emptyObject, "status": "Success", "code": 201]
    }

    /// Takes one disruption from the budget that covers the pod; 429 when none is left.
    private func takeDisruption(for pod: StoredObject, _ call: Verbs.Call, _ api: Verbs) async throws(Status) {
        let store = api.registry.store(.podDisruptionBudgets)
        let covering = store.cache.list(namespace: pod.namespace).filter { budget in
            guard let selector = budget.value.at("spec", "selector"),
                let parsed = try? LabelSelector(object: selector)
            else { return false }
            return parsed.matches(pod.labels)
        }
        guard let budget = covering.first else { return }
        guard covering.count == 1 else {
            throw .internalError("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
        }
        var request = call.request(.update)
        request.target = Target(.podDisruptionBudgets, budget.objectName, subresource: "status")
        let podName = pod.name
        let now = api.now().description
        let transform = ResourceStore.Transform(
            apply: { budget throws(Status) in
                let allowed = budget.at("status", "disruptionsAllowed")?.integer ?? 0
                let isObserved = budget.at("status", "observedGeneration") == budget.at("metadata", "generation")
                guard isObserved, allowed > 0 else { throw .disruptionRefused(budget) }
                var new = budget
                new[path: ["status", "disruptionsAllowed"]] = .integer(allowed - 1)
                new[path: ["status", "disruptedPods", podName]] = .string(now)
                return new
            }, scope: .status(keepsLabels: true))
        _ = try await store.update(budget.objectName, request, transform)
    }
}

extension Status {
    fileprivate static func disruptionRefused(_ budget: Value) -> Status {
        let name = budget.at("metadata", "name")?.string ?? ""
        let cause = Cause(
            reason: "DisruptionBudget",
            message: "The disruption budget \(name) needs \(budget.at("status", "desiredHealthy")?.integer ?? 0) healthy "
                + "pods and has \(budget.at("status", "currentHealthy")?.integer ?? 0) currently", field: "")
        return Status(
            code: 429, reason: .tooManyRequests,
            message: "Cannot evict pod as it would violate the pod's disruption budget.",
            details: Details(causes: [cause]))
    }
}
