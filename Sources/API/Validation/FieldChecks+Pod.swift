import APIMachinery

extension FieldChecks {
    /// What a pod, or the template of one, asks for.
    mutating func podSpec(_ spec: Value, _ path: String) {
        let volumes = self.volumes(spec["volumes"], path + ".volumes")
        if require(spec["containers"], path + ".containers") {
            containers(spec, path, volumes)
        }
        notNegative(spec["terminationGracePeriodSeconds"], path + ".terminationGracePeriodSeconds")
        range(spec["activeDeadlineSeconds"], 1, Int(Int32.max), path + ".activeDeadlineSeconds")
        labels(spec["nodeSelector"], path + ".nodeSelector")
        for (key, rule) in [
            ("serviceAccountName", NameRule.dns1123Subdomain), ("nodeName", .dns1123Subdomain),
            ("hostname", .dns1123Label), ("subdomain", .dns1123Label),
            ("priorityClassName", .dns1123Subdomain),
        ] {
            let text = spec[key]?.string ?? ""
            if !text.isEmpty { name(text, rule, "\(path).\(key)") }
        }
        for (toleration, path) in spec["tolerations"].elements(path + ".tolerations") {
            self.toleration(toleration, path)
        }
    }

    mutating func podTemplate(_ template: Value?, _ path: String) {
        labels(template?.at("metadata", "labels"), path + ".labels")
        podSpec(template?["spec"] ?? .emptyObject, path + ".spec")
    }

    private mutating func containers(_ spec: Value, _ path: String, _ volumes: Set<String>) {
        var names: Set<String> = []
        var hostPorts: Set<String> = []
        for list in ["containers", "initContainers"] {
            for (container, path) in spec[list].elements("\(path).\(list)") {
                let name = container["name"]?.string ?? ""
                if !name.isEmpty, !names.insert(name).inserted {
                    add(.duplicate(path + ".name", value: .string(name)))
                }
                self.container(container, path, volumes, &hostPorts)
                if list == "initContainers" { initContainer(container, path) }
            }
        }
    }

    /// An init container runs to its end, unless it is a sidecar; only that one can be probed.
    private mutating func initContainer(_ container: Value, _ path: String) {
        guard container["restartPolicy"]?.string != "Always" else { return }
        for key in ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"]
        where container[key] != nil {
            add(
                .forbidden(
                    "\(path).\(key)", "may not be set for init containers without restartPolicy=Always"))
        }
    }

    private mutating func toleration(_ toleration: Value, _ path: String) {
        let (key, word) = (toleration["key"]?.string ?? "", toleration["operator"]?.string ?? "")
        if !key.isEmpty { name(key, .qualifiedName, path + ".key") }
        if key.isEmpty, word != "Exists" {
            invalid(
                path + ".operator", .string(word),
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
        }
        if toleration["tolerationSeconds"] != nil, toleration["effect"]?.string != "NoExecute" {
            invalid(
                path + ".effect", toleration["effect"],
                "effect must be 'NoExecute' when `tolerationSeconds` is set")
        }
        if word == "Exists", !(toleration["value"]?.string ?? "").isEmpty {
            invalid(path + ".operator", toleration, "value must be empty when `operator` is 'Exists'")
        }
    }

    // MARK: - Updates

    /// A running pod is what it is: images may be changed, tolerations added, its deadline set.
    mutating func podUpdate(_ new: Value, _ old: Value) {
        var (proposed, current) = (new["spec"] ?? .emptyObject, old["spec"] ?? .emptyObject)
        let added = proposed["tolerations"]?.array ?? []
        guard
            (current["tolerations"]?.array ?? []).allSatisfy({ toleration in
                // The seconds of a toleration that stays may be changed.
                added.contains { Self.withoutSeconds($0) == Self.withoutSeconds(toleration) }
            })
        else {
            add(
                .forbidden(
                    "spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"
                ))
            return
        }
        for key in ["activeDeadlineSeconds", "tolerations"] { (proposed[key], current[key]) = (nil, nil) }
        if current["terminationGracePeriodSeconds"]?.integer ?? 0 < 0 {
            proposed["terminationGracePeriodSeconds"] = current["terminationGracePeriodSeconds"]
        }
        // The scheduler's decision comes by the binding subresource; gates may be lifted before it.
        if !(old.at("spec", "schedulingGates")?.array ?? []).isEmpty {
            (proposed["schedulingGates"], current["schedulingGates"]) = (nil, nil)
            (proposed["nodeSelector"], current["nodeSelector"]) = (nil, nil)
        }
        guard Self.withoutImages(proposed) != Self.withoutImages(current) else { return }
        add(
            .forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
                    + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
                    + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
            ))
    }

    private static func withoutSeconds(_ toleration: Value) -> Value {
        var toleration = toleration
        toleration["tolerationSeconds"] = nil
        return toleration
    }

    private static func withoutImages(_ spec: Value) -> Value {
        var spec = spec
        for key in ["containers", "initContainers"] {
            guard let list = spec[key]?.array else { continue }
            spec[key] = .array(
                list.map { container in
                    var container = container
                    container["image"] = nil
                    return container
                })
        }
        return spec
    }
}
