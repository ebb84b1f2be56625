import APIMachinery

/// What is wrong with the selectors of an access review (KEP-4601). Operators that this version does not know are let
/// pass: a newer client may ask with them. Pure.
enum SelectorChecks {
    static func problems(_ attributes: Value, _ path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if let selector = attributes["fieldSelector"] {
            errors += problems(selector, path + ".fieldSelector") { requirement, path in
                (requirement["key"]?.string ?? "").isEmpty ? [.required(path + ".key", "must be specified")] : []
            }
        }
        if let selector = attributes["labelSelector"] {
            errors += problems(selector, path + ".labelSelector") { requirement, path in
                let key = requirement["key"]?.string ?? ""
                return NameRule.qualifiedName.problems(in: key).map {
                    .invalid(path + ".key", value: .string(key), $0)
                }
            }
        }
        return errors
    }

    private static func problems(
        _ selector: Value, _ path: String, key: (Value, String) -> [FieldError]
    ) -> [FieldError] {
        let raw = selector["rawSelector"]?.string ?? ""
        let requirements = selector["requirements"]?.array ?? []
        var errors: [FieldError] = []
        if !raw.isEmpty, !requirements.isEmpty {
            errors.append(
                .invalid(
                    path + ".rawSelector", value: .string(raw), "may not specified at the same time as requirements"))
        }
        if raw.isEmpty, requirements.isEmpty {
            errors.append(
                .required(
                    path + ".requirements", "when \(path) is specified, requirements or rawSelector is required"))
        }
        for (index, requirement) in requirements.enumerated() {
            let path = "\(path).requirements[\(index)]"
            errors += values(requirement, path) + key(requirement, path)
        }
        return errors
    }

    private static func values(_ requirement: Value, _ path: String) -> [FieldError] {
        let isEmpty = (requirement["values"]?.array ?? []).isEmpty
        switch requirement["operator"]?.string {
        case "In" where isEmpty, "NotIn" where isEmpty:
            return [.required(path + ".values", "must be specified when `operator` is 'In' or 'NotIn'")]
        case "Exists" where !isEmpty, "DoesNotExist" where !isEmpty:
            return [.forbidden(path + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
        default: return []
        }
    }
}
