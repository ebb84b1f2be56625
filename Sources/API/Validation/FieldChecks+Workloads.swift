import APIMachinery

extension FieldChecks {
    mutating func deployment(_ object: Value) {
        let spec = object["spec"] ?? .emptyObject
        workload(spec, kind: "deployment")
        notNegative(spec["replicas"], "spec.replicas")
        for key in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
            notNegative(spec[key], "spec.\(key)")
        }
        if let deadline = spec["progressDeadlineSeconds"]?.integer,
            deadline <= spec["minReadySeconds"]?.integer ?? 0
        {
            invalid(
                "spec.progressDeadlineSeconds", spec["progressDeadlineSeconds"],
                "must be greater than minReadySeconds")
        }
        let strategy = spec["strategy"]
        if strategy?["type"]?.string == "Recreate", strategy?["rollingUpdate"] != nil {
            add(
                .forbidden(
                    "spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"))
        } else if let rolling = strategy?["rollingUpdate"] {
            rollingUpdate(rolling, "spec.strategy.rollingUpdate")
        }
    }

    /// ReplicaSets and StatefulSets.
    mutating func replicas(_ object: Value, kind: String) {
        let spec = object["spec"] ?? .emptyObject
        workload(spec, kind: kind.lowercased())
        notNegative(spec["replicas"], "spec.replicas")
        notNegative(spec["minReadySeconds"], "spec.minReadySeconds")
    }

    mutating func daemonSet(_ object: Value) {
        let spec = object["spec"] ?? .emptyObject
        workload(spec, kind: "daemonset")
        notNegative(spec["minReadySeconds"], "spec.minReadySeconds")
        if let rolling = spec.at("updateStrategy", "rollingUpdate") {
            rollingUpdate(rolling, "spec.updateStrategy.rollingUpdate")
        }
    }

    mutating func replicationController(_ object: Value) {
        let spec = object["spec"] ?? .emptyObject
        notNegative(spec["replicas"], "spec.replicas")
        guard require(spec["selector"], "spec.selector"), require(spec["template"], "spec.template") else {
            return
        }
        let wanted = try? LabelSelector(labels: spec["selector"]?.fields ?? Fields())
        template(spec, matching: wanted)
    }

    /// The selector must pick the pods that the template makes, or the controller would make them for ever.
    private mutating func workload(_ spec: Value, kind: String) {
        guard let selector = spec["selector"] else {
            add(.required("spec.selector"))
            podTemplate(spec["template"], "spec.template")
            return
        }
        self.selector(selector, "spec.selector")
        let parsed = try? LabelSelector(object: selector)
        if parsed?.matchesEverything == true {
            invalid("spec.selector", selector, "empty selector is invalid for \(kind)")
        }
        template(spec, matching: parsed?.matchesEverything == true ? nil : parsed)
        oneOf(spec.at("template", "spec", "restartPolicy"), ["Always"], "spec.template.spec.restartPolicy")
    }

    private mutating func template(_ spec: Value, matching selector: LabelSelector?) {
        let labels = spec.at("template", "metadata", "labels")
        if let selector, !selector.matches(labels?.fields ?? Fields()) {
            invalid(
                "spec.template.metadata.labels", labels ?? .emptyObject,
                "`selector` does not match template `labels`")
        }
        podTemplate(spec["template"], "spec.template")
    }

    private mutating func rollingUpdate(_ rolling: Value, _ path: String) {
        for key in ["maxUnavailable", "maxSurge"] {
            switch rolling[key] {
            case .string(let text): name(text, .percent, "\(path).\(key)")
            case let number: notNegative(number, "\(path).\(key)")
            }
        }
        func isZero(_ key: String) -> Bool { [.integer(0), .string("0%"), nil].contains(rolling[key]) }
        if isZero("maxUnavailable"), isZero("maxSurge") {
            invalid(
                path + ".maxUnavailable", rolling["maxUnavailable"] ?? 0, "may not be 0 when `maxSurge` is 0")
        }
    }

    mutating func statefulSetUpdate(_ new: Value, _ old: Value) {
        var (proposed, current) = (new["spec"] ?? .emptyObject, old["spec"] ?? .emptyObject)
        for key in [
            "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
        ] { (proposed[key], current[key]) = (nil, nil) }
        guard proposed != current else { return }
        add(
            .forbidden(
                "spec",
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                    + "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
            ))
    }

    // MARK: - Jobs

    mutating func job(_ object: Value) { jobSpec(object["spec"] ?? .emptyObject, "spec") }

    private mutating func jobSpec(_ spec: Value, _ path: String) {
        for key in [
            "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
        ] {
            notNegative(spec[key], "\(path).\(key)")
        }
        if spec["completionMode"]?.string == "Indexed", spec["completions"] == nil {
            add(.required("\(path).completions", "when completion mode is Indexed"))
        }
        podTemplate(spec["template"], path + ".template")
        oneOf(
            spec.at("template", "spec", "restartPolicy"), ["OnFailure", "Never"],
            path + ".template.spec.restartPolicy")
    }

    mutating func jobUpdate(_ new: Value, _ old: Value) {
        for key in ["completions", "selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex"] {
            // The completions of an indexed job may follow its parallelism.
            if key == "completions", new.at("spec", "completionMode")?.string == "Indexed" { continue }
            immutable(new.at("spec", key), old.at("spec", key), "spec.\(key)")
        }
        let isWaiting = old.at("spec", "suspend")?.bool == true && old.at("status", "startTime") == nil
        if !isWaiting { immutable(new.at("spec", "template"), old.at("spec", "template"), "spec.template") }
    }

    mutating func cronJob(_ object: Value) {
        let spec = object["spec"] ?? .emptyObject
        let name = object.at("metadata", "name")?.string ?? ""
        // The jobs' names add an eleven-character suffix and must stay labels.
        if name.utf8.count > 52 {
            invalid("metadata.name", .string(name), "must be no more than 52 characters")
        }
        require(spec["schedule"], "spec.schedule")
        for key in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
            notNegative(spec[key], "spec.\(key)")
        }
        jobSpec(spec.at("jobTemplate", "spec") ?? .emptyObject, "spec.jobTemplate.spec")
    }
}
