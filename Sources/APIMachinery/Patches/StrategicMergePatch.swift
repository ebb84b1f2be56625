/// A merge patch that knows the schema: lists of named elements merge by name instead of being replaced
/// (API conventions, "Strategic Merge Patch").
///
/// Beside fields a patch holds directives, as `kubectl apply` writes them: `$patch` replaces or deletes an object or an
/// element, `$retainKeys` drops the fields it does not list, `$deleteFromPrimitiveList/x` removes scalars from the list
/// `x`, `$setElementOrder/x` says in which order its elements stand. Null removes a field.
public enum StrategicMergePatch {
    /// The changed object.
    public static func apply(
        _ patch: Value, to object: Value, schema: TypeSchema
    ) throws(PatchError) -> Value {
        guard case .object(let changes) = patch, case .object(let fields) = object else {
            throw PatchError(.malformed, "invalid JSON document")
        }
        return .object(try merge(changes, into: fields, at: .type(schema)))
    }

    /// Merges an object. Directives come first, since they decide what is left to merge.
    static func merge(_ patch: Fields, into original: Fields, at place: PatchPlace) throws(PatchError)
        -> Fields
    {
        if let directive = patch[PatchDirective.patch] {
            switch directive {
            case "replace": return cleaned(patch)
            case "delete": return Fields()
            default: throw .unknownDirective(directive, in: patch)
            }
        }
        var result = original
        if let kept = patch[PatchDirective.retainKeys] { try retain(kept, of: &result, patch: patch) }
        var ordered: Set<String> = []
        for (key, order) in patch {
            guard let name = try PatchDirective.elementOrder.target(of: key) else { continue }
            let rule = place.rule(for: name)
            if rule.mergesLists, case .array? = patch[name] ?? original[name] {
                result[name] = try PatchList(rule).merge(patch[name], into: result[name], order: order)
                ordered.insert(name)
            }
        }
        for (key, change) in patch where !ordered.contains(key) {
            if let name = try PatchDirective.deleteFromPrimitiveList.target(of: key) {
                try remove(change, from: name, of: &result)
            } else if !PatchDirective.isDirective(key) {
                result[key] = try merge(change, into: result[key], rule: { place.rule(for: key) })
            }
        }
        return result
    }

    /// The value of one field after the change; `nil` when it goes away.
    private static func merge(
        _ change: Value, into present: Value?, rule: () -> PatchRule
    ) throws(PatchError) -> Value? {
        switch (present, change) {
        case (_, .null): return nil
        case (.object(let fields)?, .object(let changes)):
            let rule = rule()
            return rule.replacesObjects
                ? cleaned(change) : .object(try merge(changes, into: fields, at: rule.place))
        case (.array(let elements)?, .array(let changes)):
            let rule = rule()
            return .array(
                rule.mergesLists
                    ? try PatchList(rule).merge(changes, into: elements) : changes.compactMap(cleanedElement))
        default: return cleaned(change)
        }
    }

    // MARK: - Directives

    private static func retain(_ kept: Value, of result: inout Fields, patch: Fields) throws(PatchError) {
        let problem = PatchError(.malformed, "invalid patch format of retainKeys")
        guard case .array(let names) = kept else { throw problem }
        let keys = Set(names.compactMap(\.string))
        for (key, value) in patch where !value.isNull && !PatchDirective.isDirective(key) {
            guard keys.contains(key) else { throw problem }
        }
        result.removeAll { key, _ in !keys.contains(key) }
    }

    private static func remove(_ scalars: Value, from name: String, of result: inout Fields)
        throws(PatchError)
    {
        guard case .array(let unwanted) = scalars else {
            throw PatchError(.malformed, "invalid patch format of primitive list")
        }
        guard case .array(let elements)? = result[name] else { return }
        let set = Set(unwanted)
        result[name] = .array(elements.filter { !set.contains($0) })
    }

    // MARK: - What a patch adds

    /// What is left of a part of a patch that meets nothing to merge with: no nulls, no directives.
    static func cleaned(_ value: Value) -> Value {
        switch value {
        case .object(let fields): .object(cleaned(fields))
        case .array(let elements): .array(elements.compactMap(cleanedElement))
        default: value
        }
    }

    private static func cleaned(_ fields: Fields) -> Fields {
        var result = Fields()
        for (key, value) in fields where !value.isNull && !PatchDirective.isDirective(key) {
            result[key] = cleaned(value)
        }
        return result
    }

    /// `nil` for an element that only carries a directive.
    static func cleanedElement(_ element: Value) -> Value? {
        element[PatchDirective.patch] == nil ? cleaned(element) : nil
    }
}

/// The keys of a patch that are no fields.
enum PatchDirective: String {
    case elementOrder = "$setElementOrder"
    case deleteFromPrimitiveList = "$deleteFromPrimitiveList"

    static let patch = "$patch"
    static let retainKeys = "$retainKeys"

    /// The list that `key` is about, when it is this directive.
    func target(of key: String) throws(PatchError) -> String? {
        guard key.utf8.first == UInt8(ascii: "$"), key.utf8.starts(with: rawValue.utf8) else { return nil }
        let rest = key.utf8.dropFirst(rawValue.utf8.count)
        guard rest.first == UInt8(ascii: "/") else {
            let name = self == .elementOrder ? "setElementOrder list" : "primitive list"
            throw PatchError(.malformed, "invalid patch format of \(name)")
        }
        return String(Substring(rest.dropFirst()))
    }

    static func isDirective(_ key: String) -> Bool {
        guard key.utf8.first == UInt8(ascii: "$") else { return false }
        return key == patch || key == retainKeys || key.utf8.starts(with: elementOrder.rawValue.utf8)
            || key.utf8.starts(with: deleteFromPrimitiveList.rawValue.utf8)
    }
}

extension PatchError {
    static func unknownDirective(_ directive: Value, in patch: Fields) -> PatchError {
        PatchError(
            .failed, "unknown patch type: \(GoText.plain(directive)) in map: \(GoText.plain(.object(patch)))")
    }

    static func noMergeKey(_ key: String, in element: Value) -> PatchError {
        PatchError(.failed, "map: \(GoText.plain(element)) does not contain declared merge key: \(key)")
    }
}

/// Where in the schema a merge stands.
enum PatchPlace {
    case type(TypeSchema)
    /// A map whose values look like this.
    case map(FieldSchema)
    /// The schema says nothing: objects merge, lists are replaced.
    case unknown

    init(_ kind: FieldKind) {
        switch kind {
        case .object(let type): self = .type(type)
        case .map(let values): self = .map(values)
        default: self = .unknown
        }
    }

    /// How the field `key` merges.
    func rule(for key: String) -> PatchRule {
        switch self {
        case .type(let type): type.field(named: key).map(PatchRule.init) ?? PatchRule()
        // A map's values merge like objects of their type; marks are only on fields.
        case .map(let values): PatchRule(place: PatchPlace(values.kind))
        case .unknown: PatchRule()
        }
    }
}

/// How a field merges.
struct PatchRule {
    var mergesLists = false
    var replacesObjects = false
    /// Names an element; empty for lists of scalars.
    var mergeKey = ""
    /// Of the object, or of the list's elements.
    var place = PatchPlace.unknown

    init(place: PatchPlace = .unknown) { self.place = place }

    init(_ field: FieldSchema) {
        mergesLists = field.flags.contains(.patchMerge)
        replacesObjects = field.flags.contains(.patchReplace)
        if case .list(let element) = field.kind {
            place = PatchPlace(element.kind)
            if mergesLists { mergeKey = field.patchMergeKey }
        } else {
            place = PatchPlace(field.kind)
        }
    }
}
