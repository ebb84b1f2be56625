import APIMachinery

// Objects that are written anew in the form that is stored today (KEP-4192).
extension FieldChecks {
    mutating func migration(_ migration: Value) {
        let resource = migration.at("spec", "resource", "resource").text
        if resource.isEmpty { missing("spec.resource.resource", "resource is required") }
    }

    mutating func migrationUpdate(_ new: Value, _ old: Value) {
        for key in ["group", "resource"] {
            immutable(new.at("spec", "resource", key), old.at("spec", "resource", key), key)
        }
        guard new["status"] != old["status"] else { return }
        let (version, before) = (new.at("status", "resourceVersion").text, old.at("status", "resourceVersion").text)
        if !version.isEmpty, Int64(version).map({ $0 >= 0 }) != true {
            invalid("status.resourceVersion", .string(version), "must be a number from 0 up")
        }
        if !before.isEmpty, version != before {
            invalid("status.resourceVersion", .string(version), "cannot be updated")
        }
        conditions(new.at("status", "conditions"), "status.conditions")
        migrationEnd(Self.trueConditions(new), before: Self.trueConditions(old), new.at("status", "conditions"))
    }

    /// A migration ends once, in one way.
    private mutating func migrationEnd(_ now: Set<String>, before: Set<String>, _ conditions: Value?) {
        let path = "status.conditions"
        if now.isSuperset(of: ["Succeeded", "Failed"]) {
            invalid(path, conditions, "Both success and failed conditions cannot be true at the same time")
        }
        for (type, name) in [("Succeeded", "success"), ("Failed", "failed")] where now.isSuperset(of: [type, "Running"]) {
            invalid(path, conditions, "Running condition cannot be true when \(name) condition is true")
        }
        for (type, name) in [("Succeeded", "Success"), ("Failed", "Failed")]
        where before.contains(type) && !now.contains(type) {
            invalid(path, conditions, "\(name) condition cannot be set to false once it is true")
        }
    }

    private static func trueConditions(_ migration: Value) -> Set<String> {
        let conditions = migration.at("status", "conditions")?.array ?? []
        return Set(conditions.filter { $0["status"] == "True" }.map { $0["type"].text })
    }
}
