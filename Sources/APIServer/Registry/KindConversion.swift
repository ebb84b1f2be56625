import APIMachinery

/// Between a served version of a kind and the stored one. Both directions keep everything that the other form can say.
struct KindConversion: Sendable {
    var toStored: @Sendable (Value) -> Value
    var toServed: @Sendable (Value) -> Value

    static func builtin(_ resource: GroupVersionResource) -> KindConversion {
        switch resource.group {
        case "events.k8s.io": .events
        case "autoscaling": .horizontalPodAutoscalers
        default: preconditionFailure("\(resource) has no conversion to its stored version")
        }
    }

    /// events.k8s.io/v1 and v1 name the same fields differently (KEP-383).
    private static let events = KindConversion(
        toStored: { rename($0, eventFields.map { ($0.1, $0.0) }, apiVersion: "v1") },
        toServed: { rename($0, eventFields, apiVersion: "events.k8s.io/v1") })

    private static let eventFields: [(String, String)] = [
        ("message", "note"), ("involvedObject", "regarding"), ("reportingComponent", "reportingController"),
        ("source", "deprecatedSource"), ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"), ("count", "deprecatedCount"),
    ]

    private static func rename(_ object: Value, _ names: [(String, String)], apiVersion: String) -> Value {
        var new = object
        for (from, to) in names {
            new[from] = nil
            if let value = object[from] { new[to] = value }
        }
        new["apiVersion"] = .string(apiVersion)
        return new
    }

    /// autoscaling/v1 knows one metric, the CPU's utilisation; v2 has it among its metrics.
    private static let horizontalPodAutoscalers = KindConversion(
        toStored: { object in
            var new = object
            new["apiVersion"] = "autoscaling/v2"
            if let target = object.at("spec", "targetCPUUtilizationPercentage") {
                new[path: ["spec", "targetCPUUtilizationPercentage"]] = nil
                new[path: ["spec", "metrics"]] = [
                    [
                        "type": "Resource",
                        "resource": [
                            "name": "cpu", "target": ["type": "Utilization", "averageUtilization": target],
                        ],
                    ]
                ]
            }
            return new
        },
        toServed: { object in
            var new = object
            new["apiVersion"] = "autoscaling/v1"
            new[path: ["spec", "metrics"]] = nil
            new[path: ["spec", "behavior"]] = nil
            new[path: ["status", "currentMetrics"]] = nil
            new[path: ["status", "conditions"]] = nil
            let cpu = (object.at("spec", "metrics")?.array ?? []).first { $0.at("resource", "name") == "cpu" }
            if let target = cpu?.at("resource", "target", "averageUtilization") {
                new[path: ["spec", "targetCPUUtilizationPercentage"]] = target
            }
            return new
        })
}
