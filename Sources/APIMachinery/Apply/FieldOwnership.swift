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
    /// An object of any version in another one, with its type there; `nil` when that version is not served any more.
    /// Sets of owners that wrote in that version are in its field names.
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
        let lastVersion = last.owner.apiVersion
        guard let whole = self.merged(merged, in: lastVersion) else { return merged }
        let place = MergePlace.object(whole.type)
        let lastFields = last.fields.namingFields(at: place)
        let wholeFields = FieldSet(of: whole.object, as: whole.type).namingFields(at: place)
        var pruned = (object: FieldRemoval.remove(lastFields, from: whole.object, as: whole.type), type: whole.type)
        var version = lastVersion
        for (other, fields) in owned(by: managed, first: lastVersion) {
            // Nothing was given up.
            if other != lastVersion, pruned.object == whole.object { break }
            guard let all = other == lastVersion ? whole : self.merged(merged, in: other),
                let left = other == version ? pruned : convert(pruned.object, other)
            else { continue }
            let place = MergePlace.object(all.type)
            let allFields =
                other == lastVersion
                ? wholeFields : FieldSet(of: all.object, as: all.type).namingFields(at: place)
            let kept = FieldSet(of: left.object, as: left.type).namingFields(at: place)
                .union(fields.namingFields(at: place))
            pruned = (FieldRemoval.remove(allFields.subtracting(kept), from: all.object, as: all.type), all.type)
            version = other
        }
        guard let left = version == lastVersion ? pruned : convert(pruned.object, lastVersion) else { return merged }
        let gone = wholeFields.subtracting(FieldSet(of: left.object, as: left.type).namingFields(at: place))
        let outcome = FieldRemoval.remove(gone.intersection(lastFields), from: whole.object, as: whole.type)
        if lastVersion == apiVersion { return outcome }
        return outcome == whole.object ? merged : convert(outcome, apiVersion)?.object ?? merged
    }

    /// An object of this version in any one.
    private func merged(_ object: Value, in version: String) -> (object: Value, type: TypeSchema)? {
        version == apiVersion ? (object, type) : convert(object, version)
    }

    /// What anybody owns, by the version in whose field names it is, beginning with `first`: what is taken out may be
    /// needed to make the other versions of what is left.
    private func owned(by managed: ManagedFields, first: String) -> [(version: String, fields: FieldSet)] {
        var byVersion: [String: FieldSet] = [:]
        for entry in managed.entries {
            byVersion[entry.owner.apiVersion] = byVersion[entry.owner.apiVersion]?.union(entry.fields) ?? entry.fields
        }
        let others = byVersion.keys.filter { $0 != first }.sorted()
        return ([first] + others).compactMap { version in byVersion[version].map { (version: version, fields: $0) } }
    }
}
