import APIMachinery

extension AccessRequest {
    /// The request as the `spec` of a `SubjectAccessReview`, in which webhooks get it.
    func reviewSpec(_ form: ReviewVersion) -> Value {
        var spec: Value = ["user": .string(user.name)]
        // The older version has a singular for a list.
        if !user.groups.isEmpty { spec[form == .v1 ? "groups" : "group"] = Value(user.groups) }
        if !user.uid.isEmpty { spec["uid"] = .string(user.uid) }
        if !user.extra.isEmpty { spec["extra"] = .object(Fields(user.extra.map { ($0.key, Value($0.value)) })) }
        guard isResourceRequest else {
            spec["nonResourceAttributes"] = Self.set([("path", path), ("verb", verb)])
            return spec
        }
        var attributes = Self.set([
            ("namespace", namespace), ("verb", verb), ("group", group), ("version", version),
            ("resource", resource), ("subresource", subresource), ("name", name),
        ])
        let (fields, labels) = (selectors.fieldRequirements, selectors.labelRequirements)
        if !fields.isEmpty { attributes["fieldSelector"] = ["requirements": .array(fields)] }
        if !labels.isEmpty { attributes["labelSelector"] = ["requirements": .array(labels)] }
        spec["resourceAttributes"] = attributes
        return spec
    }

    private static func set(_ pairs: [(String, String)]) -> Value {
        .object(Fields(pairs.filter { !$0.1.isEmpty }.map { ($0.0, .string($0.1)) }))
    }
}
