import APIMachinery

// What stays of a job once it is made.
extension FieldChecks {
    private static let fixed = [
        "selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy",
    ]

    mutating func jobUpdate(_ new: Value, _ old: Value) {
        jobStatusUpdate(new, old)
        let (spec, before) = (new["spec"] ?? .emptyObject, old["spec"] ?? .emptyObject)
        guard spec != before else { return }
        for key in Self.fixed { immutable(spec[key], before[key], "spec.\(key)") }
        completions(spec, before)
        jobTemplate(spec, before, isWaiting: Self.isWaiting(old))
    }

    /// The completions of an indexed job may follow its parallelism (KEP-3715).
    private mutating func completions(_ spec: Value, _ before: Value) {
        let (count, earlier) = (spec["completions"], before["completions"])
        guard spec["completionMode"].text == "Indexed" else {
            return immutable(count, earlier, "spec.completions")
        }
        guard let count, count != earlier, count != spec["parallelism"] else { return }
        invalid("spec.completions", count, "can only be modified in tandem with spec.parallelism")
    }

    /// Suspended, and none of its pods is left (KEP-2926).
    private static func isWaiting(_ job: Value) -> Bool {
        guard job.at("spec", "suspend").isTrue, job.at("status", "active")?.integer ?? 0 == 0 else { return false }
        let suspended = job.at("status", "conditions").items.contains {
            $0["type"].text == "Suspended" && $0["status"].text == "True"
        }
        return suspended || job.at("status", "startTime") == nil
    }

    /// What decides where pods go, and how much they get, may change while there are none.
    private mutating func jobTemplate(_ spec: Value, _ before: Value, isWaiting: Bool) {
        guard let template = spec["template"], template != before["template"] else { return }
        guard isWaiting, var earlier = before["template"] else {
            return immutable(template, before["template"], "spec.template")
        }
        for path in [
            ["metadata", "annotations"], ["metadata", "labels"], ["spec", "nodeSelector"], ["spec", "tolerations"],
            ["spec", "schedulingGates"], ["spec", "affinity", "nodeAffinity"], ["spec", "resources"],
        ] { earlier[path: path] = template[path: path] }
        for key in ["metadata", "spec"] where earlier[key]?.fields?.isEmpty == true && template[key] == nil {
            earlier[key] = nil
        }
        if template.at("spec", "affinity") == nil, earlier.at("spec", "affinity") == .emptyObject {
            earlier[path: ["spec", "affinity"]] = nil
        }
        for list in ["containers", "initContainers"] {
            guard let containers = earlier.at("spec", list)?.array else { continue }
            let new = template.at("spec", list).items
            earlier[path: ["spec", list]] = .array(
                containers.enumerated().map { index, container in
                    var container = container
                    if index < new.count { container["resources"] = new[index]["resources"] }
                    return container
                })
        }
        immutable(template, earlier, "spec.template")
    }
}
