import APIMachinery

// Horizontal pod autoscalers, in the version that is stored (autoscaling/v2).
extension FieldChecks {
    mutating func autoscaler(_ autoscaler: Value) {
        let spec = autoscaler["spec"]
        let (least, most) = (spec["minReplicas"], spec["maxReplicas"]?.integer ?? 0)
        if let number = least?.integer, number < 1 {
            invalid("spec.minReplicas", least, "must be greater than or equal to 1")
        }
        if most < 1 { invalid("spec.maxReplicas", .integer(most), "must be greater than 0") }
        if let number = least?.integer, most < number {
            invalid("spec.maxReplicas", .integer(most), "must be greater than or equal to `minReplicas`")
        }
        scaledObject(spec["scaleTargetRef"], "spec.scaleTargetRef")
        for (metric, path) in spec["metrics"].elements("spec.metrics") { self.metric(metric, path) }
        for key in ["scaleUp", "scaleDown"] {
            if let rules = spec["behavior"][key] { scalingRules(rules, "spec.behavior.\(key)") }
        }
    }

    mutating func autoscalerStatusUpdate(_ new: Value, _ old: Value) {
        guard new["status"] != old["status"] else { return }
        notNegative(new["status"], ["currentReplicas", "desiredReplicas"], "status")
    }

    private mutating func scaledObject(_ object: Value?, _ path: String) {
        for key in ["kind", "name"] { requiredName(object[key], .pathSegment, "\(path).\(key)") }
        let version = object["apiVersion"].text
        guard version.split(separator: "/", omittingEmptySubsequences: false).count > 2 else { return }
        invalid(path + ".apiVersion", .string(version), "unexpected GroupVersion string: \(version)")
    }

    // MARK: - Metrics

    /// The types of metric, each with the field that describes it, in the order in which Kubernetes looks at them.
    private static let metricFields = [
        ("Object", "object"), ("External", "external"), ("Pods", "pods"), ("Resource", "resource"),
        ("ContainerResource", "containerResource"),
    ]

    private mutating func metric(_ metric: Value, _ path: String) {
        let type = metric["type"].text
        if type.isEmpty { missing(path + ".type", "must specify a metric source type") }
        let expected = Self.metricFields.first { $0.0 == type }?.1
        if expected == nil {
            unsupported(path + ".type", .string(type), Self.metricFields.map(\.0).sorted())
        }
        let present = Self.metricFields.map(\.1).filter { metric[$0] != nil }
        if let first = present.first { metricSource(first, metric[first] ?? .emptyObject, "\(path).\(first)") }
        if let expected, !present.contains(expected) {
            missing("\(path).\(expected)", "must populate information for the given metric source")
        }
        guard present.count != 1 else { return }
        for other in present where other != expected {
            forbid("\(path).\(other)", "must populate the given metric source only")
        }
    }

    private mutating func metricSource(_ kind: String, _ source: Value, _ path: String) {
        let target = source["target"]
        switch kind {
        case "object", "external":
            if kind == "object" { scaledObject(source["describedObject"], path + ".describedObject") }
            metricName(source["metric"], path + ".metric")
            metricTarget(target, path + ".target")
            let (value, average) = (target["value"], target["averageValue"])
            if value == nil, average == nil {
                let why = "must set either a target value for metric or a per-pod target"
                missing(path + ".target.averageValue", why)
            } else if kind == "external", value != nil, average != nil {
                forbid(path + ".target.value", "may not set both a target value for metric and a per-pod target")
            }
        case "pods":
            metricName(source["metric"], path + ".metric")
            metricTarget(target, path + ".target")
            if target["averageValue"].quantity?.sign ?? 0 <= 0 {
                missing(path + ".target.averageValue", "must specify a positive target averageValue")
            }
        default:
            require(source["name"], path + ".name", "must specify a resource name")
            if kind == "containerResource" { require(source["container"], path + ".container", "must specify a container") }
            metricTarget(target, path + ".target")
            switch (target["averageUtilization"], target["averageValue"]) {
            case (nil, nil):
                let why = "must set either a target raw value or a target utilization"
                missing(path + ".target.averageUtilization", why)
            case (_?, _?):
                let why = "may not set both a target raw value and a target utilization"
                forbid(path + ".target.averageValue", why)
            default: break
            }
        }
    }

    private mutating func metricName(_ metric: Value?, _ path: String) {
        let name = metric["name"].text
        if require(.string(name), path + ".name", "must specify a metric name") {
            self.name(name, .pathSegment, path + ".name")
        }
        selector(metric["selector"], path + ".selector")
    }

    private mutating func metricTarget(_ target: Value?, _ path: String) {
        let type = target["type"]
        require(type, path + ".type", "must specify a metric target type")
        if !["Utilization", "Value", "AverageValue"].contains(type.text) {
            invalid(path + ".type", .string(type.text), "must be either Utilization, Value, or AverageValue")
        }
        for key in ["value", "averageValue"] {
            guard let amount = target[key], Optional(amount).quantity?.sign ?? 1 <= 0 else { continue }
            invalid("\(path).\(key)", amount, "must be positive")
        }
        if let share = target["averageUtilization"]?.integer, share < 1 {
            invalid(path + ".averageUtilization", .integer(share), "must be greater than 0")
        }
    }

    // MARK: - Behavior (KEP-853)

    private static let longestStabilization: Int64 = 3600
    private static let longestPeriod: Int64 = 1800

    private mutating func scalingRules(_ rules: Value, _ path: String) {
        let window = path + ".stabilizationWindowSeconds"
        if let seconds = rules["stabilizationWindowSeconds"]?.integer {
            if seconds < 0 { invalid(window, .integer(seconds), "must be greater than or equal to zero") }
            if seconds > Self.longestStabilization {
                invalid(window, .integer(seconds), "must be less than or equal to \(Self.longestStabilization)")
            }
        }
        oneOf(rules["selectPolicy"], ["Disabled", "Max", "Min"], path + ".selectPolicy")
        if let tolerance = rules["tolerance"], Optional(tolerance).quantity?.sign ?? 0 < 0 {
            invalid(path + ".tolerance", tolerance, "must be greater than or equal to 0")
        }
        let policies = rules["policies"]
        require(policies, path + ".policies", "must specify at least one Policy")
        for (policy, path) in policies.elements(path + ".policies") {
            let (value, period) = (policy["value"]?.integer ?? 0, policy["periodSeconds"]?.integer ?? 0)
            oneOf(.string(policy["type"].text), ["Percent", "Pods"], path + ".type")
            if value <= 0 { invalid(path + ".value", .integer(value), "must be greater than zero") }
            if period <= 0 { invalid(path + ".periodSeconds", .integer(period), "must be greater than zero") }
            if period > Self.longestPeriod {
                let why = "must be less than or equal to \(Self.longestPeriod)"
                invalid(path + ".periodSeconds", .integer(period), why)
            }
        }
    }
}
