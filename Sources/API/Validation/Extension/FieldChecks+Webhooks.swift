import APIMachinery

// MutatingWebhookConfigurations and ValidatingWebhookConfigurations, and what policies share with them.
extension FieldChecks {
    mutating func webhookConfiguration(_ configuration: Value) {
        var names: Set<String> = []
        for (webhook, path) in configuration["webhooks"].elements("webhooks") {
            self.webhook(webhook, path)
            let name = webhook["name"]?.string ?? ""
            if !name.isEmpty, !names.insert(name).inserted {
                add(.duplicate(path + ".name", value: .string(name)))
            }
        }
    }

    private mutating func webhook(_ webhook: Value, _ path: String) {
        fullyQualifiedName(webhook["name"]?.string ?? "", path + ".name")
        reviewVersions(webhook["admissionReviewVersions"], path + ".admissionReviewVersions")
        for (rule, path) in webhook["rules"].elements(path + ".rules") { admissionRule(rule, path) }
        switch webhook["sideEffects"]?.string ?? "" {
        case "None", "NoneOnDryRun": break
        case "": add(.required(path + ".sideEffects", "must specify one of None, NoneOnDryRun"))
        case let other:
            add(.notSupported(path + ".sideEffects", value: .string(other), supported: ["None", "NoneOnDryRun"]))
        }
        if let timeout = webhook["timeoutSeconds"], let seconds = timeout.integer, !(1...30).contains(seconds) {
            invalid(path + ".timeoutSeconds", timeout, "the timeout value must be between 1 and 30 seconds")
        }
        selector(webhook["namespaceSelector"], path + ".namespaceSelector")
        selector(webhook["objectSelector"], path + ".objectSelector")
        webhookClient(webhook["clientConfig"] ?? .emptyObject, path + ".clientConfig")
        matchConditions(webhook["matchConditions"], path + ".matchConditions")
        compileConditions(webhook["matchConditions"], path + ".matchConditions", in: AdmissionEnvironment())
    }

    private mutating func fullyQualifiedName(_ text: String, _ path: String) {
        guard !text.isEmpty else { return add(.required(path)) }
        let problems = NameRule.dns1123Subdomain.problems(in: text)
        if !problems.isEmpty {
            invalid(path, .string(text), problems.joined(separator: ","))
        } else if text.split(separator: ".", omittingEmptySubsequences: false).count < 3 {
            invalid(path, .string(text), "should be a domain with at least three segments separated by dots")
        }
    }

    private mutating func reviewVersions(_ versions: Value?, _ path: String) {
        let items = versions.elements(path)
        guard !items.isEmpty else { return add(.required(path, "must specify one of v1, v1beta1")) }
        var seen: Set<String> = []
        for (version, path) in items {
            let text = version.string ?? ""
            guard seen.insert(text).inserted else {
                invalid(path, version, "duplicate version")
                continue
            }
            name(text, .dns1035Label, path)
        }
        if seen.isDisjoint(with: ["v1", "v1beta1"]) {
            invalid(path, versions, "must include at least one of v1, v1beta1")
        }
    }

    /// A webhook's `clientConfig`, of admission and of conversion.
    mutating func webhookClient(_ config: Value, _ path: String) {
        let service = config["service"]
        guard (config["url"]?.string == nil) != (service?.fields == nil) else {
            return add(.required(path, "exactly one of url or service is required"))
        }
        if let url = config["url"]?.string { webhookURL(url, path + ".url") }
        guard let service, service.fields != nil else { return }
        for key in ["name", "namespace"] where (service[key]?.string ?? "").isEmpty {
            add(.required("\(path).service.\(key)", "service \(key) is required"))
        }
        let port = service["port"] ?? 443
        let problems = NameProblem.problems(inPort: Int(port.integer ?? 0))
        if !problems.isEmpty {
            invalid(path + ".service.port", port, "port is not valid: " + problems.joined(separator: ","))
        }
        webhookPath(service["path"]?.string ?? "", path + ".service.path")
    }

    private mutating func webhookURL(_ url: String, _ path: String) {
        let form = "; desired format: https://host[/path]"
        let scheme = url.prefix { $0 != ":" }
        guard scheme.count < url.count, url.dropFirst(scheme.count).hasPrefix("://") else {
            return invalid(path, "", "'https' is the only allowed URL scheme" + form)
        }
        if scheme.lowercased() != "https" {
            invalid(path, .string(String(scheme)), "'https' is the only allowed URL scheme" + form)
        }
        let rest = url.dropFirst(scheme.count + 3)
        let authority = rest.prefix { !"/?#".contains($0) }
        if let at = authority.lastIndex(of: "@") {
            invalid(
                path, .string(String(authority[..<at])), "user information is not permitted in the URL")
        }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        if host.isEmpty { invalid(path, "", "host must be specified" + form) }
        if let mark = rest.firstIndex(of: "#"), rest.index(after: mark) < rest.endIndex {
            let fragment = rest[rest.index(after: mark)...]
            invalid(path, .string(String(fragment)), "fragments are not permitted in the URL")
        }
        let beforeFragment = rest.prefix { $0 != "#" }
        if let mark = beforeFragment.firstIndex(of: "?"), beforeFragment.index(after: mark) < beforeFragment.endIndex {
            let query = beforeFragment[beforeFragment.index(after: mark)...]
            invalid(path, .string(String(query)), "query parameters are not permitted in the URL")
        }
    }

    private mutating func webhookPath(_ text: String, _ path: String) {
        if text.isEmpty || text == "/" { return }
        if text == "//" { return invalid(path, .string(text), "segment[0] may not be empty") }
        if !text.hasPrefix("/") { invalid(path, .string(text), "must start with a '/'") }
        var steps = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        if steps.last?.isEmpty == true { steps.removeLast() }
        for (index, step) in steps.enumerated() {
            if step.isEmpty {
                invalid(path, .string(text), "segment[\(index)] may not be empty")
                continue
            }
            for problem in NameRule.dns1123Subdomain.problems(in: String(step)) {
                invalid(path, .string(text), "segment[\(index)]: \(problem)")
            }
        }
    }

    /// Names of conditions are told apart; what they say is checked in `FieldChecks+Expressions.swift`.
    mutating func matchConditions(_ conditions: Value?, _ path: String) {
        let items = conditions.elements(path)
        if items.count > 64 {
            add(FieldError(.tooMany, path, value: .integer(Int64(items.count)), "must have at most 64 items"))
        }
        var names: Set<String> = []
        for (condition, path) in items {
            let text = condition["name"]?.string ?? ""
            if text.isEmpty {
                add(.required(path + ".name"))
            } else {
                name(text, .qualifiedName, path + ".name")
                if !names.insert(text).inserted { add(.duplicate(path + ".name", value: .string(text))) }
            }
            require(condition["expression"], path + ".expression")
        }
    }
}
