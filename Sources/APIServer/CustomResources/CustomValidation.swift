import API
import APIMachinery

/// What is wrong with an object of a custom resource, in the version in which a client wrote it.
struct CustomValidation: ObjectValidation {
    let version: CustomVersion

    func validate(_ object: Value) -> [FieldError] {
        let errors = metadata(object) + embedded(object) + version.schema.validate(object) + scale(object)
        return errors + version.rules.check(object, replacing: nil, after: errors).errors
    }

    /// Faults of parts that an update leaves as they are, are no reason to refuse it (KEP-4008).
    func validate(_ object: Value, replacing current: Value, _ notes: AdmissionNotes) -> [FieldError] {
        let errors =
            metadata(object) + embedded(object) + version.schema.validate(object, replacing: current) + scale(object)
        let found = version.rules.check(object, replacing: current, after: errors)
        for warning in found.warnings { notes.warn(warning) }
        return errors + found.errors
    }

    func validateUpdate(_ object: Value, over current: Value, asked: GroupVersionResource) -> [FieldError] {
        BuiltinValidation.validateUpdate(object, over: current, as: version.definition)
    }

    /// Finalizers of custom resources may have any name; who adds one that others could choose too is told.
    func warnings(_ object: Value, replacing current: Value?) -> [String] {
        let known = Set(Self.finalizers(current))
        return Set(Self.finalizers(object)).subtracting(known).sorted()
            .filter { !$0.contains("/") && !Self.standardFinalizers.contains($0) }
            .map {
                "metadata.finalizers: \(GoText.quoted($0)): prefer a domain-qualified finalizer name including a path (/) "
                    + "to avoid accidental conflicts with other finalizer writers"
            }
    }

    private static let standardFinalizers: Set<String> = ["foregroundDeletion", "kubernetes", "orphan"]

    private static func finalizers(_ object: Value?) -> [String] {
        (object?.at("metadata", "finalizers")?.array ?? []).compactMap(\.string)
    }

    /// The rules that hold for all kinds: a definition without a type of its own has no others.
    private func metadata(_ object: Value) -> [FieldError] {
        BuiltinValidation.validate(object, as: version.definition)
    }

    /// The same of the whole objects inside. Those that an update leaves as they are, are judged too, as in Kubernetes.
    private func embedded(_ object: Value) -> [FieldError] {
        version.schema.embeddedResources(in: object).flatMap {
            BuiltinValidation.validateEmbedded($0.value, at: $0.path)
        }
    }

    /// What a scale would show must be one that can be.
    private func scale(_ object: Value) -> [FieldError] {
        guard let paths = version.scale else { return [] }
        var errors: [FieldError] = []
        for path in [paths.spec, paths.status] {
            guard let replicas = object[path: path] else { continue }
            let field = "." + path.joined(separator: ".")
            guard let count = replicas.integer else {
                let type = GoText.typeName(replicas)
                let text = replicas.string ?? replicas.description
                errors.append(
                    .invalid(field, value: 0, "\(field) accessor error: \(text) is of the type \(type), expected int64")
                )
                continue
            }
            if count < 0 { errors.append(.invalid(field, value: replicas, "should be a non-negative integer")) }
            if count > Int32.max {
                errors.append(
                    .invalid(field, value: replicas, "should be less than or equal to \(Int32.max)"))
            }
        }
        return errors
    }
}
