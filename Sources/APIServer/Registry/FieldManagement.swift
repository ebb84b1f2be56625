import API
import APIMachinery
import Client
import Support

/// Who owns which fields after a write of one request: the rules, and the name under which it writes.
struct FieldManagement: Sendable {
    let ownership: FieldOwnership
    let manager: String
    /// Between the version that the client speaks, in which its fields are named, and the stored one.
    let conversion: KindConversion?
    /// What finds objects in the versions of their owners; `nil` when that takes no time.
    let conversions: OwnerConversions?
    let now: @Sendable () -> Timestamp

    /// What a new object's fields are owned by.
    func created(_ object: Value, saying sent: SentManagedFields) -> ManagedFieldsRecord {
        var managed = ManagedFields()
        if case .list(let given) = sent { managed = given }
        let owners = ownership.update(nil, to: served(object), managed: managed, manager: manager, at: now())
        return ManagedFieldsRecord(owners ?? managed)
    }

    /// What they are owned by after `live`, the tree of `stored`, was replaced by `new`.
    ///
    /// An object of which nobody owns anything stays so until something is applied to it: its owners were taken from it
    /// on purpose, or it is older than this server.
    func updated(
        _ new: Value, over stored: StoredObject, _ live: Value, saying sent: SentManagedFields
    ) -> ManagedFieldsRecord {
        let before: ManagedFields?
        switch ownership.subresource.isEmpty ? sent : .nothing {
        case .reset: return ManagedFieldsRecord()
        case .nothing:
            guard !stored.managedFields.isEmpty else { return stored.managedFields }
            before = nil
        case .list(let given): before = given
        }
        let after = ownership.update(
            served(live), to: served(new), managed: before ?? stored.managedFields.managed, manager: manager, at: now())
        return (after ?? before).map { ManagedFieldsRecord($0, after: stored.managedFields) } ?? stored.managedFields
    }

    /// Applies a configuration in the served version. The object that comes of it is in that version too, and is still
    /// to be decoded; it is `nil` when nothing changes.
    func applied(
        _ configuration: AppliedConfiguration, to stored: StoredObject?, _ live: Value?, force: Bool
    ) throws(Status) -> (object: Value?, owners: ManagedFieldsRecord) {
        do throws(FieldOwnership.ApplyConflicts) {
            let applied = try ownership.applyMindingAnnotation(
                configuration, to: live.map(served), managed: stored?.managedFields.managed ?? ManagedFields(),
                manager: manager, force: force, at: now())
            return (applied.object, ManagedFieldsRecord(applied.managed))
        } catch {
            throw error.status
        }
    }

    private func served(_ object: Value) -> Value { conversion?.toServed(object) ?? object }
}

/// What a client says of `managedFields` in the object that it sends.
enum SentManagedFields {
    /// Nothing, or nothing that could be understood: they stay as they are.
    case nothing
    /// An empty list, or one with an empty entry: nobody shall own anything.
    case reset
    case list(ManagedFields)

    /// So many managers no object has; merging their sets takes time that grows with the square of their number.
    private static let mostEntries = 1000

    /// Reads them from an object as it was sent.
    init(in object: Value) {
        guard let list = object.at("metadata", "managedFields"), case .array(let entries) = list else {
            self = .nothing
            return
        }
        if entries.isEmpty || entries == [.emptyObject] {
            self = .reset
        } else if entries.count <= Self.mostEntries, let managed = try? ManagedFields(list), !managed.isEmpty {
            self = .list(managed)
        } else {
            self = .nothing
        }
    }
}

extension Patch {
    /// Whether the patch can have to do with `managedFields`, which are only put into its object then.
    var namesManagedFields: Bool {
        switch self {
        case .json(let steps):
            steps.contains { step in
                [step["path"]?.string, step["from"]?.string].contains { path in
                    guard let path else { return false }
                    return path.isEmpty || path == "/metadata" || path.hasPrefix("/metadata/managedFields")
                }
            }
        case .merge(let patch), .strategicMerge(let patch): patch.at("metadata", "managedFields") != nil
        case .apply: false
        }
    }
}

extension UpdatePlan.Scope {
    /// What writers through this endpoint can own: what it does not reset.
    var ownable: FieldFilter {
        switch self {
        case .main(true): .excluding(Self.statusFields)
        case .main(false), .whole: .everything
        case .statusAlone: .including(Self.statusFields)
        case .status(let keepsLabels): .including(keepsLabels ? Self.statusWrites : Self.statusAndLabelWrites)
        case .fields(let paths), .decision(let paths):
            .including(FieldSet(paths.map { FieldPath($0.map(PathElement.field)) }))
        case .containerResources:
            .including(
                FieldSet([
                    FieldPath("spec", "containers"), FieldPath("spec", "initContainers"), FieldPath("spec", "resources"),
                ]))
        }
    }

    private static let statusFields = FieldSet([FieldPath("status")])
    private static let statusWrites = FieldSet([
        FieldPath("status"), FieldPath("metadata", "annotations"), FieldPath("metadata", "finalizers"),
    ])
    private static let statusAndLabelWrites = statusWrites.union(FieldSet([FieldPath("metadata", "labels")]))
}

extension Verbs {
    /// The rules for one call; `nil` for a kind without a schema, whose fields cannot be told apart.
    func management(_ call: Call, _ served: Registry.Served, isApply: Bool = false) -> FieldManagement? {
        guard let type = served.type else { return nil }
        let scope: UpdatePlan.Scope? =
            call.target.subresource == "scale"
            ? .fields([Scale.replicasPath(served.custom?.scale)]) : try? self.scope(call.target, served)
        let definition = served.definition
        let form = served.store?.form
        let conversions = form.flatMap { $0.isRemote ? OwnerConversions($0, isApply: isApply) : nil }
        let ownership = FieldOwnership(
            type: type, apiVersion: definition.resource.apiVersion, subresource: call.target.subresource ?? "",
            filter: scope?.ownable ?? .everything
        ) { [registry] object, apiVersion in
            let other = GroupVersionResource(apiVersion: apiVersion, resource: definition.resource.resource)
            guard let there = registry[other], let type = there.type else { return nil }
            if there.custom != nil {
                if let conversions {
                    guard let converted = conversions.object(object, in: apiVersion) else { return nil }
                    return (converted, type)
                }
                // Without a webhook a version is a name.
                var renamed = object
                renamed["apiVersion"] = .string(apiVersion)
                return (renamed, type)
            }
            let own = GroupVersionResource(
                apiVersion: object["apiVersion"]?.string ?? "", resource: definition.resource.resource)
            let stored = (registry[own] ?? served).conversion?.toStored(object) ?? object
            return (there.conversion?.toServed(stored) ?? stored, type)
        }
        return FieldManagement(
            ownership: ownership, manager: call.options.fieldManager, conversion: served.conversion,
            conversions: conversions, now: now)
    }
}
