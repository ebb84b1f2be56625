public import Support

/// The way from client-side to server-side apply, for the manager `kubectl` alone (KEP-2155): what the annotation of
/// client-side apply says is no conflict, and the annotation follows what is applied, so that one can go back.
extension FieldOwnership {
    /// The manager of `kubectl apply --server-side`.
    static let kubectl = "kubectl"
    /// Where client-side apply notes its last configuration.
    public static let lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration"
    /// What all annotations of an object may be together, in bytes.
    private static let annotationLimit = 256 << 10

    /// As ``apply(_:to:managed:manager:force:at:)``, with regard to the annotation.
    public func applyMindingAnnotation(
        _ configuration: AppliedConfiguration, to live: Value?, managed: ManagedFields, manager: String, force: Bool,
        at now: Timestamp
    ) throws(ApplyConflicts) -> Applied {
        var applied: Applied
        do throws(ApplyConflicts) {
            applied = try apply(configuration, to: live, managed: managed, manager: manager, force: force, at: now)
        } catch {
            guard manager == Self.kubectl, let live, let known = lastApplied(to: live) else { throw error }
            if let left = error.excusing(known) { throw left }
            applied = try apply(configuration, to: live, managed: managed, manager: manager, force: true, at: now)
        }
        guard manager == Self.kubectl, let live, Self.annotation(of: live) != nil else { return applied }
        follow(configuration, live, &applied)
        return applied
    }

    private static func annotation(of object: Value) -> String? {
        guard let text = object.at("metadata", "annotations", lastAppliedAnnotation)?.string, !text.isEmpty else {
            return nil
        }
        return text
    }

    /// What the last client-side apply said and what is still so.
    private func lastApplied(to live: Value) -> FieldSet? {
        guard let text = Self.annotation(of: live), let value = try? Value(json: text),
            value["apiVersion"]?.string == apiVersion, let last = try? AppliedConfiguration(value, as: type)
        else { return nil }
        let changes = FieldComparison(from: last.object, to: live, as: type)
        return FieldSet(of: last.object, as: type).subtracting(changes.modified).subtracting(changes.added)
            .subtracting(changes.removed)
    }

    /// Notes the configuration as client-side apply would have.
    private func follow(_ configuration: AppliedConfiguration, _ live: Value, _ applied: inout Applied) {
        var noted = configuration.object
        noted[path: ["metadata", "annotations", Self.lastAppliedAnnotation]] = nil
        let text = noted.description + "\n"
        var object = applied.object ?? live
        object[path: ["metadata", "annotations", Self.lastAppliedAnnotation]] = .string(text)
        let size = (object.at("metadata", "annotations")?.strings ?? [:]).reduce(0) {
            $0 + $1.key.utf8.count + $1.value.utf8.count
        }
        if size > Self.annotationLimit {
            object[path: ["metadata", "annotations", Self.lastAppliedAnnotation]] = ""
        }
        if object != live { applied.object = object }
    }
}
