import APIMachinery

// Which devices drivers offer.
extension FieldChecks {
    private static let mostDevices = 128
    private static let longestPoolName = 253
    private static let mostConditions = 4
    private static let places = ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"]

    mutating func resourceSlice(_ slice: Value) {
        let spec = slice["spec"]
        driverName(spec["driver"], "spec.driver")
        pool(spec["pool"], "spec.pool")
        let present = Self.places.filter { spec[$0].isFilled && spec[$0] != false }
        let rule = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
        switch present.count {
        case 0: missing("spec", rule)
        case 1: break
        default:
            let list = "{" + present.map { "`\($0)`" }.joined(separator: ", ") + "}"
            invalid("spec", .string(list), rule + ", but multiple fields are set")
        }
        optionalName(spec["nodeName"], .dns1123Subdomain, "spec.nodeName")
        if let selector = spec["nodeSelector"] {
            nodeSelector(selector, "spec.nodeSelector")
            if selector["nodeSelectorTerms"].items.count > 1 {
                let why = "must have exactly one node selector term"
                invalid("spec.nodeSelector.nodeSelectorTerms", selector["nodeSelectorTerms"], why)
            }
        }
        devices(spec["devices"], "spec.devices")
    }

    private mutating func pool(_ pool: Value?, _ path: String) {
        let name = pool["name"].text
        if require(.string(name), path + ".name") {
            if name.utf8.count > Self.longestPoolName { add(.tooLong(path + ".name", limit: Self.longestPoolName)) }
            for part in name.split(separator: "/", omittingEmptySubsequences: false) {
                self.name(String(part), .dns1123Subdomain, path + ".name")
            }
        }
        let (generation, count) = (pool["generation"]?.integer ?? 0, pool["resourceSliceCount"]?.integer ?? 0)
        if generation < 0 {
            invalid(path + ".generation", .integer(generation), "must be greater than or equal to zero")
        }
        if count <= 0 { invalid(path + ".resourceSliceCount", .integer(count), "must be greater than zero") }
    }

    private mutating func devices(_ devices: Value?, _ path: String) {
        if devices.items.count > Self.mostDevices { tooMany(path, devices.items.count, limit: Self.mostDevices) }
        var names: Set<String> = []
        for (device, path) in devices.elements(path) {
            requiredName(device["name"], .dns1123Label, path + ".name")
            if !names.insert(device["name"].text).inserted { duplicate(path, device["name"]) }
            for (key, attribute) in device["attributes"].entries {
                let path = "\(path).attributes[\(key)]"
                deviceKey(key, path)
                let kinds = attribute.fields?.keys ?? []
                if kinds.isEmpty { missing(path, "exactly one value must be specified") }
                if kinds.count > 1 { invalid(path, attribute, "exactly one value must be specified") }
            }
            for (key, capacity) in device["capacity"].entries {
                deviceKey(key, "\(path).capacity[\(key)]")
                if Optional(capacity)["value"] == nil { missing("\(path).capacity[\(key)].value") }
            }
            deviceBinding(device, path)
        }
    }

    /// What must hold before a pod is bound, and what says that it will not (KEP-5007): both, or neither.
    private mutating func deviceBinding(_ device: Value, _ path: String) {
        let (wanted, failing) = ("bindingConditions", "bindingFailureConditions")
        for key in [wanted, failing] {
            let count = device[key].items.count
            if count > Self.mostConditions { tooMany("\(path).\(key)", count, limit: Self.mostConditions) }
            var seen: Set<String> = []
            for (condition, path) in device[key].elements("\(path).\(key)") {
                name(condition.string ?? "", .qualifiedName, path)
                if !seen.insert(condition.string ?? "").inserted { duplicate(path, condition) }
                if key == failing, device[wanted].items.contains(condition) {
                    invalid(path, condition, "\(failing) must not overlap with \(wanted)")
                }
            }
        }
        for (key, other) in [(wanted, failing), (failing, wanted)] where !device[key].isFilled && device[other].isFilled {
            invalid("\(path).\(key)", .array([]), "\(key) are required to use \(other)")
        }
    }

    /// In the driver's own domain the domain may be left out.
    private mutating func deviceKey(_ key: String, _ path: String) {
        if key.contains("/") { deviceAttributeName(key, path) } else { name(key, .cIdentifier, path) }
    }

    mutating func resourceSliceUpdate(_ new: Value, _ old: Value) {
        let (spec, before) = (new["spec"], old["spec"])
        immutable(spec["nodeName"], before["nodeName"], "spec.nodeName")
        immutable(spec["driver"], before["driver"], "spec.driver")
        immutable(spec["pool"]["name"], before["pool"]["name"], "spec.pool.name")
    }
}
