/// Several values under one key. A key without values takes no space.
struct Multimap<Key: Hashable & Sendable, Element: Hashable & Sendable>: Sendable {
    private var sets: [Key: Set<Element>] = [:]

    subscript(key: Key) -> Set<Element> { sets[key] ?? [] }

    func count(of key: Key) -> Int { sets[key]?.count ?? 0 }

    /// Of these keys the one with the fewest values.
    func rarest(of keys: [Key]) -> Key? { keys.min { count(of: $0) < count(of: $1) } }

    var elements: Set<Element> { sets.values.reduce(into: []) { $0.formUnion($1) } }

    mutating func insert(_ element: Element, for key: Key) { sets[key, default: []].insert(element) }

    mutating func remove(_ element: Element, for key: Key) {
        sets[key]?.remove(element)
        if sets[key]?.isEmpty == true { sets[key] = nil }
    }
}
