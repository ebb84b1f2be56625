import APIMachinery

// What the status of a job must not say, and what must not become of what it said. Most rules ask only about what
// changes: what is wrong already hinders nobody, and the controller gets time to follow a new spec (KEP-4368).
extension FieldChecks {
    /// A status, with what the rules ask it over and over.
    private struct JobReport {
        let status: Value?

        subscript(key: String) -> Value? { status[key] }
        func number(_ key: String) -> Int64 { status[key]?.integer ?? 0 }

        func holds(_ condition: String) -> Bool {
            status["conditions"].items.contains { $0["type"].text == condition && $0["status"].text == "True" }
        }

        var isFinished: Bool { holds("Complete") || holds("Failed") }
    }

    mutating func jobStatusUpdate(_ new: Value, _ old: Value) {
        let (status, before) = (JobReport(status: new["status"]), JobReport(status: old["status"]))
        guard status.status != before.status else { return }
        notNegative(status.status, ["active", "succeeded", "failed", "ready", "terminating"], "status")
        uncountedPods(status["uncountedTerminatedPods"], "status.uncountedTerminatedPods")
        jobEnd(status, before)
        finishedJob(status, before)
        jobIndexes(status, before, new["spec"] ?? .emptyObject)
        if status["ready"] != before["ready"] || status.number("active") != before.number("active"),
            status.number("ready") > status.number("active")
        {
            invalid("status.ready", status["ready"], "cannot set more ready pods than active")
        }
        if status.holds("SuccessCriteriaMet") {
            if status.holds("Failed") { contradiction("cannot set SuccessCriteriaMet=True and Failed=true conditions") }
            if status.holds("FailureTarget") {
                contradiction("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions")
            }
        } else if status.holds("Complete"), new.at("spec", "successPolicy") != nil {
            contradiction("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True")
        }
        jobTransition(status, before, new["spec"] ?? .emptyObject)
    }

    private mutating func contradiction(_ why: String) { add(.invalid("status.conditions", why)) }

    /// Each pod that is not counted yet is told by its uid, once.
    private mutating func uncountedPods(_ pods: Value?, _ path: String) {
        var seen: Set<String> = []
        for list in ["succeeded", "failed"] {
            for (uid, path) in pods[list].elements("\(path).\(list)") {
                if uid.string?.isEmpty != false {
                    invalid(path, uid, "must not be empty")
                } else if !seen.insert(uid.string ?? "").inserted {
                    duplicate(path, uid)
                }
            }
        }
    }

    /// Which conditions and times go together at the end.
    private mutating func jobEnd(_ status: JobReport, _ before: JobReport) {
        func changes(_ conditions: String...) -> Bool {
            conditions.contains { status.holds($0) != before.holds($0) }
        }
        let (complete, failed) = (status.holds("Complete"), status.holds("Failed"))
        let target = status.holds("FailureTarget")
        if changes("Complete", "Failed"), complete, failed {
            contradiction("cannot set Complete=True and Failed=true conditions")
        }
        if changes("Complete", "FailureTarget"), complete, target {
            contradiction("cannot set Complete=True and FailureTarget=true conditions")
        }
        jobTimes(status, before)
        if changes("Failed", "FailureTarget"), failed, !target {
            contradiction("cannot set Failed=True condition without the FailureTarget=true condition")
        }
        if changes("Complete", "SuccessCriteriaMet"), complete, !status.holds("SuccessCriteriaMet") {
            contradiction("cannot set Complete=True condition without the SuccessCriteriaMet=true condition")
        }
    }

    private mutating func jobTimes(_ status: JobReport, _ before: JobReport) {
        let complete = status.holds("Complete")
        let (started, ended) = (status["startTime"].text, status["completionTime"].text)
        let isOtherEnd = ended != before["completionTime"].text
        if isOtherEnd || complete != before.holds("Complete") {
            if !ended.isEmpty, !complete {
                let why = "cannot set completionTime when there is no Complete=True condition"
                invalid("status.completionTime", status["completionTime"], why)
            }
            if ended.isEmpty, complete {
                missing("status.completionTime", "completionTime is required for Complete jobs")
            }
        }
        if isOtherEnd || started != before["startTime"].text, !started.isEmpty, !ended.isEmpty, ended < started {
            invalid("status.completionTime", status["completionTime"], "completionTime cannot be set before startTime")
        }
    }

    /// Nothing is left to do for a job that is finished.
    private mutating func finishedJob(_ status: JobReport, _ before: JobReport) {
        guard status.isFinished else { return }
        let isNews = !before.isFinished
        if isNews || status.number("active") != before.number("active"), status.number("active") > 0 {
            invalid("status.active", status["active"], "active>0 is invalid for finished job")
        }
        if isNews || status["startTime"] != before["startTime"], status["startTime"].text.isEmpty {
            missing("status.startTime", "startTime is required for finished job")
        }
        let pods = status["uncountedTerminatedPods"]
        if isNews || pods != before["uncountedTerminatedPods"],
            pods["succeeded"].isFilled || pods["failed"].isFilled
        {
            let why = "uncountedTerminatedPods needs to be empty for finished job"
            invalid("status.uncountedTerminatedPods", pods, why)
        }
        if isNews || status["terminating"] != before["terminating"], status.number("terminating") > 0 {
            invalid("status.terminating", status["terminating"], "terminating>0 is invalid for finished job")
        }
    }

    /// Which of its indexes a job has done, and given up (KEP-3850).
    private mutating func jobIndexes(_ status: JobReport, _ before: JobReport, _ spec: Value) {
        let (done, lost) = (status["completedIndexes"], status["failedIndexes"])
        let isOtherDone = done.text != before["completedIndexes"].text
        let isOtherLost = lost != before["failedIndexes"]
        let completions = spec["completions"]?.integer
        let countsFailures = spec["backoffLimitPerIndex"] != nil
        if let completions {
            if isOtherDone { indexes(done.text, completions, "completedIndexes") }
            if isOtherLost, countsFailures { indexes(lost.text, completions, "failedIndexes") }
        }
        if isOtherDone, !done.text.isEmpty, spec["completionMode"].text != "Indexed" {
            let why = "cannot set non-empty completedIndexes when non-indexed completion mode"
            invalid("status.completedIndexes", done, why)
        }
        if isOtherLost, lost != nil, !countsFailures {
            let why = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
            invalid("status.failedIndexes", lost, why)
        }
        if isOtherDone || isOtherLost, let completions,
            let index = IndexRanges.overlap(done.text, lost.text, below: completions)
        {
            let why = "failedIndexes and completedIndexes overlap at index: \(index)"
            invalid("status.failedIndexes", lost, why)
        }
    }

    private mutating func indexes(_ text: String, _ completions: Int64, _ key: String) {
        do throws(IndexRanges.Problem) {
            _ = try IndexRanges.count(text, below: completions)
        } catch {
            invalid("status.\(key)", .string(text), "error parsing \(key): \(error.text)")
        }
    }

    /// What was said for good.
    private mutating func jobTransition(_ status: JobReport, _ before: JobReport, _ spec: Value) {
        for condition in ["Failed", "Complete", "FailureTarget"]
        where before.holds(condition) && !status.holds(condition) {
            contradiction("cannot disable the terminal \(condition)=True condition")
        }
        let growing = Self.canShrink(spec) ? ["failed"] : ["failed", "succeeded"]
        for key in growing where status.number(key) < before.number(key) {
            invalid("status.\(key)", status[key] ?? 0, "cannot decrease the \(key) counter")
        }
        let (ended, earlier) = (status["completionTime"], before["completionTime"])
        if ended != nil, earlier != nil, ended != earlier {
            invalid("status.completionTime", ended, "completionTime cannot be mutated")
        }
        if before["startTime"] != nil, status["startTime"] != before["startTime"], !spec["suspend"].isTrue {
            missing("status.startTime", "startTime cannot be removed for unsuspended job")
        }
        let (met, wasMet) = (status.holds("SuccessCriteriaMet"), before.holds("SuccessCriteriaMet"))
        if wasMet, !met { contradiction("cannot disable the SuccessCriteriaMet=True condition") }
        if before.holds("Complete"), !wasMet, met {
            contradiction("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions")
        }
    }

    /// Indexes that are done already may be among those that the job gives up (KEP-3715).
    private static func canShrink(_ spec: Value) -> Bool {
        spec["completionMode"].text == "Indexed" && spec["completions"] != nil
            && spec["completions"] == spec["parallelism"]
    }
}
