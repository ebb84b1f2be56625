import APIMachinery
import CEL

// What pods ask for of devices (KEP-4381).
extension FieldChecks {
    private static let mostItems = 32
    private static let mostAlternatives = 8
    private static let longestSelector = 10 * 1024
    private static let longestParameters = 10 * 1024

    mutating func deviceClass(_ deviceClass: Value) {
        let spec = deviceClass["spec"]
        deviceSelectors(spec["selectors"], "spec.selectors")
        bounded(spec["config"], Self.mostItems, "spec.config")
        for (config, path) in spec["config"].elements("spec.config") { deviceConfiguration(config, path) }
        guard let name = spec["extendedResourceName"]?.string else { return }
        if !name.contains("/") || name.hasPrefix("requests.") || !NameRule.qualifiedName.accepts(name) {
            let why = "must be a valid extended resource name"
            invalid("spec.extendedResourceName", .string(name), why)
        }
    }

    mutating func deviceClaim(_ claim: Value) { deviceClaim(claim["spec"]["devices"], "spec.devices") }

    /// What was asked for stays; another need is another claim.
    mutating func deviceClaimUpdate(_ new: Value, _ old: Value) {
        immutable(new["spec"], old["spec"], "spec")
        let (status, before) = (new["status"], old["status"])
        guard status != before else { return }
        bounded(status["reservedFor"], 256, "status.reservedFor")
        var seen: Set<String> = []
        for (user, path) in status["reservedFor"].elements("status.reservedFor") {
            for key in ["resource", "name", "uid"] { require(user[key], "\(path).\(key)") }
            if !seen.insert(user["uid"].text).inserted { duplicate(path, user["uid"]) }
        }
        deviceReports(status, "status.devices")
        if status["reservedFor"].isFilled, status["allocation"] == nil {
            forbid("status.reservedFor", "may not be specified when `allocated` is not set")
        } else if new.at("metadata", "deletionTimestamp") != nil,
            !Set(status["reservedFor"].items).isSubset(of: before["reservedFor"].items)
        {
            let why = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
            forbid("status.reservedFor", why)
        }
        guard let now = status["allocation"] else { return }
        if let earlier = before["allocation"] {
            immutable(now, earlier, "status.allocation")
        } else {
            deviceAllocation(now, of: new["spec"]["devices"]["requests"], "status.allocation")
        }
    }

    mutating func deviceClaimTemplate(_ template: Value) {
        templateMetadata(template["spec"]["metadata"], "spec.metadata")
        deviceClaim(template["spec"]["spec"]["devices"], "spec.spec.devices")
    }

    mutating func deviceClaimTemplateUpdate(_ new: Value, _ old: Value) {
        immutable(new["spec"], old["spec"], "spec")
    }

    // MARK: - Requests

    private mutating func deviceClaim(_ devices: Value?, _ path: String) {
        let requests = devices["requests"]
        bounded(requests, Self.mostItems, path + ".requests")
        var seen: Set<String> = []
        for (request, path) in requests.elements(path + ".requests") {
            let name = request["name"].text
            requiredName(.string(name), .dns1123Label, path + ".name")
            if !seen.insert(name).inserted { duplicate(path, .string(name)) }
            deviceRequest(request, path)
        }
        let names = Self.requestNames(requests)
        bounded(devices["constraints"], Self.mostItems, path + ".constraints")
        for (constraint, path) in devices["constraints"].elements(path + ".constraints") {
            requestNames(constraint["requests"], names, path + ".requests")
            let keys = ["matchAttribute", "distinctAttribute"].filter { constraint[$0] != nil }
            if keys.isEmpty {
                missing(path, "exactly one of `matchAttribute` or `distinctAttribute` is required")
            }
            for key in keys { deviceAttributeName(constraint[key].text, "\(path).\(key)") }
        }
        bounded(devices["config"], Self.mostItems, path + ".config")
        for (config, path) in devices["config"].elements(path + ".config") {
            requestNames(config["requests"], names, path + ".requests")
            deviceConfiguration(config, path)
        }
    }

    /// The names by which a claim's requests are referred to, alternatives behind the request that has them.
    static func requestNames(_ requests: Value?) -> Set<String> {
        var names: Set<String> = []
        for request in requests.items {
            let name = request["name"].text
            names.insert(name)
            for other in request["firstAvailable"].items { names.insert(name + "/" + other["name"].text) }
        }
        return names
    }

    mutating func bounded(_ list: Value?, _ limit: Int, _ path: @autoclosure () -> String) {
        if list.items.count > limit { tooMany(path(), list.items.count, limit: limit) }
    }

    mutating func requestNames(_ list: Value?, _ known: Set<String>, _ path: String) {
        var seen: Set<String> = []
        for (name, path) in list.elements(path) {
            requestName(name, known, path)
            if !seen.insert(name.string ?? "").inserted { duplicate(path, name) }
        }
    }

    mutating func requestName(_ name: Value, _ known: Set<String>, _ path: String) {
        guard !known.contains(name.string ?? "") else { return }
        let why = "must be the name of a request in the claim or the name of a request and a subrequest "
            + "separated by '/'"
        invalid(path, name, why)
    }

    private mutating func deviceRequest(_ request: Value, _ path: String) {
        let others = request["firstAvailable"]
        switch (request["exactly"], others.isFilled) {
        case (nil, false): missing(path, "exactly one of `exactly` or `firstAvailable` is required")
        case (_?, true):
            let why = "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set"
            invalid(path, .null, why)
        case (let exact?, false): wantedDevice(exact, path + ".exactly")
        case (nil, true):
            bounded(others, Self.mostAlternatives, path + ".firstAvailable")
            var names: Set<String> = []
            for (other, path) in others.elements(path + ".firstAvailable") {
                requiredName(other["name"], .dns1123Label, path + ".name")
                if !names.insert(other["name"].text).inserted { duplicate(path, other["name"]) }
                wantedDevice(other, path)
            }
        }
    }

    private mutating func wantedDevice(_ wanted: Value, _ path: String) {
        requiredName(wanted["deviceClassName"], .dns1123Subdomain, path + ".deviceClassName")
        deviceSelectors(wanted["selectors"], path + ".selectors")
        let (mode, count) = (wanted["allocationMode"].text, wanted["count"]?.integer ?? 0)
        switch mode {
        case "All":
            guard count != 0 else { break }
            invalid(path + ".count", .integer(count), "must not be specified when allocationMode is 'All'")
        case "ExactCount":
            if count <= 0 { invalid(path + ".count", .integer(count), "must be greater than zero") }
        default: break  // Its table refuses what is no mode.
        }
        for (toleration, path) in wanted["tolerations"].elements(path + ".tolerations") {
            deviceToleration(toleration, path)
        }
    }

    private mutating func deviceToleration(_ toleration: Value, _ path: String) {
        let (key, word) = (toleration["key"].text, toleration["operator"].text)
        optionalName(.string(key), .qualifiedName, path + ".key")
        switch word {
        case "Exists":
            guard toleration["value"].isFilled else { break }
            invalid(path + ".value", toleration["value"], "must be empty for operator `Exists`")
        case "Equal": name(toleration["value"].text, .labelValue, path + ".value")
        case "": missing(path + ".operator")
        default: unsupported(path + ".operator", .string(word), ["Equal", "Exists"])
        }
        if key.isEmpty, word != "Exists" {
            let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\""
            invalid(path + ".operator", .string(word), why)
        }
    }

    private mutating func deviceSelectors(_ selectors: Value?, _ path: String) {
        bounded(selectors, Self.mostItems, path)
        for (selector, path) in selectors.elements(path) {
            guard let cel = selector["cel"] else {
                missing(path + ".cel")
                continue
            }
            let (expression, path) = (cel["expression"], path + ".cel.expression")
            guard expression.isFilled else {
                missing(path)
                continue
            }
            // One that is too long is not worth the work.
            guard expression.text.utf8.count <= Self.longestSelector else {
                add(.tooLong(path, limit: Self.longestSelector))
                continue
            }
            do throws(CELError) {
                _ = try DeviceSelector.compile(expression.text)
            } catch {
                invalid(path, expression, error.problem)
            }
        }
    }

    mutating func deviceConfiguration(_ config: Value, _ path: String) {
        guard let opaque = config["opaque"] else { return missing(path + ".opaque") }
        driverName(opaque["driver"], path + ".opaque.driver")
        let (parameters, path) = (opaque["parameters"], path + ".opaque.parameters")
        guard let parameters else { return missing(path) }
        if parameters.fields == nil {
            invalid(path, "<value omitted>", "must be a valid JSON object")
        } else if "\(parameters)".utf8.count > Self.longestParameters {
            add(.tooLong(path, limit: Self.longestParameters))
        }
    }

    /// A name in a driver's domain: `domain/identifier`.
    mutating func deviceAttributeName(_ text: String, _ path: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            return text.isEmpty ? missing(path, "name required") : invalid(path, .string(text), "must include a domain")
        }
        name(String(parts[0]), .dns1123Subdomain, path)
        name(String(parts[1]), .cIdentifier, path)
    }
}
