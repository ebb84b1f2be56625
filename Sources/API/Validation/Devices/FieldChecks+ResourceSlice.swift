import APIMachinery

// Which devices drivers offer.
extension FieldChecks {
    private static let mostDevices = 128
    private static let longestPoolName = 253
    private static let mostConditions = 4
    private static let longestAttribute = 64
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
        poolName(pool["name"], path + ".name")
        let (generation, count) = (pool["generation"]?.integer ?? 0, pool["resourceSliceCount"]?.integer ?? 0)
        if generation < 0 {
            invalid(path + ".generation", .integer(generation), "must be greater than or equal to zero")
        }
        if count <= 0 { invalid(path + ".resourceSliceCount", .integer(count), "must be greater than zero") }
    }

    mutating func poolName(_ value: Value?, _ path: String) {
        guard require(value, path) else { return }
        if value.text.utf8.count > Self.longestPoolName { add(.tooLong(path, limit: Self.longestPoolName)) }
        for part in value.text.split(separator: "/", omittingEmptySubsequences: false) {
            name(String(part), .dns1123Subdomain, path)
        }
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
                attributeText(attribute, path)
            }
            for (key, capacity) in device["capacity"].entries {
                deviceKey(key, "\(path).capacity[\(key)]")
                if Optional(capacity)["value"] == nil { missing("\(path).capacity[\(key)].value") }
            }
            deviceBinding(device, path)
        }
    }

    /// What must hold before a pod is bound, and what says that it will not (KEP-5007): both, or neither.
    mutating func deviceBinding(_ device: Value, _ path: String) {
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

    private mutating func attributeText(_ attribute: Value, _ path: String) {
        for key in ["string", "version"] {
            guard let text = attribute[key]?.string else { continue }
            if key == "version", !Self.isSemanticVersion(text) {
                let why = "must be a string compatible with semver.org spec 2.0.0"
                invalid(path + ".version", .string(text), why)
            }
            if text.utf8.count > Self.longestAttribute {
                add(.tooLong("\(path).\(key)", limit: Self.longestAttribute))
            }
        }
    }

    /// Three numbers, then perhaps what comes before that version, then perhaps what was built (semver.org 2.0.0).
    static func isSemanticVersion(_ text: String) -> Bool {
        let build = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        let early = build[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = early[0].split(separator: ".", omittingEmptySubsequences: false)
        guard numbers.count == 3, numbers.allSatisfy(isPlainNumber) else { return false }
        let words = early.dropFirst().flatMap { $0.split(separator: ".", omittingEmptySubsequences: false) }
        guard words.allSatisfy({ isVersionWord($0) && (!isDigits($0) || isPlainNumber($0)) }) else { return false }
        return build.dropFirst().flatMap { $0.split(separator: ".", omittingEmptySubsequences: false) }
            .allSatisfy(isVersionWord)
    }

    private static func isDigits(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isPlainNumber(_ text: Substring) -> Bool {
        isDigits(text) && (text.utf8.count == 1 || text.first != "0")
    }

    private static func isVersionWord(_ text: Substring) -> Bool {
        !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
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
