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
}
