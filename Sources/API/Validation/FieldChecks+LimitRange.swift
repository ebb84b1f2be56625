import APIMachinery

// Limits and quotas of a namespace.
extension FieldChecks {
    mutating func limitRange(_ range: Value) {
        var types: Set<String> = []
        for (item, path) in range.at("spec", "limits").elements("spec.limits") {
            let type = item["type"]?.string ?? ""
            limitType(type, path + ".type")
            if !types.insert(type).inserted { add(.duplicate(path + ".type", value: .string(type))) }
            for list in ["max", "min"] { limitNames(item[list], type, "\(path).\(list)") }
            for list in ["default", "defaultRequest"] {
                if type != "Pod" {
                    limitNames(item[list], type, "\(path).\(list)")
                } else if item[list]?.fields?.isEmpty == false {
                    add(.forbidden("\(path).\(list)", "may not be specified when `type` is 'Pod'"))
                }
            }
            if type == "PersistentVolumeClaim", item.at("min", "storage") == nil, item.at("max", "storage") == nil {
                add(
                    .required(
                        path + ".limits",
                        "either minimum or maximum storage value is required, but neither was provided"))
            }
            limitNames(item["maxLimitRequestRatio"], type, path + ".maxLimitRequestRatio")
            limitAmounts(item, path)
        }
    }

    private mutating func limitType(_ type: String, _ path: String) {
        name(type, .qualifiedName, path)
        guard !type.contains("/"), !["Pod", "Container", "PersistentVolumeClaim"].contains(type) else { return }
        invalid(path, .string(type), "must be a standard limit type or fully qualified")
    }

    private mutating func limitNames(_ list: Value?, _ type: String, _ path: String) {
        for (name, _) in list?.fields ?? Fields() {
            switch type {
            case "Container", "Pod": containerResourceName(name, "\(path)[\(name)]")
            default: resourceTypeName(name, "\(path)[\(name)]")
            }
        }
    }

    /// What is said of one resource must fit together.
    private mutating func limitAmounts(_ item: Value, _ path: String) {
        let lists = ["min", "max", "default", "defaultRequest", "maxLimitRequestRatio"]
        let names = Set(lists.flatMap { (item[$0]?.fields ?? Fields()).map(\.key) })
        for name in names.sorted() {
            func amount(_ list: String) -> Quantity? { item.at(list, name).flatMap { try? Quantity(json: $0) } }
            let (least, most, limit, request) = (amount("min"), amount("max"), amount("default"), amount("defaultRequest"))
            func place(_ list: String) -> String { "\(path).\(list)[\(name)]" }
            func order(_ small: Quantity?, _ big: Quantity?, _ words: (String, String), _ list: String, _ shown: Quantity?) {
                guard let small, let big, small > big, let shown else { return }
                invalid(
                    place(list), shown.json, "\(words.0) value \(small) is greater than \(words.1) value \(big)")
            }
            order(least, most, ("min", "max"), "min", least)
            order(least, request, ("min", "default request"), "defaultRequest", request)
            order(request, most, ("default request", "max"), "defaultRequest", request)
            order(request, limit, ("default request", "default limit"), "defaultRequest", request)
            order(least, limit, ("min", "default"), "default", least)
            order(limit, most, ("default", "max"), "default", most)
            if let ratio = amount("maxLimitRequestRatio") {
                limitRatio(ratio, least, most, place("maxLimitRequestRatio"))
            }
            let isShared = !name.hasPrefix("hugepages-") && (!name.contains("/") || name.hasPrefix("kubernetes.io/"))
            if !isShared, let limit, let request, limit != request {
                invalid(
                    place("defaultRequest"), request.json,
                    "default value \(limit) must equal to defaultRequest value \(request) in \(name)")
            }
        }
    }

    private mutating func limitRatio(_ ratio: Quantity, _ least: Quantity?, _ most: Quantity?, _ path: String) {
        if ratio < Quantity(1) { invalid(path, ratio.json, "ratio \(ratio) is less than 1") }
        guard let least, let most, !least.isZero else { return }
        let bound = most.double / least.double
        guard ratio.double > bound else { return }
        invalid(path, ratio.json, "ratio \(ratio) is greater than max/min = \(GoText.fixed(bound))")
    }

    // MARK: - Names of resources

    /// Resources that Kubernetes itself knows, without a domain of their own.
    static let standardResources: Set<String> = [
        "cpu", "memory", "ephemeral-storage", "storage", "requests.cpu", "requests.memory",
        "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods",
        "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims",
        "requests.storage", "services.nodeports", "services.loadbalancers",
    ]

    static func isHugePages(_ name: String) -> Bool {
        name.hasPrefix("hugepages-") || name.hasPrefix("requests.hugepages-")
    }

    /// A name of a resource of any kind.
    mutating func resourceTypeName(_ name: String, _ path: String) {
        self.name(name, .qualifiedName, path)
        guard !name.contains("/"), !Self.standardResources.contains(name), !Self.isHugePages(name) else { return }
        invalid(path, .string(name), "must be a standard resource type or fully qualified")
    }

    /// A name of a resource that containers have.
    private mutating func containerResourceName(_ name: String, _ path: String) {
        resourceTypeName(name, path)
        guard !name.contains("/"), !["cpu", "memory", "ephemeral-storage"].contains(name), !Self.isHugePages(name)
        else { return }
        invalid(path, .string(name), "must be a standard resource for containers")
    }
}
