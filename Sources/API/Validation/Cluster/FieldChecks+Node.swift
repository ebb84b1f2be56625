import APIMachinery
import Support

// Nodes and what surrounds them: namespaces, leases, classes of priority and of runtime.
extension FieldChecks {
    mutating func node(_ node: Value) {
        let spec = node["spec"]
        taints(spec["taints"])
        let blocks = spec["podCIDRs"].items
        for (text, path) in spec["podCIDRs"].elements("spec.podCIDRs") { _ = block(text.string ?? "", path) }
        let families = blocks.compactMap { $0.string.flatMap { IPPrefix($0)?.address.family } }
        if blocks.count > 2 || blocks.count == 2 && Set(families).count != 2 {
            let why = "may specify no more than one CIDR for each IP family"
            invalid("spec.podCIDRs", spec["podCIDRs"], why)
        }
        for list in ["capacity", "allocatable"] {
            // What they are called is not asked: nodes report what they find.
            for (key, value) in node["status"][list].entries {
                resourceQuantity(value, of: ComputeResource(key), "status.\(list).\(key)")
            }
        }
    }

    private mutating func taints(_ taints: Value?) {
        var seen: Set<String> = []
        for (taint, path) in taints.elements("metadata.taints") {
            name(taint["key"].text, .qualifiedName, path + ".key")
            name(taint["value"].text, .labelValue, path + ".value")
            require(taint["effect"], path + ".effect")
            if !seen.insert(taint["key"].text + ":" + taint["effect"].text).inserted {
                add(FieldError(.duplicate, path, value: taint, "taints must be unique by key and effect pair"))
            }
        }
    }

    mutating func nodeUpdate(_ new: Value, _ old: Value) {
        let (spec, before) = (new["spec"], old["spec"])
        var addresses: Set<Value> = []
        for (address, path) in new.at("status", "addresses").elements("status.addresses")
        where !addresses.insert(address).inserted {
            duplicate(path, address)
        }
        if before["podCIDRs"].isFilled, spec["podCIDRs"] != before["podCIDRs"] {
            forbid("spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid")
        }
        if !before["providerID"].text.isEmpty, spec["providerID"].text != before["providerID"].text {
            forbid("spec.providerID", "node updates may not change providerID except from \"\" to valid")
        }
        var (rest, earlier) = (spec ?? .emptyObject, before ?? .emptyObject)
        for key in ["podCIDR", "podCIDRs", "providerID", "taints", "unschedulable", "configSource"] {
            (rest[key], earlier[key]) = (nil, nil)
        }
        if rest != earlier {
            let why = "node updates may only change labels, taints, or capacity "
                + "(or configSource, if the DynamicKubeletConfig feature gate is enabled)"
            forbid("spec", why)
        }
    }

    // MARK: - Namespaces and leases

    mutating func namespace(_ namespace: Value) {
        for finalizer in namespace.at("spec", "finalizers").items {
            name(finalizer.string ?? "", .qualifiedName, "spec.finalizers")
            standardFinalizer(finalizer.string ?? "", "spec.finalizers")
        }
    }

    /// A namespace is on its way out exactly when it is marked for that.
    mutating func namespaceUpdate(_ new: Value, _ old: Value) {
        guard new["status"] != old["status"] else { return }
        let phase = new.at("status", "phase").text
        let isMarked = new.at("metadata", "deletionTimestamp") != nil
        let (wanted, state) = isMarked ? ("Terminating", "not empty") : ("Active", "empty")
        guard phase != wanted, isMarked || !phase.isEmpty else { return }
        invalid("status.Phase", .string(phase), "may only be '\(wanted)' if `deletionTimestamp` is \(state)")
    }

    mutating func lease(_ lease: Value) {
        let spec = lease["spec"]
        if let seconds = spec["leaseDurationSeconds"]?.integer, seconds <= 0 {
            invalid("spec.leaseDurationSeconds", spec["leaseDurationSeconds"], "must be greater than 0")
        }
        notNegative(spec["leaseTransitions"], "spec.leaseTransitions")
        if let strategy = spec["strategy"] { leaseStrategy(strategy.string ?? "") }
        if spec["preferredHolder"].isFilled, spec["strategy"].text.isEmpty {
            forbid("spec.preferredHolder", "may only be specified when `strategy` is defined")
        }
    }

    private mutating func leaseStrategy(_ strategy: String) {
        if ["OldestEmulationVersion"].contains(strategy) { return }
        let parts = strategy.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count < 2 {
            unsupported("spec.strategy", .string(strategy), ["OldestEmulationVersion"])
        } else {
            name(strategy, .qualifiedName, "spec.strategy")
        }
    }

    // MARK: - Classes

    /// Values above this are Kubernetes' own.
    private static let highestUserPriority: Int64 = 1_000_000_000

    private static let systemPriorities: [String: Int64] = [
        "system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000,
    ]

    mutating func priorityClass(_ priorityClass: Value) {
        let (name, value) = (priorityClass.at("metadata", "name").text, priorityClass["value"]?.integer ?? 0)
        if name.hasPrefix("system-") {
            let why = "priority class names with 'system-' prefix are reserved for system use only. error: "
            if let known = Self.systemPriorities[name] {
                if known != value {
                    forbid("metadata.name", why + "value of \(name) PriorityClass must be \(known)")
                } else if priorityClass["globalDefault"].isTrue {
                    forbid("metadata.name", why + "globalDefault of \(name) PriorityClass must be false")
                }
            } else {
                forbid("metadata.name", why + "\(name) is not a known system priority class")
            }
        } else if value > Self.highestUserPriority {
            forbid("value", "maximum allowed value of a user defined priority is \(Self.highestUserPriority)")
        }
    }

    mutating func priorityClassUpdate(_ new: Value, _ old: Value) {
        if new["value"] ?? 0 != old["value"] ?? 0 { forbid("value", "may not be changed in an update.") }
        immutable(new["preemptionPolicy"], old["preemptionPolicy"], "preemptionPolicy")
    }

    mutating func runtimeClass(_ runtimeClass: Value) {
        name(runtimeClass["handler"].text, .dns1123Label, "handler")
        if let overhead = runtimeClass.at("overhead", "podFixed") {
            resources(["limits": overhead], "overhead.podFixed", claims: [])
        }
        guard let scheduling = runtimeClass["scheduling"] else { return }
        labels(scheduling["nodeSelector"], "scheduling.nodeSelector")
        var seen: Set<Value> = []
        for (toleration, path) in scheduling["tolerations"].elements("scheduling.tolerations") {
            if !seen.insert(toleration).inserted { duplicate(path, toleration) }
        }
        tolerations(scheduling["tolerations"], "scheduling.tolerations")
    }

    mutating func runtimeClassUpdate(_ new: Value, _ old: Value) {
        immutable(new["handler"], old["handler"], "handler")
    }
}
