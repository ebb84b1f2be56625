import APIMachinery

// APIServices: who serves a group's version.
extension FieldChecks {
    mutating func apiService(_ service: Value) {
        let spec = service["spec"] ?? .emptyObject
        let (group, version) = (spec["group"]?.string ?? "", spec["version"]?.string ?? "")
        let (given, required) = (service.at("metadata", "name")?.string ?? "", "\(version).\(group)")
        if given != required {
            invalid(
                "metadata.name", .string(given), "must be `spec.version+\".\"+spec.group`: \(GoText.quoted(required))")
        }
        if group.isEmpty, version != "v1" {
            add(.required("spec.group", "only v1 may have an empty group and it better be legacy kube"))
        }
        if !group.isEmpty { name(group, .dns1123Subdomain, "spec.group") }
        name(version, .dns1035Label, "spec.version")
        for (key, limit) in [("groupPriorityMinimum", Int64(20_000)), ("versionPriority", 1000)] {
            let number = spec[key]?.integer ?? 0
            if number <= 0 || number > limit {
                invalid("spec." + key, .integer(number), "must be positive and less than \(limit)")
            }
        }
        apiServiceTarget(spec)
    }

    private mutating func apiServiceTarget(_ spec: Value) {
        let bundle = spec["caBundle"]?.string ?? ""
        let isUnverified = spec["insecureSkipTLSVerify"]?.bool ?? false
        guard let service = spec["service"], service.fields != nil else {
            if !bundle.isEmpty {
                invalid("spec.caBundle", .string("\(bundle.utf8.count) bytes"), "local APIServices may not have a caBundle")
            }
            if isUnverified {
                invalid(
                    "spec.insecureSkipTLSVerify", true, "local APIServices may not have insecureSkipTLSVerify")
            }
            return
        }
        require(service["namespace"], "spec.service.namespace")
        require(service["name"], "spec.service.name")
        let port = service["port"] ?? 443
        let problems = NameProblem.problems(inPort: Int(port.integer ?? 0))
        if !problems.isEmpty {
            invalid("spec.service.port", port, "port is not valid: " + problems.joined(separator: ","))
        }
        if isUnverified, !bundle.isEmpty {
            invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present")
        }
    }
}
