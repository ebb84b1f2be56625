public import APIMachinery

/// What is wrong with objects of the built-in kinds. Empty lists mean that an object is good.
public enum BuiltinValidation {
    /// What is wrong with a decoded, defaulted object by itself.
    public static func validate(_ object: Value, as definition: ResourceDefinition) -> [FieldError] {
        var checks = FieldChecks()
        checks.metadata(object["metadata"], of: definition)
        var rules = FieldChecks()
        BuiltinRules.of(definition.resource)?.validate(&rules, object)
        // The status is written by components that may be newer or older than this server.
        let table = definition.type?.validate(object, skipping: ["metadata", "status"]) ?? []
        // What a kind's own rule says of a field counts, where the table says the same of it.
        for error in table
        where !rules.settled.contains(error.field)
            && !rules.errors.contains(where: { $0.field == error.field && $0.kind == error.kind })
        {
            checks.add(error)
        }
        for error in rules.errors { checks.add(error) }
        return checks.errors
    }

    /// What is wrong with the labels and annotations of `metadata`, which are to be added to an object.
    public static func validateAdditions(_ metadata: Value?) -> [FieldError] {
        var checks = FieldChecks()
        checks.labels(metadata?["labels"], "metadata.labels")
        checks.annotations(metadata?["annotations"], "metadata.annotations")
        return checks.errors
    }

    /// What is wrong with creating `object`, beyond what is wrong with it at any time. `asked` is the resource that the
    /// client named, if that is not the one that is stored.
    public static func validateCreate(
        _ object: Value, as definition: ResourceDefinition, asked: GroupVersionResource? = nil
    ) -> [FieldError] {
        var checks = FieldChecks()
        BuiltinRules.of(definition.resource)?.create?(&checks, object)
        if let asked { BuiltinRules.stricter(asked)?.create?(&checks, object) }
        return checks.errors
    }

    /// What is wrong with changing `current` into `object`, beyond what is wrong with `object` itself. `asked` is the
    /// resource that the client named, if that is not the one that is stored.
    public static func validateUpdate(
        _ object: Value, over current: Value, as definition: ResourceDefinition, asked: GroupVersionResource? = nil
    ) -> [FieldError] {
        var checks = FieldChecks()
        BuiltinRules.of(definition.resource)?.update?(&checks, object, current)
        if let asked { BuiltinRules.stricter(asked)?.update?(&checks, object, current) }
        return checks.errors
    }
}
