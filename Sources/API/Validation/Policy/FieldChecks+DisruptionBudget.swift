import APIMachinery

// How many pods may be away at once.
extension FieldChecks {
    mutating func disruptionBudget(_ budget: Value) {
        let spec = budget["spec"]
        let keys = ["minAvailable", "maxUnavailable"].filter { spec[$0] != nil }
        if keys.count == 2 { invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set") }
        for key in keys {
            countOrPercent(spec[key], "spec.\(key)")
            atMostAll(spec[key], "spec.\(key)")
        }
        selector(spec["selector"], "spec.selector")
        oneOf(
            spec["unhealthyPodEvictionPolicy"], ["AlwaysAllow", "IfHealthyBudget"], "spec.unhealthyPodEvictionPolicy")
    }

    mutating func disruptionBudgetUpdate(_ new: Value, _ old: Value) {
        let status = new["status"]
        guard status != old["status"] else { return }
        notNegative(status, ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"], "status")
        conditions(status["conditions"], "status.conditions")
    }

    private static let longestReason = 1024
    private static let longestMessage = 32_768

    /// Conditions as `meta/v1` has them, each type once (API conventions, "Typical status properties").
    mutating func conditions(_ conditions: Value?, _ path: String) {
        var types: Set<String> = []
        for (condition, path) in conditions.elements(path) {
            let type = condition["type"].text
            name(type, .qualifiedName, path + ".type")
            if !types.insert(type).inserted { duplicate(path + ".type", .string(type)) }
            oneOf(.string(condition["status"].text), ["False", "True", "Unknown"], path + ".status")
            notNegative(condition["observedGeneration"], path + ".observedGeneration")
            if condition["lastTransitionTime"].text.isEmpty { missing(path + ".lastTransitionTime", "must be set") }
            let reason = condition["reason"].text
            if reason.utf8.count > Self.longestReason { add(.tooLong(path + ".reason", limit: Self.longestReason)) }
            if reason.isEmpty {
                missing(path + ".reason")
            } else if !Self.isConditionReason(reason) {
                let pattern = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
                let why = "a condition reason must start with alphabetic character, optionally followed by a string "
                    + "of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' "
                    + "(e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', "
                    + "regex used for validation is '\(pattern.dropFirst().dropLast())')"
                invalid(path + ".reason", .string(reason), why)
            }
            if condition["message"].text.utf8.count > Self.longestMessage {
                add(.tooLong(path + ".message", limit: Self.longestMessage))
            }
        }
    }

    private static func isConditionReason(_ text: String) -> Bool {
        guard let first = text.first, let last = text.last, first.isASCII, first.isLetter else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) || "_,:".contains($0) }
            && !",:".contains(last)
    }
}
