/// What an applied configuration makes of a live object: its values, in its order where both have an element, and
/// everything else that is there.
enum ObjectMerge {
    static func merge(_ applied: Value, into live: Value, as type: TypeSchema) -> Value {
        merge(live, applied, at: .object(type)) ?? .emptyObject
    }

    private static func merge(_ live: Value?, _ applied: Value?, at place: MergePlace) -> Value? {
        switch place.shape(live, applied) {
        case .whole: return applied ?? live
        case .fields:
            let (a, b) = (live?.fields ?? Fields(), applied?.fields ?? Fields())
            if a.isEmpty, b.isEmpty { return applied ?? live }
            return fields(a, b, at: place)
        case .elements:
            let (a, b) = (live?.array ?? [], applied?.array ?? [])
            if a.isEmpty, b.isEmpty { return applied ?? live }
            guard let left = place.identities(of: a), let right = place.identities(of: b) else {
                return applied ?? live
            }
            var merge = ListMerge(live: a, left, applied: b, right, place)
            let elements = merge.run()
            return elements.isEmpty ? nil : .array(elements)
        }
    }

    private static func fields(_ a: Fields, _ b: Fields, at place: MergePlace) -> Value? {
        var result = a
        for entry in b.entries {
            result[entry.key] = merge(a[entry.key], entry.value, at: place.child(entry.key))
        }
        return result.isEmpty ? nil : .object(result)
    }

    /// The elements of both lists in one order: that of the applied list for its own, and the others where they stood
    /// between those that both have.
    private struct ListMerge {
        let live: [Value]
        let left: [PathElement]
        let applied: [Value]
        let right: [PathElement]
        let place: MergePlace
        /// The live element of a name; `.some(nil)` for a name that stands there twice, which merges with nothing.
        private var liveByName: [PathElement: Value?] = [:]
        private var appliedByName: [PathElement: Value] = [:]
        /// What both lists have and the result has not yet, in the applied order.
        private var shared: ArraySlice<PathElement> = []
        private var taken: Set<PathElement> = []
        private var result: [Value] = []

        init(live: [Value], _ left: [PathElement], applied: [Value], _ right: [PathElement], _ place: MergePlace) {
            (self.live, self.left, self.applied, self.right, self.place) = (live, left, applied, right, place)
            for (name, value) in zip(left, live) {
                liveByName.updateValue(liveByName[name] == nil ? value : nil, forKey: name)
            }
            for (name, value) in zip(right, applied) { appliedByName[name] = value }
            shared = right.filter { liveByName[$0] != nil }[...]
        }

        mutating func run() -> [Value] {
            var (l, r) = (0, 0)
            while l < left.count || r < right.count {
                if l < left.count, r < right.count {
                    if left[l] == right[r] {
                        take(right[r])
                        l += 1
                        r += 1
                        shared = shared.dropFirst()
                        continue
                    }
                    if appliedByName[left[l]] != nil, let next = shared.first, next != left[l] {
                        // Both have it, but its turn in the applied order is later, or was before.
                        l += 1
                        continue
                    }
                }
                if l < left.count {
                    if appliedByName[left[l]] == nil {
                        append(merge(live[l], nil, at: place.element))
                        l += 1
                        continue
                    }
                    if taken.contains(left[l]) { l += 1 }
                }
                if r < right.count {
                    let name = right[r]
                    take(name)
                    r += 1
                    if shared.first == name { shared = shared.dropFirst() }
                }
            }
            return result
        }

        private mutating func take(_ name: PathElement) {
            taken.insert(name)
            append(ObjectMerge.merge(liveByName[name] ?? nil, appliedByName[name], at: place.element))
        }

        private mutating func append(_ value: Value?) {
            if let value { result.append(value) }
        }
    }
}
