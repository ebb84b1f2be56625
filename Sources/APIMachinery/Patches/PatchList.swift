/// Merges lists whose elements are known by a key, or are scalars that each stand once.
///
/// The order of the result: elements of the patch stand as the patch has them (or as `$setElementOrder` says), the
/// others as the object has them; the two are interleaved so that the object's order is kept where it can be.
struct PatchList {
    private let rule: PatchRule

    init(_ rule: PatchRule) { self.rule = rule }

    /// Merges, then puts the elements that `order` names into its order. One of the lists may be absent.
    func merge(_ patch: Value?, into original: Value?, order: Value) throws(PatchError) -> Value {
        let changes = try elements(patch)
        let present = try elements(original)
        guard case .array(let sequence) = order else {
            throw PatchError(.failed, "expected a []interface {}, but received a \(GoText.typeName(order))")
        }
        try check(changes, follow: sequence)
        let merged = try merge(changes, into: present)
        return .array(try arranged(merged, order: sequence, liveOrder: present))
    }

    func merge(_ patch: [Value], into original: [Value]) throws(PatchError) -> [Value] {
        guard try elementsAreObjects(original, patch) else {
            var seen: Set<Value> = []
            let merged = (original + patch).filter { seen.insert($0).inserted }
            return try arranged(merged, order: patch, liveOrder: original)
        }
        guard !rule.mergeKey.isEmpty else {
            throw PatchError(.failed, "cannot merge lists without merge key for type struct")
        }
        let (present, changes) = try applyingDirectives(of: patch, to: original)
        var merged = present
        var positions: [Value: Int] = [:]
        for (index, element) in merged.enumerated() {
            let key = try key(of: element)
            if positions[key] == nil { positions[key] = index }
        }
        for change in changes {
            let key = try key(of: change)
            if let index = positions[key], case .object(let fields) = merged[index],
                case .object(let wanted) = change
            {
                merged[index] = .object(try StrategicMergePatch.merge(wanted, into: fields, at: rule.place))
            } else {
                positions[key] = merged.count
                merged.append(StrategicMergePatch.cleaned(change))
            }
        }
        return try arranged(merged, order: changes, liveOrder: present)
    }

    /// Deletes what `$patch: delete` names; with `$patch: replace` the patch's elements are the new list.
    private func applyingDirectives(
        of patch: [Value], to original: [Value]
    ) throws(PatchError) -> (present: [Value], changes: [Value]) {
        var changes: [Value] = []
        var deleted: Set<Value> = []
        var isReplaced = false
        for element in patch {
            guard case .object(let fields) = element else { continue }
            switch fields[PatchDirective.patch] {
            case nil: changes.append(element)
            case "delete": deleted.insert(try key(of: element))
            case "replace": isReplaced = true
            case "merge": throw PatchError(.failed, "merging lists cannot yet be specified in the patch")
            case let other?: throw .unknownDirective(other, in: fields)
            }
        }
        if isReplaced { return (changes.map(StrategicMergePatch.cleaned), []) }
        guard !deleted.isEmpty else { return (original, changes) }
        return (
            original.filter { element in element[rule.mergeKey].map { !deleted.contains($0) } ?? true },
            changes
        )
    }

    // MARK: - Order

    /// The elements that `order` names in its order, the others in that of `liveOrder`, interleaved.
    private func arranged(
        _ merged: [Value], order: [Value], liveOrder: [Value]
    ) throws(PatchError) -> [Value] {
        let (wanted, live) = (try ranks(order), try ranks(liveOrder))
        var patched: [(element: Value, rank: Int, live: Int?)] = []
        var others: [(element: Value, rank: Int, live: Int?)] = []
        for element in merged {
            let key = try key(of: element)
            if let rank = wanted[key] {
                patched.append((element, rank, live[key]))
            } else {
                others.append((element, live[key] ?? .max, live[key]))
            }
        }
        patched.stableSort { $0.rank < $1.rank }
        others.stableSort { $0.rank < $1.rank }
        var result: [Value] = []
        result.reserveCapacity(merged.count)
        var rest = others[...]
        for next in patched {
            while let other = rest.first, let place = other.live, let limit = next.live, place < limit {
                result.append(other.element)
                rest.removeFirst()
            }
            result.append(next.element)
        }
        return result + rest.map(\.element)
    }

    /// The first place of each key.
    private func ranks(_ elements: [Value]) throws(PatchError) -> [Value: Int] {
        var ranks: [Value: Int] = [:]
        for (index, element) in elements.enumerated() {
            let key = try key(of: element)
            if ranks[key] == nil { ranks[key] = index }
        }
        return ranks
    }

    /// The elements of the patch must stand in the order that the patch itself asks for.
    private func check(_ patch: [Value], follow order: [Value]) throws(PatchError) {
        guard !order.isEmpty else { return }
        var rest = order[...]
        for element in patch where element[PatchDirective.patch] == nil {
            let key = try key(of: element)
            while let next = rest.first, try self.key(of: next) != key { rest.removeFirst() }
            guard !rest.isEmpty else {
                throw PatchError(
                    .failed,
                    "The order in patch list:\n\(GoText.plain(.array(patch)))\n doesn't match "
                        + "\(PatchDirective.elementOrder.rawValue) list:\n\(GoText.plain(.array(order)))\n")
            }
            rest.removeFirst()
        }
    }

    // MARK: - Elements

    /// What names an element: its merge key, or itself when it is a scalar.
    private func key(of element: Value) throws(PatchError) -> Value {
        guard case .object(let fields) = element else { return element }
        guard let key = fields[rule.mergeKey] else { throw .noMergeKey(rule.mergeKey, in: element) }
        return key
    }

    private func elements(_ list: Value?) throws(PatchError) -> [Value] {
        guard let list else { return [] }
        guard case .array(let elements) = list else {
            throw PatchError(.failed, "expected a []interface {}, but received a \(GoText.typeName(list))")
        }
        return elements
    }

    /// All elements must be of one kind, and none a list.
    private func elementsAreObjects(_ a: [Value], _ b: [Value]) throws(PatchError) -> Bool {
        var name: String?
        for element in [a, b].joined() {
            let kind = element.kindName
            if kind == "array" { throw PatchError(.inapplicable, "lists of lists are not supported") }
            guard name == nil || name == kind else {
                throw PatchError(
                    .failed, "list element types are not identical: \(GoText.plain(.array(a + b)))")
            }
            name = kind
        }
        return name == "object"
    }
}

extension Array {
    /// Sorts so that equal elements keep their order. Lists mostly are in order, which costs one look.
    fileprivate mutating func stableSort(_ isLess: (Element, Element) -> Bool) {
        let isSorted = zip(self, dropFirst()).allSatisfy { !isLess($1, $0) }
        if isSorted { return }
        self = enumerated().sorted { a, b in
            isLess(a.element, b.element) || (!isLess(b.element, a.element) && a.offset < b.offset)
        }.map(\.element)
    }
}
