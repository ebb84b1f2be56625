import APIMachinery

/// autoscaling/v1 knows one metric, the CPU's utilisation. What v2 says beyond that travels in annotations, so
/// that whoever reads and writes v1 takes nothing away.
extension KindConversion {
    static let horizontalPodAutoscalers = KindConversion(
        toStored: { object in
            var new = object
            new["apiVersion"] = "autoscaling/v2"
            var spec = object["spec"] ?? .emptyObject
            var status = object["status"] ?? .emptyObject
            let metrics = takeCPU(from: &spec, "targetCPUUtilizationPercentage", cpuSpec)
                + carried(object, metricsAnnotation).compactMap { MetricForm.newer($0, MetricForm.specs) }
            let current = takeCPU(from: &status, "currentCPUUtilizationPercentage", cpuStatus)
                + carried(object, currentAnnotation).compactMap { MetricForm.newer($0, MetricForm.statuses) }
            if !metrics.isEmpty { spec["metrics"] = .array(metrics) }
            if let behavior = parsed(object, behaviorAnnotation) { spec["behavior"] = behavior }
            if !current.isEmpty { status["currentMetrics"] = .array(current) }
            if let conditions = parsed(object, conditionsAnnotation) { status["conditions"] = conditions }
            new["spec"] = spec
            if status != .emptyObject || object["status"] != nil { new["status"] = status }
            annotate(&new, [:])
            return new
        },
        toServed: { object in
            var new = object
            new["apiVersion"] = "autoscaling/v1"
            let metrics = object.at("spec", "metrics")?.array ?? []
            let current = object.at("status", "currentMetrics")?.array ?? []
            let target = metrics.lazy.compactMap { utilization($0, "target") }.last
            let measured = current.lazy.compactMap { utilization($0, "current") }.last
            for path in [["spec", "metrics"], ["spec", "behavior"]] { new[path: path] = nil }
            new[path: ["spec", "targetCPUUtilizationPercentage"]] = target
            if var status = object["status"] {
                for key in ["currentMetrics", "conditions"] { status[key] = nil }
                status["currentCPUUtilizationPercentage"] = measured
                for key in ["currentReplicas", "desiredReplicas"] where status[key] == nil { status[key] = 0 }
                new["status"] = status
            }
            let rest = metrics.filter { utilization($0, "target") == nil }
            let restOfCurrent = current.filter { utilization($0, "current") == nil }
            annotate(
                &new,
                [
                    metricsAnnotation: list(rest.compactMap { MetricForm.older($0, MetricForm.specs) }),
                    behaviorAnnotation: object.at("spec", "behavior"),
                    currentAnnotation: list(
                        restOfCurrent.compactMap { MetricForm.older($0, MetricForm.statuses) }),
                    conditionsAnnotation: list(object.at("status", "conditions")?.array ?? []),
                ])
            return new
        })

    private static let prefix = "autoscaling.alpha.kubernetes.io/"
    private static let metricsAnnotation = prefix + "metrics"
    private static let behaviorAnnotation = prefix + "behavior"
    private static let currentAnnotation = prefix + "current-metrics"
    private static let conditionsAnnotation = prefix + "conditions"

    private static func list(_ values: [Value]) -> Value? { values.isEmpty ? nil : .array(values) }

    /// What an annotation carries; nothing when it is not JSON, as in Kubernetes.
    private static func parsed(_ object: Value, _ annotation: String) -> Value? {
        guard let text = object.at("metadata", "annotations", annotation)?.string else { return nil }
        return try? Value(json: Array(text.utf8))
    }

    private static func carried(_ object: Value, _ annotation: String) -> [Value] {
        parsed(object, annotation)?.array ?? []
    }

    /// Puts these annotations in the place of all that carry something.
    private static func annotate(_ object: inout Value, _ values: [String: Value?]) {
        guard object["metadata"] != nil else { return }
        var annotations = object.at("metadata", "annotations") ?? .emptyObject
        for key in [metricsAnnotation, behaviorAnnotation, currentAnnotation, conditionsAnnotation] {
            annotations[key] = (values[key] ?? nil).map { .string(String(decoding: $0.json, as: UTF8.self)) }
        }
        object[path: ["metadata", "annotations"]] = annotations == .emptyObject ? nil : annotations
    }

    // MARK: The CPU

    /// The utilisation that a metric of the CPU says; `nil` for any other metric.
    private static func utilization(_ metric: Value, _ key: String) -> Value? {
        guard metric["type"] == "Resource", metric.at("resource", "name") == "cpu" else { return nil }
        return metric.at("resource", key, "averageUtilization")
    }

    private static func takeCPU(from part: inout Value, _ key: String, _ metric: (Value) -> Value) -> [Value] {
        guard let percentage = part[key] else { return [] }
        part[key] = nil
        return [metric(percentage)]
    }

    private static func cpuSpec(_ percentage: Value) -> Value {
        let target: Value = ["averageUtilization": percentage, "type": "Utilization"]
        return ["resource": ["name": "cpu", "target": target], "type": "Resource"]
    }

    private static func cpuStatus(_ percentage: Value) -> Value {
        ["resource": ["name": "cpu", "current": ["averageUtilization": percentage]], "type": "Resource"]
    }
}

/// How a kind of metric is written in both versions.
private struct MetricForm {
    /// The field that says what is measured.
    var field: String
    /// Where v1 has each value, and where v2 has it.
    var places: [(older: String, newer: [String])]

    private static let name = (older: "metricName", newer: ["metric", "name"])

    static let specs = [
        MetricForm(
            field: "object",
            places: [
                name, ("selector", ["metric", "selector"]), ("target", ["describedObject"]),
                ("targetValue", ["target", "value"]), ("averageValue", ["target", "averageValue"]),
            ]),
        MetricForm(
            field: "pods",
            places: [
                name, ("selector", ["metric", "selector"]), ("targetAverageValue", ["target", "averageValue"]),
            ]),
        MetricForm(field: "resource", places: [("name", ["name"])] + utilization("target")),
        MetricForm(
            field: "containerResource",
            places: [("name", ["name"]), ("container", ["container"])] + utilization("target")),
        MetricForm(
            field: "external",
            places: [
                name, ("metricSelector", ["metric", "selector"]), ("targetValue", ["target", "value"]),
                ("targetAverageValue", ["target", "averageValue"]),
            ]),
    ]

    static let statuses = [
        MetricForm(
            field: "object",
            places: [
                name, ("selector", ["metric", "selector"]), ("target", ["describedObject"]),
                ("currentValue", ["current", "value"]), ("averageValue", ["current", "averageValue"]),
            ]),
        MetricForm(
            field: "pods",
            places: [
                name, ("selector", ["metric", "selector"]), ("currentAverageValue", ["current", "averageValue"]),
            ]),
        MetricForm(field: "resource", places: [("name", ["name"])] + utilization("current")),
        MetricForm(
            field: "containerResource",
            places: [("name", ["name"]), ("container", ["container"])] + utilization("current")),
        MetricForm(
            field: "external",
            places: [
                name, ("metricSelector", ["metric", "selector"]), ("currentValue", ["current", "value"]),
                ("currentAverageValue", ["current", "averageValue"]),
            ]),
    ]

    private static func utilization(_ key: String) -> [(older: String, newer: [String])] {
        [
            (key + "AverageUtilization", [key, "averageUtilization"]),
            (key + "AverageValue", [key, "averageValue"]),
        ]
    }

    /// A metric of v2 as v1 has it; `nil` for one that is of no known kind.
    static func older(_ metric: Value, _ forms: [MetricForm]) -> Value? {
        guard let form = forms.first(where: { metric[$0.field] != nil }), let source = metric[form.field]
        else { return nil }
        var old = Value.emptyObject
        for place in form.places { old[place.older] = source[path: place.newer] }
        // v1 always has this one.
        for key in ["targetValue", "currentValue"] where form.field == "object" && old[key] == nil {
            if form.places.contains(where: { $0.older == key }) { old[key] = "0" }
        }
        var result: Value = [:]
        result["type"] = metric["type"]
        result[form.field] = old
        return result
    }

    /// A metric of v1 as v2 has it.
    static func newer(_ metric: Value, _ forms: [MetricForm]) -> Value? {
        guard let form = forms.first(where: { metric[$0.field] != nil }), let source = metric[form.field]
        else { return nil }
        var new = Value.emptyObject
        for place in form.places {
            if let value = source[place.older] { new[path: place.newer] = value }
        }
        for key in ["target", "current"] where form.field == "object" && new.at(key, "averageValue") != nil {
            if new.at(key, "value") == "0" { new[path: [key, "value"]] = nil }
        }
        if let target = new["target"] {
            let type = target["averageUtilization"] != nil
                ? "Utilization" : target["averageValue"] != nil ? "AverageValue" : "Value"
            new[path: ["target", "type"]] = .string(type)
        }
        var result: Value = [:]
        result["type"] = metric["type"]
        result[form.field] = new
        return result
    }
}
