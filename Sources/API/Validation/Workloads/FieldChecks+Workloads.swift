import APIMachinery

// Controllers that keep pods running. What they share first, then each by itself.
extension FieldChecks {
    /// The selector must pick the pods that the template makes, or the controller would make them for ever.
    private mutating func workload(_ spec: Value, kind: String) {
        let template = spec["template"]
        if let selector = spec["selector"] {
            self.selector(selector, "spec.selector")
            if let parsed = try? LabelSelector(object: selector) {
                if parsed.matchesEverything {
                    invalid("spec.selector", selector, "empty selector is invalid for \(kind.lowercased())")
                } else {
                    matching(template, parsed)
                }
            }
        } else {
            missing("spec.selector")
            // No selector picks nothing, and so not these pods either.
            mismatch(template)
        }
        podTemplate(template, "spec.template")
        endless(template, kind: kind)
    }

    private mutating func matching(_ template: Value?, _ selector: LabelSelector) {
        if !selector.matches(template["metadata"]["labels"].entries) { mismatch(template) }
    }

    private mutating func mismatch(_ template: Value?) {
        let why = "`selector` does not match template `labels`"
        invalid("spec.template.metadata.labels", template["metadata"]["labels"] ?? .emptyObject, why)
    }

    /// Pods that come to an end are a Job's.
    private mutating func endless(_ template: Value?, kind: String) {
        let policy = template["spec"]["restartPolicy"]
        if policy.text != "Always" { unsupported("spec.template.spec.restartPolicy", policy, ["Always"]) }
        if template["spec"]["activeDeadlineSeconds"] != nil {
            let why = "activeDeadlineSeconds in \(kind) is not Supported"
            forbid("spec.template.spec.activeDeadlineSeconds", why)
        }
    }

    /// How a rolling update goes on.
    private mutating func shares(_ rolling: Value?, _ keys: [String], _ path: String, bounded: [String]) {
        for key in keys { countOrPercent(rolling[key], "\(path).\(key)") }
        for key in bounded { atMostAll(rolling[key], "\(path).\(key)") }
    }

    // MARK: - Kinds

    mutating func deployment(_ object: Value) {
        let spec = object["spec"] ?? .emptyObject
        notNegative(
            spec, ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"], "spec")
        workload(spec, kind: "Deployment")
        let path = "spec.strategy.rollingUpdate"
        let rolling = spec["strategy"]["rollingUpdate"]
        switch spec["strategy"]["type"].text {
        case "Recreate":
            if rolling != nil { forbid(path, "may not be specified when strategy `type` is 'Recreate'") }
        case "RollingUpdate":
            shares(rolling, ["maxUnavailable", "maxSurge"], path, bounded: ["maxUnavailable"])
            if Self.amount(rolling["maxUnavailable"]) == 0, Self.amount(rolling["maxSurge"]) == 0 {
                let why = "may not be 0 when `maxSurge` is 0"
                invalid(path + ".maxUnavailable", rolling["maxUnavailable"] ?? 0, why)
            }
        default: break
        }
        let deadline = spec["progressDeadlineSeconds"]
        if let seconds = deadline?.integer, seconds <= spec["minReadySeconds"]?.integer ?? 0 {
            invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")
        }
    }

    mutating func replicaSet(_ object: Value) {
        let spec = object["spec"] ?? .emptyObject
        notNegative(spec, ["replicas", "minReadySeconds"], "spec")
        workload(spec, kind: "ReplicaSet")
    }

    mutating func daemonSet(_ object: Value) {
        let spec = object["spec"] ?? .emptyObject
        notNegative(spec, ["minReadySeconds", "revisionHistoryLimit"], "spec")
        workload(spec, kind: "DaemonSet")
        guard spec["updateStrategy"]["type"].text == "RollingUpdate" else { return }
        let path = "spec.updateStrategy.rollingUpdate"
        guard let rolling = spec["updateStrategy"]["rollingUpdate"] else { return missing(path) }
        let keys = ["maxUnavailable", "maxSurge"]
        shares(rolling, keys, path, bounded: keys)
        switch (Self.amount(rolling["maxUnavailable"]) != 0, Self.amount(rolling["maxSurge"]) != 0) {
        case (true, true):
            invalid(path + ".maxSurge", rolling["maxSurge"], "may not be set when maxUnavailable is non-zero")
        case (false, false): missing(path + ".maxUnavailable", "cannot be 0 when maxSurge is 0")
        default: break
        }
    }

    mutating func replicationController(_ object: Value) {
        let spec = object["spec"] ?? .emptyObject
        notNegative(spec, ["minReadySeconds", "replicas"], "spec")
        require(spec["selector"], "spec.selector")
        guard require(spec["template"], "spec.template") else { return }
        if spec["selector"].isFilled, let selector = try? LabelSelector(labels: spec["selector"].entries) {
            matching(spec["template"], selector)
        }
        podTemplate(spec["template"], "spec.template")
        endless(spec["template"], kind: "ReplicationController")
    }

    // MARK: - Stateful sets

    mutating func statefulSet(_ object: Value) {
        let spec = object["spec"] ?? .emptyObject
        notNegative(spec, ["replicas", "minReadySeconds", "revisionHistoryLimit"], "spec")
        notNegative(spec["ordinals"]["start"], "spec.ordinals.start")
        for key in ["whenDeleted", "whenScaled"] {
            let policy = spec["persistentVolumeClaimRetentionPolicy"][key]
            oneOf(policy, ["Retain", "Delete"], "spec.persistentVolumeClaimRetentionPolicy.\(key)")
        }
        statefulTemplate(spec)
        statefulChoice(spec["podManagementPolicy"], ["OrderedReady", "Parallel"], "spec.podManagementPolicy")
        let strategy = spec["updateStrategy"]
        statefulChoice(strategy["type"], ["RollingUpdate", "OnDelete"], "spec.updateStrategy", of: strategy)
        settle("spec.updateStrategy.type")
        let rolling = strategy["rollingUpdate"]
        let path = "spec.updateStrategy.rollingUpdate"
        if spec["updateStrategy"]["type"].text == "OnDelete" {
            if let rolling { invalid(path, rolling, "only allowed for updateStrategy 'RollingUpdate'") }
        } else if let rolling {
            notNegative(rolling["partition"], path + ".partition")
            guard let most = rolling["maxUnavailable"] else { return }
            shares(rolling, ["maxUnavailable"], path, bounded: ["maxUnavailable"])
            if Self.amount(most) == 0 { invalid(path + ".maxUnavailable", most, "cannot be 0") }
        }
    }

    /// Words that Kubernetes tells in a sentence of their own. `whole` is shown instead of the word.
    private mutating func statefulChoice(
        _ word: Value?, _ choices: [String], _ path: String, of whole: Value? = nil
    ) {
        guard !word.text.isEmpty, !choices.contains(word.text) else { return }
        invalid(path, whole ?? word, "must be " + choices.map { "'\($0)'" }.joined(separator: " or "))
        settle(path)
    }

    /// New sets name a service that can be; those that were stored before are let be.
    mutating func statefulSetCreate(_ object: Value) {
        optionalName(object.at("spec", "serviceName"), .dns1123Label, "spec.serviceName")
    }

    /// The claims that the set makes are volumes of its pods: the mounts may name them.
    private mutating func statefulTemplate(_ spec: Value) {
        var whole = spec
        let claims = spec["volumeClaimTemplates"].items.map { $0.at("metadata", "name").text }
        if !claims.isEmpty {
            let known = Set(spec.at("template", "spec", "volumes").items.map { $0["name"].text })
            let volumes = claims.filter { !known.contains($0) }.map { name -> Value in
                ["name": .string(name), "persistentVolumeClaim": ["claimName": .string(name)]]
            }
            whole[path: ["template", "spec", "volumes"]] =
                .array(spec.at("template", "spec", "volumes").items + volumes)
        }
        workload(whole, kind: "StatefulSet")
    }

    private static let statefulChangeable = [
        "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
    ]

    mutating func statefulSetUpdate(_ new: Value, _ old: Value) {
        // Templates of claims that were stored without their kind are none others.
        var old = old
        BuiltinDefaults.nameClaimTemplates(&old)
        var (proposed, current) = (new["spec"] ?? .emptyObject, old["spec"] ?? .emptyObject)
        for key in Self.statefulChangeable { (proposed[key], current[key]) = (nil, nil) }
        guard proposed != current else { return }
        let list = Self.statefulChangeable.map { "'\($0)'" }
        let words = list.dropLast().joined(separator: ", ") + " and " + (list.last ?? "")
        forbid("spec", "updates to statefulset spec for fields other than \(words) are forbidden")
    }

    /// What a controller picks its pods by stays, or its old pods would be nobody's.
    mutating func selectorUpdate(_ new: Value, _ old: Value) {
        immutable(new.at("spec", "selector"), old.at("spec", "selector"), "spec.selector")
    }

    // MARK: - Histories

    mutating func controllerRevision(_ revision: Value) {
        if revision["data"] == nil { missing("data", "data is mandatory") }
        notNegative(revision["revision"], "revision")
    }

    // MARK: - What controllers report

    /// No controller counts fewer than none, or more of some than of all.
    mutating func replicaStatus(_ new: Value, _ old: Value, _ parts: [String]) {
        let status = new["status"]
        guard status != old["status"] else { return }
        let others = ["replicas", "terminatingReplicas", "observedGeneration", "collisionCount"]
        notNegative(status, parts + others, "status")
        let all = status["replicas"]?.integer ?? 0
        for key in parts where key != "unavailableReplicas" && status[key]?.integer ?? 0 > all {
            invalid("status.\(key)", status[key], "cannot be greater than status.replicas")
        }
        let (available, ready) = (status["availableReplicas"], status["readyReplicas"]?.integer ?? 0)
        if available?.integer ?? 0 > ready {
            invalid("status.availableReplicas", available, "cannot be greater than readyReplicas")
        }
        let (count, before) = (status["collisionCount"]?.integer, old.at("status", "collisionCount")?.integer)
        if let before, count ?? -1 < before {
            invalid("status.collisionCount", .integer(count ?? 0), "cannot be decremented")
        }
    }

    mutating func daemonStatus(_ new: Value, _ old: Value) {
        guard new["status"] != old["status"] else { return }
        notNegative(
            new["status"],
            [
                "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady",
                "observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable",
                "collisionCount",
            ], "status")
    }
}
