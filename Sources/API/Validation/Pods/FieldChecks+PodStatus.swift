import APIMachinery

// What a kubelet or controller must not report of a pod.
extension FieldChecks {
    mutating func podStatusUpdate(_ new: Value, _ old: Value) {
        let (status, before) = (new["status"], old["status"])
        for (condition, path) in status["conditions"].elements("metadata.conditions")
        where !["PodScheduled", "Ready", "Initialized"].contains(condition["type"].text) {
            name(condition["type"].text, .qualifiedName, path + ".Type")
        }
        if status["nominatedNodeName"] != before["nominatedNodeName"] {
            optionalName(status["nominatedNodeName"], .dns1123Subdomain, "status.nominatedNodeName")
        }
        immutable(status["qosClass"] ?? "", before["qosClass"] ?? "", "status.qosClass")
        let spec = old["spec"]
        let policy = spec["restartPolicy"].text
        let containers = spec["initContainers"].items + spec["containers"].items
        // One of them may have all begin again (KEP-5532).
        let canAllRestart = containers.flatMap(\.restartRules).contains { $0["action"].text == "RestartAllContainers" }
        if !canAllRestart {
            restarted(status, before, "containerStatuses", spec["containers"].items, policy)
            restarted(status, before, "initContainerStatuses", spec["initContainers"].items, policy)
        }
        // Nobody restarts these.
        restarted(status, before, "ephemeralContainerStatuses", [], "Never")
        claimStatuses(status["resourceClaimStatuses"], new.at("spec", "resourceClaims"))
        podAddresses(status["podIPs"], "status.podIPs")
        hostAddresses(status)
        let system = new.at("spec", "os", "name").text
        for list in ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] {
            containerUsers(status[list], "status.\(list)", isWindows: system == "windows")
        }
        resourceHealth(status["containerStatuses"], of: new.at("spec", "containers"), "status.containerStatuses")
        resourceHealth(
            status["initContainerStatuses"], of: new.at("spec", "initContainers"), "status.initContainerStatuses")
        for (container, path) in status["ephemeralContainerStatuses"].elements("status.ephemeralContainerStatuses")
        where container["allocatedResourcesStatus"].isFilled {
            forbid(path + ".allocatedResourcesStatus", "must not be specified in container status")
        }
    }

    /// As whom the first process of each container runs (KEP-3619).
    private mutating func containerUsers(_ statuses: Value?, _ path: @autoclosure () -> String, isWindows: Bool) {
        for (status, path) in statuses.elements(path()) {
            guard let user = status["user"]["linux"] else { continue }
            // Kubernetes leaves out `user`.
            let path = path + ".linux"
            if isWindows {
                forbid(path, "cannot be set for a windows pod")
                continue
            }
            for key in ["uid", "gid"] { userID(user[key], "\(path).\(key)") }
            for (group, path) in user["supplementalGroups"].elements(path + ".supplementalGroups") {
                userID(group, path)
            }
        }
    }

    /// How the devices are that containers have: only of what they asked for, of each device once (KEP-4680).
    private mutating func resourceHealth(_ statuses: Value?, of containers: Value?, _ path: @autoclosure () -> String) {
        for (status, path) in statuses.elements(path()) {
            // A container that is not there is passed over.
            let container = containers.items.first { $0["name"] == status["name"] }
            for (resource, path) in status["allocatedResourcesStatus"].elements(path + ".allocatedResourcesStatus") {
                if let container { askedFor(resource["name"].text, by: container, path + ".name") }
                var seen: Set<String> = []
                for (device, path) in resource["resources"].elements(path + ".resources") {
                    let health = device["health"].text
                    if !["Healthy", "Unhealthy", "Unknown"].contains(health) {
                        unsupported(path + ".health", .string(health), ["Healthy", "Unhealthy", "Unknown"])
                    }
                    let id = device["resourceID"].text
                    if !seen.insert(id).inserted { duplicate(path + ".resourceID", .string(id)) }
                }
            }
        }
    }

    private mutating func askedFor(_ name: String, by container: Value, _ path: String) {
        let resources = container["resources"]
        guard name.hasPrefix("claim:") else {
            guard resources["requests"][name] == nil else { return }
            return invalid(path, .string(name), "must match one of the container's resource requests")
        }
        let isKnown = resources["claims"].items.contains { claim in
            let request = claim["request"].text
            return name == "claim:" + claim["name"].text + (request.isEmpty ? "" : "/" + request)
        }
        guard !isKnown else { return }
        let why = "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or "
            + "'claim:<claimName>' if request is empty"
        invalid(path, .string(name), why)
    }

    /// A container that ended for good does not run again. Its own policy and rules go before its pod's (KEP-5307).
    private mutating func restarted(
        _ status: Value?, _ before: Value?, _ list: String, _ containers: [Value], _ policy: String
    ) {
        guard policy != "Always" else { return }
        for (index, old) in before[list].items.enumerated() {
            guard let ended = old["state"]["terminated"] else { continue }
            let code = ended["exitCode"]?.integer ?? 0
            let container = containers.first { $0["name"] == old["name"] }
            if container?.restartRules.contains(where: { Self.fits($0, code) }) == true { continue }
            switch container?["restartPolicy"]?.string ?? policy {
            case "Always": continue
            case "OnFailure" where code != 0: continue
            default: break
            }
            let runsAgain = status[list].items.contains {
                $0["name"] == old["name"] && $0["state"]["terminated"] == nil
            }
            guard runsAgain else { continue }
            forbid("status.\(list)[\(index)].state", "may not be transitioned to non-terminated state")
        }
    }

    private static func fits(_ rule: Value, _ code: Int64) -> Bool {
        guard let codes = rule["exitCodes"] else { return false }
        let isListed = codes["values"].items.contains { $0.integer == code }
        return codes["operator"].text == "In" ? isListed : !isListed
    }

    private mutating func claimStatuses(_ statuses: Value?, _ claims: Value?) {
        let known = Set(claims.items.map { $0["name"].text })
        var seen: Set<String> = []
        for (status, path) in statuses.elements("status.resourceClaimStatuses") {
            let name = status["name"].text
            if !known.contains(name) {
                let why = "must match the name of an entry in `spec.resourceClaims`"
                invalid(path + ".name", .string(name), why)
            }
            if !seen.insert(name).inserted { duplicate(path + ".name", .string(name)) }
            optionalName(status["resourceClaimName"], .dns1123Subdomain, path + ".name")
        }
    }

    /// One address of each family at most, each once.
    private mutating func podAddresses(_ list: Value?, _ path: String) {
        var seen: Set<String> = []
        var repeated: [(String, Value)] = []
        let parsed = list.elements(path).compactMap { entry, path in
            if !seen.insert(entry["ip"].text).inserted { repeated.append((path, entry)) }
            return address(entry["ip"].text, path)
        }
        guard list.items.count > 1 else { return }
        if !Self.isDualStack(parsed) {
            invalid(path, list, "may specify no more than one IP for each IP family")
        }
        for (path, entry) in repeated { duplicate(path, entry) }
    }

    private mutating func hostAddresses(_ status: Value?) {
        guard let first = status["hostIPs"].items.first else { return }
        if status["hostIP"].text != first["ip"].text {
            invalid("status.hostIPs[0].ip", first["ip"], "must be equal to `hostIP`")
        }
        podAddresses(status["hostIPs"], "status.hostIPs")
    }
}

extension Value {
    /// What a container says of its ends.
    fileprivate var restartRules: [Value] { self["restartPolicyRules"].items }
}
