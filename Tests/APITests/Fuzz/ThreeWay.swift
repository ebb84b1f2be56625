import APIMachinery

/// What `kubectl apply` sends, made in the plainest way from the last applied, the wanted and the live object; and what
/// the three must come to: wanted wins, what was given up goes, the rest of live stays.
enum ThreeWay {
    /// How a value is merged. Without a schema, as in a JSON merge patch, objects are merged and lists replaced.
    struct Rule {
        var kind: FieldKind?
        var flags: FieldSchema.Flags = []
        var mergeKey = ""

        var mergesList: Bool { flags.contains(.patchMerge) }
        var replacesObject: Bool { flags.contains(.patchReplace) }
        var retainsKeys: Bool { flags.contains(.patchRetainKeys) }

        func field(_ name: String) -> Rule {
            switch kind {
            case .object(let type)?:
                type.field(named: name).map { Rule(kind: $0.kind, flags: $0.flags, mergeKey: $0.patchMergeKey) } ?? Rule()
            case .map(let values)?: Rule(kind: values.kind)
            default: Rule()
            }
        }

        /// Of the list's elements, which drop what is not wanted if the list says so.
        var element: Rule {
            guard case .list(let element)? = kind else { return Rule() }
            return Rule(kind: element.kind, flags: flags.intersection(.patchRetainKeys))
        }

        /// What tells an element from others: its key, or itself.
        func name(_ element: Value) -> Value { mergeKey.isEmpty ? element : element[mergeKey] ?? .null }
    }

    // MARK: The patch

    /// Changes from live to wanted, deletions from last to wanted.
    static func patch(last: Value, wanted: Value, live: Value, _ rule: Rule) -> Value {
        var patch = Value.emptyObject
        for key in Set((last.fields?.keys ?? []) + (wanted.fields?.keys ?? [])).sorted() {
            let (old, now, field) = (last[key], live[key], rule.field(key))
            switch (wanted[key], now) {
            case (nil, _): patch[key] = .null
            case (.object(let new)?, .object(let now)?) where !field.replacesObject:
                let inner = Self.patch(last: old ?? .emptyObject, wanted: .object(new), live: .object(now), field)
                if inner != .emptyObject { patch[key] = inner }
            case (.array(let new)?, _) where field.mergesList && (now == nil || now?.array != nil):
                list(key, old?.array ?? [], new, now?.array ?? [], field, into: &patch)
            case (let new?, let now): if new != now { patch[key] = new }
            }
        }
        if rule.retainsKeys, patch != .emptyObject { patch["$retainKeys"] = Value(wanted.fields?.keys ?? []) }
        return patch
    }

    private static func list(
        _ key: String, _ last: [Value], _ wanted: [Value], _ live: [Value], _ rule: Rule, into patch: inout Value
    ) {
        let names = wanted.map(rule.name)
        let givenUp = last.map(rule.name).filter { !names.contains($0) }
        var elements: [Value] = []
        for element in wanted {
            guard let now = live.first(where: { rule.name($0) == rule.name(element) }) else {
                elements.append(element)
                continue
            }
            guard !rule.mergeKey.isEmpty else { continue }
            let old = last.first { rule.name($0) == rule.name(element) } ?? .emptyObject
            var inner = Self.patch(last: old, wanted: element, live: now, rule.element)
            if inner == .emptyObject { continue }
            inner[rule.mergeKey] = element[rule.mergeKey]
            elements.append(inner)
        }
        if rule.mergeKey.isEmpty {
            if !givenUp.isEmpty { patch["$deleteFromPrimitiveList/" + key] = .array(givenUp) }
        } else {
            elements += givenUp.map { .object(Fields([("$patch", "delete"), (rule.mergeKey, $0)])) }
        }
        if !elements.isEmpty { patch[key] = .array(elements) }
        if !elements.isEmpty || !givenUp.isEmpty || live.map(rule.name).filter(names.contains) != names {
            let order = rule.mergeKey.isEmpty ? names : names.map { .object(Fields([(rule.mergeKey, $0)])) }
            patch["$setElementOrder/" + key] = .array(order)
        }
    }

    // MARK: What it must come to

    static func expected(last: Value?, wanted: Value?, live: Value?, _ rule: Rule) -> Value? {
        guard let wanted else { return last == nil ? live : nil }
        switch (wanted, live) {
        case (.object(let new), .object(let now)?) where !rule.replacesObject:
            var result = Fields()
            for key in Set(new.keys + now.keys) {
                result[key] = expected(last: last?[key], wanted: new[key], live: now[key], rule.field(key))
            }
            let patch = patch(last: last ?? .emptyObject, wanted: wanted, live: .object(now), rule)
            if rule.retainsKeys, patch != .emptyObject { result.removeAll { key, _ in new[key] == nil } }
            return .object(result)
        case (.array(let new), .array(let now)?) where rule.mergesList:
            let old = last?.array ?? []
            func find(_ name: Value, in list: [Value]) -> Value? { list.first { rule.name($0) == name } }
            var names: [Value] = []
            for name in (new + now).map(rule.name) where !names.contains(name) { names.append(name) }
            return .array(
                names.compactMap {
                    expected(last: find($0, in: old), wanted: find($0, in: new), live: find($0, in: now), rule.element)
                })
        default: return wanted
        }
    }

    /// With merged lists sorted and empty ones left out, so that objects compare without the order of elements.
    static func unordered(_ value: Value, _ rule: Rule) -> Value {
        guard case .object(let fields) = value else { return value }
        var result = Value.emptyObject
        for (key, child) in fields {
            let field = rule.field(key)
            guard field.mergesList, case .array(let elements) = child else {
                result[key] = unordered(child, field)
                continue
            }
            let sorted = elements.map { unordered($0, field.element) }
                .sorted { field.name($0).description < field.name($1).description }
            result[key] = sorted.isEmpty ? nil : .array(sorted)
        }
        return result
    }

    /// Whether the elements that are wanted stand in the wanted order, and the others in that of the live list.
    static func keepsOrder(of wanted: Value, _ live: Value, in result: Value, _ rule: Rule) -> Bool {
        (wanted.fields ?? Fields()).allSatisfy { key, new in
            let field = rule.field(key)
            guard field.mergesList, case .array(let elements) = new else {
                return keepsOrder(of: new, live[key] ?? .null, in: result[key] ?? .null, field)
            }
            let (names, present) = (elements.map(field.name), (live[key]?.array ?? []).map(field.name))
            let found = (result[key]?.array ?? []).map(field.name)
            let others = found.filter { !names.contains($0) }
            return found.filter(names.contains) == names && present.filter(others.contains) == others
        }
    }
}
