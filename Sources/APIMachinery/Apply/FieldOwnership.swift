public import Support

/// Decides who owns what after a write (KEP-555): the rules for one kind, in one version, through one endpoint.
///
/// Pure: it is given the live object, the new one and who owned what, and returns who owns what from now on.
public struct FieldOwnership: Sendable {
    /// The type of the objects that it is given.
    public var type: TypeSchema
    public var apiVersion: String
    /// The subresource that is written to; empty for the object itself.
    public var subresource: String
    /// What writers through this endpoint can own.
    public var filter: FieldFilter
    /// An object in another version, with its type there; `nil` when that version is not served any more. Sets of owners
    /// that wrote in that version are in its field names.
    public var convert: @Sendable (Value, _ apiVersion: String) -> (object: Value, type: TypeSchema)?

    public init(
        type: TypeSchema, apiVersion: String, subresource: String = "", filter: FieldFilter = .everything,
        convert: @escaping @Sendable (Value, _ apiVersion: String) -> (object: Value, type: TypeSchema)? = { _, _ in nil }
    ) {
        self.type = type
        self.apiVersion = apiVersion
        self.subresource = subresource
        self.filter = filter
        self.convert = convert
    }

    /// Set by the server, or what the object is: nobody owns these.
    private static let ownerless = FieldSet([
        FieldPath("apiVersion"), FieldPath("kind"), FieldPath("metadata"), FieldPath("metadata", "name"),
        FieldPath("metadata", "namespace"), FieldPath("metadata", "creationTimestamp"),
        FieldPath("metadata", "selfLink"), FieldPath("metadata", "uid"), FieldPath("metadata", "clusterName"),
        FieldPath("metadata", "generation"), FieldPath("metadata", "managedFields"),
        FieldPath("metadata", "resourceVersion"),
    ])

    // MARK: Updates

    /// Who owns what after `manager` replaced `live` by `new`, both without `managedFields`; `nil` when nothing changed.
    /// A writer owns what it changed, and takes it from whoever had it; what is gone is nobody's. Without a live object
    /// all of it is new. `managed`, who owned what before, is only asked for when something changed.
    public func update(
        _ live: Value?, to new: Value, managed: @autoclosure () -> ManagedFields, manager: String, at now: Timestamp
    ) -> ManagedFields? {
        let old = live ?? emptyObject
        let changes = FieldComparison(from: old, to: new, as: type)
        guard !changes.isEmpty else { return nil }
        var result = managed()
        _ = release(changes, from: old, to: new, managed: &result, except: nil)
        let claimed = filter.apply(to: changes.modified.union(changes.added)).subtracting(Self.ownerless)
        if !claimed.isEmpty {
            let owner = ManagedFields.Owner(
                manager: manager, operation: .update, apiVersion: apiVersion, subresource: subresource)
            let fields = result[owner]?.fields ?? FieldSet()
            result[owner] = ManagedFields.Entry(owner: owner, fields: fields.union(claimed), time: now)
        }
        result.joinOldest()
        result.sort()
        return result
    }

    /// What every object of the type has although nobody wrote it.
    private var emptyObject: Value { (try? type.decode(.emptyObject)) ?? .emptyObject }

    /// A part that a writer wants otherwise than its owner has it.
    struct Conflict: Hashable {
        var owner: ManagedFields.Owner
        var fields: FieldSet
    }

    /// Takes what changed from its owners, and says what was taken because another value stands there now. What is gone
    /// is taken without a word.
    private func release(
        _ changes: FieldComparison, from old: Value, to new: Value, managed: inout ManagedFields,
        except writer: ManagedFields.Owner?
    ) -> [Conflict] {
        var byVersion: [String: FieldComparison?] = [apiVersion: changes.filtered(filter)]
        var conflicts: [Conflict] = []
        managed.mapFields { entry in
            if let writer, entry.owner.isSame(as: writer) { return nil }
            let version = entry.owner.apiVersion
            if byVersion[version] == nil { byVersion.updateValue(comparison(from: old, to: new, in: version), forKey: version) }
            // In a version that is gone nothing can be owned.
            guard let changes = byVersion[version] ?? nil else { return FieldSet() }
            let contested = entry.fields.intersection(changes.modified.union(changes.added))
            if !contested.isEmpty { conflicts.append(Conflict(owner: entry.owner, fields: contested)) }
            guard !contested.isEmpty || !changes.removed.isEmpty else { return nil }
            return entry.fields.subtracting(contested).subtracting(changes.removed)
        }
        return conflicts
    }

    private func comparison(from old: Value, to new: Value, in version: String) -> FieldComparison? {
        guard let before = convert(old, version), let after = convert(new, version) else { return nil }
        return FieldComparison(from: before.object, to: after.object, as: after.type).filtered(filter)
    }

    // MARK: Applies

    /// The manager of what an object held before it was applied to, when nobody is known to have written it.
    static let beforeApply = "before-first-apply"

    /// Why a configuration is not applied.
    public struct ApplyConflicts: Error, Hashable, Sendable {
        var conflicts: [Conflict]
    }

    /// What applying comes to.
    public struct Applied: Hashable, Sendable {
        /// The new object, to be decoded and completed as any other; `nil` when the configuration changes nothing.
        public var object: Value?
        public var managed: ManagedFields
    }

    /// Applies a configuration to the live object, or to none.
    ///
    /// The manager owns what the configuration says, together with whoever says the same. What it said last time and
    /// says no more goes, unless somebody else owns it. Where another owner has another value there is a conflict, or
    /// with `force` a new owner.
    public func apply(
        _ configuration: AppliedConfiguration, to live: Value?, managed: ManagedFields, manager: String, force: Bool,
        at now: Timestamp
    ) throws(ApplyConflicts) -> Applied {
        var result = managed
        if result.isEmpty, let live {
            result = update(nil, to: live, managed: result, manager: Self.beforeApply, at: now) ?? result
        }
        let old = live ?? .emptyObject
        let owner = ManagedFields.Owner(
            manager: manager, operation: .apply, apiVersion: apiVersion, subresource: subresource)
        let last = result[owner]
        let claimed = filter.apply(to: FieldSet(of: configuration.object, as: type)).subtracting(Self.ownerless)
        result[owner] = claimed.isEmpty ? nil : ManagedFields.Entry(owner: owner, fields: claimed, time: last?.time)

        let merged = ObjectMerge.merge(configuration.object, into: old, as: type)
        let new = last.map { prune(merged, given: $0, managed: result) } ?? merged
        let changes = FieldComparison(from: old, to: new, as: type)
        let conflicts = release(changes, from: old, to: new, managed: &result, except: owner)
        guard force || conflicts.isEmpty else { throw ApplyConflicts(conflicts: conflicts) }

        let isChanged = new != old
        let isMoved = last?.fields != result[owner]?.fields || last?.owner.apiVersion != apiVersion
        if var entry = result[owner], isChanged || isMoved {
            entry.time = Timestamp(seconds: now.seconds)
            result[owner] = entry
        }
        result.sort()
        return Applied(object: isChanged || live == nil ? new : nil, managed: result)
    }

    /// Takes out what the manager applied last time, unless it or somebody else still owns it. What nobody is known to
    /// own stays.
    private func prune(_ merged: Value, given last: ManagedFields.Entry, managed: ManagedFields) -> Value {
        // The last configuration may have been in another version; what it gave up is found there, and the outcome is
        // brought back. A version that is gone gives up nothing.
        let isSameVersion = last.owner.apiVersion == apiVersion
        guard let there = isSameVersion ? (merged, type) : convert(merged, last.owner.apiVersion) else { return merged }
        let place = MergePlace.object(there.1)
        let lastFields = last.fields.namingFields(at: place)
        var mergedFields = FieldSet(of: there.0, as: there.1).namingFields(at: place)
        var pruned = FieldRemoval.remove(lastFields, from: there.0, as: there.1)
        let owned = owned(in: last.owner.apiVersion, by: managed).namingFields(at: place)
        pruned = FieldRemoval.remove(
            mergedFields.subtracting(FieldSet(of: pruned, as: there.1).namingFields(at: place).union(owned)),
            from: there.0, as: there.1)
        mergedFields = mergedFields.subtracting(FieldSet(of: pruned, as: there.1).namingFields(at: place))
        let outcome = FieldRemoval.remove(mergedFields.intersection(lastFields), from: there.0, as: there.1)
        return isSameVersion ? outcome : convert(outcome, apiVersion)?.object ?? merged
    }

    /// What anybody owns, in the field names of one version. Sets of other versions are read as if they were of this
    /// one: the names that differ between versions are few, and keeping a part too many harms nobody.
    private func owned(in version: String, by managed: ManagedFields) -> FieldSet {
        managed.entries.reduce(FieldSet()) { $0.union($1.fields) }
    }
}
