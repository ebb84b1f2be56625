import APIMachinery

// How much a namespace, and each object in it, may have.
extension FieldChecks {
    mutating func limitRange(_ object: Value) {
        var types: Set<String> = []
        for (item, path) in object.at("spec", "limits").elements("spec.limits") {
            let type = item["type"].text
            if type.isEmpty {
                missing(path + ".type")
            } else if !type.contains("/"), !["Pod", "Container", "PersistentVolumeClaim"].contains(type) {
                invalid(path + ".type", item["type"], "must be a standard limit type or fully qualified")
            } else if type.contains("/") {
                name(type, .qualifiedName, path + ".type")
            }
            if !types.insert(type).inserted { duplicate(path + ".type", item["type"]) }
            limits(item, type, path)
        }
    }

    private mutating func limits(_ item: Value, _ type: String, _ path: String) {
        var (keys, known): ([String], Set<String>) = ([], [])
        for list in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
            let isDefault = list.hasPrefix("default")
            if isDefault, type == "Pod" {
                if item[list].isFilled { forbid("\(path).\(list)", "may not be specified when `type` is 'Pod'") }
                continue
            }
            for (key, _) in item[list].entries {
                if list == "max" || list == "min" || isDefault { limitedResource(key, type, "\(path).\(list)[\(key)]") }
                if known.insert(key).inserted { keys.append(key) }
            }
        }
        if type == "PersistentVolumeClaim", item["min"]["storage"] == nil, item["max"]["storage"] == nil {
            missing(path + ".limits", "either minimum or maximum storage value is required, but neither was provided")
        }
        for key in keys { limitOrder(item, key, path) }
    }

    private mutating func limitedResource(_ key: String, _ type: String, _ path: String) {
        let name = ComputeResource(key)
        if type == "Pod" || type == "Container" {
            containerResourceName(name, path)
        } else {
            resourceName(name, path)
        }
    }

    /// Of one resource: least ≤ what is asked for by default ≤ what is had by default ≤ most.
    private mutating func limitOrder(_ item: Value, _ key: String, _ path: String) {
        let (least, most) = (item["min"][key].quantity, item["max"][key].quantity)
        let (request, limit) = (item["defaultRequest"][key].quantity, item["default"][key].quantity)
        let places = (
            least: "\(path).min[\(key)]", request: "\(path).defaultRequest[\(key)]",
            limit: "\(path).default[\(key)]"
        )
        ordered(("min", least), ("max", most), places.least, least)
        ordered(("min", least), ("default request", request), places.request, request)
        ordered(("default request", request), ("max", most), places.request, request)
        ordered(("default request", request), ("default limit", limit), places.request, request)
        ordered(("min", least), ("default", limit), places.limit, least)
        ordered(("default", limit), ("max", most), places.limit, most)
        ratio(item, key, path, least, most)
        guard !ComputeResource(key).allowsOvercommit, let request, limit != request else { return }
        let why = limit.map { "default value \($0) must be equal to defaultRequest value \(request) in \(key)" }
        invalid(
            places.request, .string("\(request)"),
            why ?? "default value must be specified and equal to defaultRequest value for \(key)")
    }

    private mutating func ordered(
        _ low: (name: String, amount: Quantity?), _ high: (name: String, amount: Quantity?), _ path: String,
        _ shown: Quantity?
    ) {
        guard let least = low.amount, let most = high.amount, least > most, let shown else { return }
        invalid(
            path, .string("\(shown)"), "\(low.name) value \(least) is greater than \(high.name) value \(most)")
    }

    private mutating func ratio(_ item: Value, _ key: String, _ path: String, _ least: Quantity?, _ most: Quantity?) {
        guard let value = item["maxLimitRequestRatio"][key], let ratio = Optional(value).quantity else { return }
        let place = "\(path).maxLimitRequestRatio[\(key)]"
        if ratio < Quantity(1) { invalid(place, value, "ratio \(ratio) is less than 1") }
        guard let least, let most, least.sign > 0 else { return }
        let possible = most.double / least.double
        guard ratio.double > possible else { return }
        invalid(place, value, "ratio \(ratio) is greater than max/min = \(GoText.fixed(possible))")
    }

    // MARK: - Quotas

    mutating func resourceQuota(_ quota: Value) {
        for (section, list) in [("spec", "hard"), ("status", "hard"), ("status", "used")] {
            for (key, value) in quota[section][list].entries {
                quotaResource(key, "\(section).\(list)[\(key)]")
                resourceAmount(value, of: ComputeResource(key), "\(section).\(list)[\(key)]")
            }
        }
        quotaScopes(quota["spec"])
    }

    private mutating func quotaResource(_ key: String, _ path: @autoclosure () -> String) {
        let problems = NameRule.qualifiedName.problems(in: key)
        for problem in problems { invalid(path(), .string(key), problem) }
        guard problems.isEmpty, !key.contains("/"), !ComputeResource(key).isForQuotas else { return }
        invalid(path(), .string(key), "must be a standard resource for quota")
    }

    private static let scopes: Set<String> = [
        "Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass",
        "CrossNamespacePodAffinity", "VolumeAttributesClass",
    ]

    private mutating func quotaScopes(_ spec: Value?) {
        let listed = spec["scopes"].items.map { $0.string ?? "" }
        if !listed.isEmpty { scopeList(listed, spec, "spec.scopes", spec["scopes"]) }
        for index in listed.indices { settle("spec.scopes[\(index)]") }
        guard let selector = spec["scopeSelector"] else { return }
        let path = "spec.scopeSelector.matchExpressions"
        var named: [String] = []
        // Errors name the list, not its elements.
        for (expression, element) in selector["matchExpressions"].elements(path) {
            for key in ["operator", "scopeName", "values"] { settle("\(element).\(key)") }
            let (scope, word) = (expression["scopeName"].text, expression["operator"].text)
            let count = expression["values"].items.count
            named.append(scope)
            if !Self.scopes.contains(scope) {
                invalid(path + ".scopeName", .string(scope), "unsupported scope")
            }
            unsuitable(scope, spec, path, selector)
            if ["Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "CrossNamespacePodAffinity"]
                .contains(scope), word != "Exists"
            {
                invalid(path + ".operator", .string(word), "must be 'Exist' only operator when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity")
            }
            switch word {
            case "In", "NotIn":
                guard count == 0 else { break }
                missing(path + ".values", "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")
            case "Exists", "DoesNotExist":
                guard count > 0 else { break }
                invalid(path + ".values", expression["values"], "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector")
            default: invalid(path + ".operator", .string(word), "not a valid selector operator")
            }
        }
        if !named.isEmpty { exclusive(named, "spec.scopeSelector.matchExpressions", selector) }
    }

    private mutating func scopeList(_ scopes: [String], _ spec: Value?, _ path: String, _ value: Value?) {
        for scope in Set(scopes).sorted() {
            if !Self.scopes.contains(scope) { invalid(path, value, "unsupported scope") }
            unsuitable(scope, spec, path, value)
        }
        exclusive(scopes, path, value)
    }

    /// Of what an extension counts nobody knows which scopes it has.
    private mutating func unsuitable(_ scope: String, _ spec: Value?, _ path: String, _ value: Value?) {
        for key in spec["hard"].entries.keys
        where ComputeResource(key).isForQuotas && !Self.applies(scope, to: key) {
            invalid(path, value, "unsupported scope applied to resource")
        }
    }

    /// No pod is of both kinds.
    private mutating func exclusive(_ scopes: [String], _ path: String, _ value: Value?) {
        for pair in [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]]
        where pair.allSatisfy(scopes.contains) {
            invalid(path, value, "conflicting scopes")
        }
    }

    private static func applies(_ scope: String, to resource: String) -> Bool {
        switch scope {
        case "BestEffort": resource == "pods"
        case "Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity":
            resource == "pods" || ComputeResource(resource).isComputed
        case "VolumeAttributesClass": resource == "requests.storage" || resource == "persistentvolumeclaims"
        default: true
        }
    }

    mutating func resourceQuotaUpdate(_ new: Value, _ old: Value) {
        let (scopes, before) = (new.at("spec", "scopes"), old.at("spec", "scopes"))
        if Set(scopes.items) != Set(before.items) { invalid("spec.scopes", scopes, "field is immutable") }
        let (selector, earlier) = (new.at("spec", "scopeSelector"), old.at("spec", "scopeSelector"))
        if selector != earlier { invalid("spec.scopeSelector", selector, "field is immutable") }
    }
}
