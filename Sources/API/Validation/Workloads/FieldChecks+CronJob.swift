import APIMachinery

// Jobs by the clock.
extension FieldChecks {
    mutating func cronJob(_ object: Value) {
        let spec = object["spec"] ?? .emptyObject
        if require(spec["schedule"], "spec.schedule") { schedule(spec["schedule"].text) }
        notNegative(
            spec, ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"], "spec")
        if let zone = spec["timeZone"]?.string { timeZone(zone, "spec.timeZone") }
        let job = spec.at("jobTemplate", "spec") ?? .emptyObject
        let path = "spec.jobTemplate.spec"
        jobSpec(job, path)
        if let selector = job["selector"] {
            invalid(path + ".selector", selector, "`selector` will be auto-generated")
        }
        if job["manualSelector"].isTrue { unsupported(path + ".manualSelector", true, ["nil", "false"]) }
    }

    /// The jobs' names add an eleven-character suffix and must stay labels.
    mutating func cronJobCreate(_ object: Value) {
        let name = object.at("metadata", "name").text
        guard name.utf8.count > 52 else { return }
        invalid("metadata.name", .string(name), "must be no more than 52 characters")
    }

    private mutating func schedule(_ text: String) {
        do throws(CronSchedule.Problem) {
            _ = try CronSchedule(text)
        } catch {
            invalid("spec.schedule", .string(text), error.text)
        }
        guard text.contains("TZ") else { return }
        let why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        invalid("spec.schedule", .string(text), why)
    }

    /// A name of the tz database, which must not lead out of its folder for those who look it up there.
    private mutating func timeZone(_ name: String, _ path: String) {
        if name.isEmpty { return invalid(path, "", "timeZone must be nil or non-empty string") }
        let isGood = name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            (1...14).contains(part.utf8.count) && part != "." && part != ".." && !part.hasPrefix("-")
                && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) || ".-_+".contains($0) }
        }
        if !isGood { return invalid(path, .string(name), "unknown time zone \(name)") }
        guard name.lowercased() == "local" else {
            if TimeZones.rule(named: name) == nil { invalid(path, .string(name), "unknown time zone \(name)") }
            return
        }
        let why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        invalid(path, .string(name), why)
    }
}
