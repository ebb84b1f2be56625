import API
import APIMachinery
import Client
import Support

/// `pods/NAME/eviction`: deletes a pod if its disruption budgets allow it. What that means is an ``EvictionDecision``.
struct EvictionAction: ResourceAction {
    private static let attempts = 20

    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value {
        let named = body.at("metadata", "name")?.string ?? ""
        guard named == call.target.name else {
            throw .badRequest("name in URL does not match name in Eviction object")
        }
        let options = try deletion(call, body)
        // A pod that changed while it was decided upon is decided upon anew, unless one version was meant.
        var attempt = 1
        while true {
            do throws(Status) {
                try await evict(call, options, api)
                return ["apiVersion": "v1", "kind": "Status", "metadata": .emptyObject, "status": "Success", "code": 201]
            } catch {
                guard error.isConflict, options.preconditionVersion == nil, options.preconditionUID == nil,
                    attempt < Self.attempts
                else { throw error }
                attempt += 1
            }
        }
    }

    /// The eviction in the version of today: the one before had the same fields, and programs still send it.
    static func present(_ body: Value, as kind: GroupVersionKind) -> Value {
        guard kind.kind == "Eviction", body["kind"] == "Eviction", body["apiVersion"] == "policy/v1beta1" else { return body }
        var body = body
        body["apiVersion"] = .string(kind.apiVersion)
        return body
    }

    private func evict(_ call: Verbs.Call, _ options: DeletionOptions, _ api: Verbs) async throws(Status) {
        let pod = try api.registry.store(.pods).get(call.target.objectName)
        let budgets = api.registry.store(.podDisruptionBudgets).cache.list(namespace: pod.namespace)
        var options = options
        switch EvictionDecision.decide(pod.value, Array(budgets)) {
        case .refuse(let status): throw status
        case .take(let budget): try await take(pod.name, from: budget, call, options, api)
        case .delete(let onlyUnchanged):
            if onlyUnchanged, options.preconditionVersion == nil { options.preconditionVersion = String(pod.revision) }
        }
        options = try await mark(pod, call, options, api)
        var deletion = call.request(.delete)
        deletion.target.subresource = nil
        deletion.isAdmitted = true
        deletion.options.isDryRun = options.isDryRun
        _ = try await api.registry.store(.pods).delete(pod.objectName, deletion, options)
    }

    /// Takes one disruption from the budget that covers the pod.
    private func take(
        _ pod: String, from budget: ObjectName, _ call: Verbs.Call, _ options: DeletionOptions, _ api: Verbs
    ) async throws(Status) {
        let now = api.now().description
        let transform = ResourceStore.Transform(
            apply: { budget throws(Status) in try EvictionDecision.take(pod, from: budget, at: now) },
            scope: .status(keepsLabels: true))
        var request = call.request(.update)
        request.target = Target(.podDisruptionBudgets, budget, subresource: "status")
        request.isAdmitted = true
        request.options.isDryRun = options.isDryRun
        _ = try await api.registry.store(.podDisruptionBudgets).update(budget, request, transform)
    }

    /// Says in the pod's status why it goes (KEP-3329). Returns the options with the revision that this made.
    private func mark(
        _ pod: StoredObject, _ call: Verbs.Call, _ options: DeletionOptions, _ api: Verbs
    ) async throws(Status) -> DeletionOptions {
        guard !options.isDryRun else { return options }
        let now = api.now().description
        let transform = ResourceStore.Transform(
            apply: { pod throws(Status) in
                try Self.checkPreconditions(pod, options)
                var new = pod
                let old = pod.at("status", "conditions")?.array ?? []
                guard !old.contains(where: { $0["type"] == "DisruptionTarget" && $0["status"] == "True" }) else {
                    return pod
                }
                new[path: ["status", "conditions"]] = .array(
                    old.filter { $0["type"] != "DisruptionTarget" } + [
                        [
                            "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
                            "message": "Eviction API: evicting", "lastTransitionTime": .string(now),
                        ]
                    ])
                return new
            }, scope: .status(keepsLabels: true))
        var request = call.request(.update)
        request.target = Target(.pods, pod.objectName, subresource: "status")
        request.isAdmitted = true
        let marked = try await api.registry.store(.pods).update(pod.objectName, request, transform)
        var options = options
        if options.preconditionVersion != nil { options.preconditionVersion = String(marked.revision) }
        return options
    }

    private static func checkPreconditions(_ pod: Value, _ options: DeletionOptions) throws(Status) {
        let (name, uid) = (pod.at("metadata", "name")?.string ?? "", pod.at("metadata", "uid")?.string ?? "")
        if let wanted = options.preconditionUID, wanted != uid {
            throw .conflict(
                .pods, name,
                "the UID in the precondition (\(wanted)) does not match the UID in record (\(uid)). The object might "
                    + "have been deleted and then recreated")
        }
        let revision = pod.at("metadata", "resourceVersion")?.string ?? ""
        if let wanted = options.preconditionVersion, wanted != revision {
            throw .conflict(
                .pods, name,
                "the ResourceVersion in the precondition (\(wanted)) does not match the ResourceVersion in record "
                    + "(\(revision)). The object might have been modified")
        }
    }

    /// What the eviction's `deleteOptions` and the request's own say together.
    private func deletion(_ call: Verbs.Call, _ body: Value) throws(Status) -> DeletionOptions {
        let given = body["deleteOptions"] ?? .emptyObject
        let dryRun = (given["dryRun"]?.array ?? []).compactMap(\.string)
        let (policy, orphans) = (given["propagationPolicy"]?.string, given["orphanDependents"]?.bool)
        try OptionRules.checkDeletion(dryRun: dryRun, propagationPolicy: policy, orphanDependents: orphans)
        return DeletionOptions(
            gracePeriodSeconds: given["gracePeriodSeconds"]?.integer.map { $0 < 0 ? 1 : Int($0) },
            propagation: OptionRules.propagation(policy, orphanDependents: orphans),
            preconditionUID: given.at("preconditions", "uid")?.string,
            preconditionVersion: given.at("preconditions", "resourceVersion")?.string,
            isDryRun: call.options.isDryRun || !dryRun.isEmpty)
    }
}
