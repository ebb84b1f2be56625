import APIMachinery

// Events: what happened to which object. Old ones tell by `firstTimestamp`, new ones by `eventTime`; the new ones have
// to say who reports and what was done. Clients that write `events.k8s.io/v1` are held to the new form (KEP-383); in
// causes the fields have the names that they are stored under.
extension FieldChecks {
    private static let longestWord = 128
    private static let longestNote = 1024

    mutating func event(_ event: Value) {
        let namespace = event.at("metadata", "namespace").text
        let about = event["involvedObject"]["namespace"].text
        guard event["eventTime"].isFilled else {
            let isAgreed = about.isEmpty ? ["", "default"].contains(namespace) : about == namespace
            if !isAgreed { invalid("involvedObject.namespace", .string(about), "does not match event.namespace") }
            return
        }
        if about.isEmpty, !["default", "kube-system"].contains(namespace) {
            invalid("involvedObject.namespace", .string(about), "does not match event.namespace")
        }
        let reporter = event["reportingComponent"].text
        require(.string(reporter), "reportingController")
        name(reporter, .qualifiedName, "reportingController")
        for key in ["reportingInstance", "action", "reason"] {
            require(event[key], key)
            longest(event[key], Self.longestWord, key)
        }
        longest(event["message"], Self.longestNote, "message")
    }

    /// What must be true besides of a new event that its client gives as `events.k8s.io/v1`.
    mutating func newEventCreate(_ event: Value) {
        name(event.at("metadata", "name").text, .dns1123Subdomain, "metadata.name")
        series(event)
        require(event["eventTime"], "eventTime")
        let type = event["type"].text
        if !["Normal", "Warning"].contains(type) { invalid("type", "", "has invalid value: \(type)") }
        for key in ["firstTimestamp", "lastTimestamp", "count", "source"] where Self.said(event[key]) != nil {
            invalid(key, "", "needs to be unset")
        }
    }

    /// What must be true besides of a change that its client gives as `events.k8s.io/v1`: a series goes on, and nothing
    /// else changes.
    mutating func newEventUpdate(_ new: Value, _ old: Value) {
        if Self.said(new["series"]) != Self.said(old["series"]) { series(new) }
        for (key, path) in Self.lastingFields where Self.said(new[key]) != Self.said(old[key]) {
            immutable(new[key], Self.said(old[key]), path)
        }
    }

    /// In the order in which Kubernetes looks at them.
    private static let lastingFields = [
        ("involvedObject", "involvedObject"), ("reason", "reason"), ("message", "message"), ("source", "source"),
        ("firstTimestamp", "firstTimestamp"), ("lastTimestamp", "lastTimestamp"), ("count", "count"), ("type", "type"),
        ("eventTime", "eventTime"), ("action", "action"), ("related", "related"),
        ("reportingComponent", "reportingController"), ("reportingInstance", "reportingInstance"),
    ]

    private mutating func series(_ event: Value) {
        guard let series = event["series"], series != .null else { return }
        if series["count"]?.integer ?? 0 < 2 { invalid("series.count", "", "should be at least 2") }
        require(series["lastObservedTime"], "series.lastObservedTime")
    }

    /// As much of a value as says something: empty texts and zeros are as good as nothing.
    private static func said(_ value: Value?) -> Value? {
        guard case .object(let fields)? = value else { return value.isFilled ? value : nil }
        var rest = Value.emptyObject
        for (key, part) in fields { rest[key] = said(part) }
        return Optional(rest).isFilled ? rest : nil
    }

    private mutating func longest(_ value: Value?, _ limit: Int, _ path: String) {
        guard value.text.utf8.count > limit else { return }
        invalid(path, "", "can have at most \(limit) characters")
    }
}
