import APIMachinery

// What stays of a job once it is made, and what must be true of its end.
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

    // MARK: - Status

    private mutating func jobStatusUpdate(_ new: Value, _ old: Value) {
        let (status, before) = (new["status"], old["status"])
        guard status != before else { return }
        notNegative(status, ["active", "succeeded", "failed", "ready", "terminating"], "status")
        func says(_ key: String, _ why: String) {
            if key == "conditions" {
                add(.invalid("status.conditions", why))
            } else {
                invalid("status.\(key)", status[key] ?? .null, why)
            }
        }
        let (complete, failed) = (Self.holds("Complete", status), Self.holds("Failed", status))
        let (criteria, target) = (Self.holds("SuccessCriteriaMet", status), Self.holds("FailureTarget", status))
        if complete, failed { says("conditions", "cannot set Complete=True and Failed=true conditions") }
        if complete, target { says("conditions", "cannot set Complete=True and FailureTarget=true conditions") }
        if criteria, failed { says("conditions", "cannot set SuccessCriteriaMet=True and Failed=true conditions") }
        if criteria, target {
            says("conditions", "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions")
        }
        let (started, ended) = (status["startTime"].text, status["completionTime"].text)
        if !ended.isEmpty, !complete {
            says("completionTime", "cannot set completionTime when there is no Complete=True condition")
        }
        if ended.isEmpty, complete, !Self.holds("Complete", before) {
            missing("status.completionTime", "completionTime is required for Complete jobs")
        }
        if !started.isEmpty, !ended.isEmpty, ended < started {
            says("completionTime", "completionTime cannot be set before startTime")
        }
        if complete || failed, !Self.holds("Complete", before), !Self.holds("Failed", before) {
            if status["active"]?.integer ?? 0 > 0 { says("active", "active>0 is invalid for finished job") }
            if started.isEmpty { missing("status.startTime", "startTime is required for finished job") }
        }
        for condition in ["Failed", "Complete", "FailureTarget"]
        where Self.holds(condition, before) && !Self.holds(condition, status) {
            says("conditions", "cannot disable the terminal \(condition)=True condition")
        }
        if Self.holds("SuccessCriteriaMet", before), !criteria {
            says("conditions", "cannot disable the SuccessCriteriaMet=True condition")
        }
        let growing = Self.canShrink(new["spec"] ?? .emptyObject) ? ["failed"] : ["failed", "succeeded"]
        for key in growing where status[key]?.integer ?? 0 < before[key]?.integer ?? 0 {
            says(key, "cannot decrease the \(key) counter")
        }
    }

    /// Indexes that are done already may be among those that the job gives up (KEP-3715).
    private static func canShrink(_ spec: Value) -> Bool {
        spec["completionMode"].text == "Indexed" && spec["completions"] != nil && spec["completions"] == spec["parallelism"]
    }

    private static func holds(_ condition: String, _ status: Value?) -> Bool {
        status["conditions"].items.contains { $0["type"].text == condition && $0["status"].text == "True" }
    }
}
