/// What differs between two versions of an object, part by part.
public struct FieldComparison: Hashable, Sendable {
    public private(set) var added = FieldSet()
    public private(set) var modified = FieldSet()
    public private(set) var removed = FieldSet()

    /// Compares two objects of one type, in canonical form. Without an old one everything is new, but for what an empty
    /// object of the type has as well.
    public init(from old: Value, to new: Value, as type: TypeSchema) {
        self = Self.compare(old, new, at: .object(type)).inner
    }

    private init() {}

    public var isEmpty: Bool { added.isEmpty && modified.isEmpty && removed.isEmpty }

    /// The comparison without the parts that `filter` takes out.
    func filtered(_ filter: FieldFilter) -> FieldComparison {
        var result = FieldComparison()
        result.added = filter.apply(to: added)
        result.modified = filter.apply(to: modified)
        result.removed = filter.apply(to: removed)
        return result
    }

    /// What is said of a part itself, besides of what is below it.
    private enum Mark { case none, added, modified, removed }

    private typealias Outcome = (inner: FieldComparison, mark: Mark)

    private static func compare(_ old: Value?, _ new: Value?, at place: MergePlace) -> Outcome {
        // Most parts of most objects are as they were.
        if let old, let new, old == new { return (FieldComparison(), .none) }
        switch place.shape(old, new) {
        case .whole: return whole(old, new)
        case .fields:
            let (a, b) = (old?.fields ?? Fields(), new?.fields ?? Fields())
            // So that an empty object and none at all stay different.
            if a.isEmpty, b.isEmpty { return whole(old, new) }
            let isThere = (old: old?.fields != nil, new: new?.fields != nil)
            return (fields(a, b, isThere, at: place), presence(old, new))
        case .elements:
            let (a, b) = (old?.array ?? [], new?.array ?? [])
            if a.isEmpty, b.isEmpty { return whole(old, new) }
            guard let left = place.identities(of: a), let right = place.identities(of: b) else {
                return whole(old, new)
            }
            return (elements(a, left, b, right, at: place), presence(old, new))
        }
    }

    private static func whole(_ old: Value?, _ new: Value?) -> Outcome {
        let mark = presence(old, new)
        return (FieldComparison(), mark == .none && old != new ? .modified : mark)
    }

    private static func presence(_ old: Value?, _ new: Value?) -> Mark {
        old == nil ? .added : new == nil ? .removed : .none
    }

    private static func fields(
        _ a: Fields, _ b: Fields, _ isThere: (old: Bool, new: Bool), at place: MergePlace
    ) -> FieldComparison {
        var result = FieldComparison()
        var (left, right) = (0, 0)
        while left < a.entries.count || right < b.entries.count {
            let order =
                left == a.entries.count
                ? 1
                : right == b.entries.count ? -1 : Fields.compare(a.entries[left].key, b.entries[right].key)
            let key = order <= 0 ? a.entries[left].key : b.entries[right].key
            var old = order <= 0 ? a.entries[left].value : nil
            var new = order >= 0 ? b.entries[right].value : nil
            if order <= 0 { left += 1 }
            if order >= 0 { right += 1 }
            let (child, absent) = Self.child(key, of: place)
            if isThere.old { old = old ?? absent }
            if isThere.new { new = new ?? absent }
            result.append(.field(key), compare(old, new, at: child))
        }
        return result
    }

    /// The place of a field, and what Kubernetes writes there even when there is nothing in it.
    private static func child(_ key: String, of place: MergePlace) -> (MergePlace, absent: Value?) {
        guard case .object(let type) = place, let field = type.field(named: key) else {
            return (place.child(key), nil)
        }
        return (MergePlace(field), field.writtenWhenEmpty)
    }

    /// Elements one by one. Those that are there twice on both sides are compared as one; where they are twice on one
    /// side only, what the single one said is gone or new.
    private static func elements(
        _ a: [Value], _ left: [PathElement], _ b: [Value], _ right: [PathElement], at place: MergePlace
    ) -> FieldComparison {
        var old: [PathElement: [Value]] = [:]
        var new: [PathElement: [Value]] = [:]
        for (identity, value) in zip(left, a) { old[identity, default: []].append(value) }
        for (identity, value) in zip(right, b) { new[identity, default: []].append(value) }
        var result = FieldComparison()
        for identity in Set(left).union(right).sorted() {
            let (before, after) = (old[identity] ?? [], new[identity] ?? [])
            switch (before.count, after.count) {
            case (0...1, 0...1): result.append(identity, compare(before.first, after.first, at: place.element))
            case (2..., 2...): result.append(identity, (FieldComparison(), before == after ? .none : .modified))
            case (2..., _):
                if let single = after.first {
                    result.append(identity, compare(nil, single, at: place.element))
                }
                result.removed.append(identity, isMember: true, children: FieldSet())
            default:
                if let single = before.first {
                    result.append(identity, compare(single, nil, at: place.element))
                }
                result.added.append(identity, isMember: true, children: FieldSet())
            }
        }
        return result
    }

    private mutating func append(_ element: PathElement, _ outcome: Outcome) {
        added.append(element, isMember: outcome.mark == .added, children: outcome.inner.added)
        modified.append(element, isMember: outcome.mark == .modified, children: outcome.inner.modified)
        removed.append(element, isMember: outcome.mark == .removed, children: outcome.inner.removed)
    }
}

extension FieldSchema {
    /// What Go writes of a list or map without anything in it, and of an object without a pointer to it. Such a field is
    /// there in every object: whoever fills it owns what he put in, not the field.
    var writtenWhenEmpty: Value? {
        guard flags.isDisjoint(with: [.omitZero, .pointer, .nullable]) else { return nil }
        return switch kind {
        case .list, .map: flags.contains(.omitEmpty) ? nil : .null
        case .object: zero
        default: nil
        }
    }
}
