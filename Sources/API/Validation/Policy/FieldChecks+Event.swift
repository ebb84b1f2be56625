import APIMachinery

// Events: what happened to which object. Old ones tell by `firstTimestamp`, new ones by `eventTime`; the new ones have
// to say who reports and what was done.
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

    private mutating func longest(_ value: Value?, _ limit: Int, _ path: String) {
        guard value.text.utf8.count > limit else { return }
        invalid(path, "", "can have at most \(limit) characters")
    }
}
