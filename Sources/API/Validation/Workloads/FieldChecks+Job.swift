import APIMachinery

// Jobs: pods that come to an end.
extension FieldChecks {
    private enum Limits {
        static let parallelismOfIndexed = 100_000
        static let failedIndexes = 100_000
        /// Beyond so many completions, retries by index have tighter bounds.
        static let manyCompletions = 100_000
        static let parallelismOfMany = 10_000
        static let failedIndexesOfMany = 10_000
        static let rules = 20
        static let patterns = 20
        static let exitCodes = 255
        static let succeededIndexes = 64 * 1024
        static let managedBy = 63
    }

    mutating func job(_ object: Value) {
        let spec = object["spec"] ?? .emptyObject
        jobSpec(spec, "spec")
        generatedSelector(object, spec)
        if let selector = spec["selector"] {
            self.selector(selector, "spec.selector")
            let labels = spec.at("template", "metadata", "labels")
            if let parsed = try? LabelSelector(object: selector), !parsed.matches(labels.entries) {
                let why = "`selector` does not match template `labels`"
                invalid("spec.template.metadata.labels", labels ?? .emptyObject, why)
            }
        } else {
            missing("spec.selector")
        }
        // The pods of an indexed job are named for their index.
        guard spec["completionMode"].text == "Indexed", let count = spec["completions"]?.integer, count > 0 else { return }
        let name = object.at("metadata", "name").text
        let longest = "\(name)-\(count - 1)"
        if !NameRule.dns1123Label.accepts(longest) {
            let why = "will not able to create pod with invalid DNS label: \(longest)"
            invalid("metadata.name", .string(name), why)
        }
    }

    /// Unless it is made by hand, a job's selector is its identity, so that no two jobs take the same pods.
    private mutating func generatedSelector(_ object: Value, _ spec: Value) {
        guard !spec["manualSelector"].isTrue, let selector = spec["selector"] else { return }
        let (uid, name) = (object.at("metadata", "uid").text, object.at("metadata", "name").text)
        if uid.isEmpty { missing("metadata.uid") }
        let expected = JobIdentity.labels(name: name, uid: uid)
        let labels = spec.at("template", "metadata", "labels")
        for (key, value) in Optional(expected).entries where labels[key] != value {
            let path = "spec.template.metadata.labels[\(key)]"
            let why = "must be '\(value.string ?? "")'"
            if labels[key] == nil { missing(path, why) } else { invalid(path, labels, why) }
        }
        guard let parsed = try? LabelSelector(object: selector), !parsed.matches(Optional(expected).entries) else { return }
        invalid("spec.selector", selector, "`selector` not auto-generated")
    }

    // MARK: - The spec

    mutating func jobSpec(_ spec: Value, _ path: String) {
        notNegative(
            spec,
            [
                "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
                "backoffLimitPerIndex", "maxFailedIndexes",
            ], path)
        if spec["maxFailedIndexes"] != nil, spec["backoffLimitPerIndex"] == nil {
            missing(path + ".backoffLimitPerIndex", "when maxFailedIndexes is specified")
        }
        if let manager = spec["managedBy"]?.string {
            domainPrefixedPath(manager, path + ".managedBy")
            if manager.utf8.count > Limits.managedBy { add(.tooLong(path + ".managedBy", limit: Limits.managedBy)) }
        }
        if spec["completionMode"].text == "Indexed" {
            indexed(spec, path)
        } else {
            for key in ["backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"] {
                if let value = spec[key] { invalid("\(path).\(key)", value, "requires indexed completion mode") }
            }
        }
        if let policy = spec["podFailurePolicy"] { failurePolicy(policy, spec, path + ".podFailurePolicy") }
        if spec["podFailurePolicy"] != nil, spec["podReplacementPolicy"].text == "TerminatingOrFailed" {
            unsupported(path + ".podReplacementPolicy", spec["podReplacementPolicy"], ["Failed"])
        }
        podTemplate(spec["template"], path + ".template")
        restartPolicy(spec, path + ".template.spec.restartPolicy")
    }

    private mutating func restartPolicy(_ spec: Value, _ path: String) {
        let policy = spec.at("template", "spec", "restartPolicy")
        switch policy.text {
        case "", "Always": missing(path, "valid values: \"OnFailure\", \"Never\"")
        case "OnFailure" where spec["podFailurePolicy"] != nil:
            invalid(path, policy, "only \"Never\" is supported when podFailurePolicy is specified")
        default: oneOf(policy, ["OnFailure", "Never"], path)
        }
    }

    private mutating func indexed(_ spec: Value, _ path: String) {
        let (completions, parallelism) = (spec["completions"]?.integer, spec["parallelism"]?.integer ?? 0)
        let failed = spec["maxFailedIndexes"]?.integer
        if completions == nil { missing(path + ".completions", "when completion mode is Indexed") }
        if parallelism > Limits.parallelismOfIndexed {
            let why = "must be less than or equal to \(Limits.parallelismOfIndexed) when completion mode is Indexed"
            invalid(path + ".parallelism", .integer(parallelism), why)
        }
        if let completions, let failed, failed > completions {
            invalid(path + ".maxFailedIndexes", .integer(failed), "must be less than or equal to completions")
        }
        if let failed, failed > Limits.failedIndexes {
            invalid(path + ".maxFailedIndexes", .integer(failed), "must be less than or equal to \(Limits.failedIndexes)")
        }
        if let completions, completions > Limits.manyCompletions, spec["backoffLimitPerIndex"] != nil {
            manyIndexes(parallelism, failed, path)
        }
        if let policy = spec["successPolicy"] { successPolicy(policy, completions ?? 0, path + ".successPolicy.rules") }
    }

    private mutating func manyIndexes(_ parallelism: Int64, _ failed: Int64?, _ path: String) {
        let when = "when completions are above \(Limits.manyCompletions) and used with backoff limit per index"
        if failed == nil {
            missing(
                path + ".maxFailedIndexes", "must be specified when completions is above \(Limits.manyCompletions)")
        }
        if parallelism > Limits.parallelismOfMany {
            let why = "must be less than or equal to \(Limits.parallelismOfMany) \(when)"
            invalid(path + ".parallelism", .integer(parallelism), why)
        }
        if let failed, failed > Limits.failedIndexesOfMany {
            let why = "must be less than or equal to \(Limits.failedIndexesOfMany) \(when)"
            invalid(path + ".maxFailedIndexes", .integer(failed), why)
        }
    }

    // MARK: - Policies

    private static let actions = ["Count", "FailIndex", "FailJob", "Ignore"]

    /// What a failed pod means (KEP-3329).
    private mutating func failurePolicy(_ policy: Value, _ spec: Value, _ path: String) {
        let rules = policy["rules"]
        if rules.items.count > Limits.rules { tooMany(path + ".rules", rules.items.count, limit: Limits.rules) }
        let containers = Set(Self.containerNames(spec.at("template", "spec") ?? .emptyObject))
        for (rule, path) in rules.elements(path + ".rules") {
            let action = rule["action"]
            if action.text.isEmpty {
                missing(path + ".action", "valid values: [" + Self.actions.map { "\"\($0)\"" }.joined(separator: " ") + "]")
            } else if action == "FailIndex", spec["backoffLimitPerIndex"] == nil {
                invalid(path + ".action", action, "requires the backoffLimitPerIndex to be set")
            }
            if let codes = rule["onExitCodes"] { exitCodes(codes, containers, path + ".onExitCodes") }
            conditionPatterns(rule["onPodConditions"], path + ".onPodConditions")
            switch (rule["onExitCodes"] != nil, rule["onPodConditions"].isFilled) {
            case (true, true):
                add(.invalid(path, "specifying both OnExitCodes and OnPodConditions is not supported"))
            case (false, false):
                add(.invalid(path, "specifying one of OnExitCodes and OnPodConditions is required"))
            default: break
            }
        }
    }

    private mutating func exitCodes(_ codes: Value, _ containers: Set<String>, _ path: String) {
        require(codes["operator"], path + ".operator", "valid values: [\"In\" \"NotIn\"]")
        if let name = codes["containerName"]?.string, !containers.contains(name) {
            let why = "must be one of the container or initContainer names in the pod template"
            invalid(path + ".containerName", .string(name), why)
        }
        let values = codes["values"].items.map { $0.integer ?? 0 }
        if values.isEmpty {
            invalid(path + ".values", .array([]), "at least one value is required")
        } else if values.count > Limits.exitCodes {
            tooMany(path + ".values", values.count, limit: Limits.exitCodes)
        }
        var seen: Set<Int64> = []
        for (index, value) in values.enumerated() {
            if value == 0, codes["operator"].text == "In" {
                invalid("\(path).values[\(index)]", 0, "must not be 0 for the In operator")
            }
            if !seen.insert(value).inserted { duplicate("\(path).values[\(index)]", .integer(value)) }
        }
        if zip(values, values.dropFirst()).contains(where: { $0 > $1 }) {
            invalid(path + ".values", codes["values"], "must be ordered")
        }
    }

    private mutating func conditionPatterns(_ patterns: Value?, _ path: String) {
        if patterns.items.count > Limits.patterns { tooMany(path, patterns.items.count, limit: Limits.patterns) }
        for (pattern, path) in patterns.elements(path) {
            name(pattern["type"].text, .qualifiedName, path + ".type")
            let statuses = ["False", "True", "Unknown"]
            if require(pattern["status"], path + ".status", "valid values: [\"False\" \"True\" \"Unknown\"]") {
                oneOf(pattern["status"], statuses, path + ".status")
            }
        }
    }

    /// When a job is done before all of its indexes are (KEP-3998).
    private mutating func successPolicy(_ policy: Value, _ completions: Int64, _ path: String) {
        let rules = policy["rules"]
        let why = "at least one rules must be specified when the successPolicy is specified"
        require(rules, path, why)
        if rules.items.count > Limits.rules { tooMany(path, rules.items.count, limit: Limits.rules) }
        for (rule, path) in rules.elements(path) {
            let (count, indexes) = (rule["succeededCount"], rule["succeededIndexes"]?.string)
            if count == nil, indexes == nil {
                missing(path, "at least one of succeededCount or succeededIndexes must be specified")
            }
            let total = indexes.map { succeededIndexes($0, completions, path + ".succeededIndexes") }
            guard let number = count?.integer else { continue }
            notNegative(count, path + ".succeededCount")
            if number > completions {
                let why = "must be less than or equal to \(completions) (the number of specified completions)"
                invalid(path + ".succeededCount", count, why)
            }
            if let total, number > total {
                let what = "the number of indexes in the specified succeededIndexes field"
                invalid(path + ".succeededCount", count, "must be less than or equal to \(total) (\(what))")
            }
        }
    }

    private mutating func succeededIndexes(_ text: String, _ completions: Int64, _ path: String) -> Int64 {
        if text.utf8.count > Limits.succeededIndexes { add(.tooLong(path, limit: Limits.succeededIndexes)) }
        do throws(IndexRanges.Problem) {
            return try IndexRanges.count(text, below: completions)
        } catch {
            invalid(path, .string(text), "error parsing succeededIndexes: \(error.text)")
            return 0
        }
    }
}
