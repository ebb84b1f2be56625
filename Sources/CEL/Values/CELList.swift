public import APIMachinery

/// A list: values that an expression made, or a list of a tree with its schema.
public struct CELList: Sendable {
    enum Storage: Sendable {
        case values([CELValue])
        case tree([Value])
    }

    private(set) var storage: Storage
    /// The list's own schema: what its elements are, and whether it is a set or a map by some keys.
    public private(set) var schema: FieldSchema?

    public init(_ values: [CELValue]) { storage = .values(values) }

    /// Without a schema the elements are what JSON says they are.
    public init(_ elements: [Value], schema: FieldSchema? = nil) {
        storage = .tree(elements)
        self.schema = schema
    }

    init(_ values: [CELValue], schema: FieldSchema?) {
        storage = .values(values)
        self.schema = schema
    }

    public var count: Int {
        switch storage {
        case .values(let values): values.count
        case .tree(let elements): elements.count
        }
    }

    public subscript(position: Int) -> CELValue {
        switch storage {
        case .values(let values): values[position]
        case .tree(let elements): CELValue(elements[position], elementOf: schema)
        }
    }

    public var values: [CELValue] {
        switch storage {
        case .values(let values): values
        case .tree(let elements): elements.map { CELValue($0, elementOf: schema) }
        }
    }

    /// Adds an element to a list that an expression makes.
    mutating func append(_ value: CELValue) {
        guard case .values(var own) = storage else {
            storage = .values(values + [value])
            return
        }
        // Frees this list's reference, so that the elements are not copied.
        storage = .values([])
        own.append(value)
        storage = .values(own)
    }

    /// `+`: what follows what; sets and maps by keys are merged instead (API conventions, "Lists of named subobjects").
    func appending(_ other: CELList) -> CELList {
        switch schema?.listType {
        case .set: mergedSet(other)
        case .map: mergedMap(other)
        case .atomic, nil: concatenated(other)
        }
    }

    private func concatenated(_ other: CELList) -> CELList {
        if schema == nil, case .values(let own) = storage, case .values(let others) = other.storage {
            return CELList(own + others)
        }
        return CELList(values + other.values)
    }

    private func mergedSet(_ other: CELList) -> CELList {
        var merged = values
        var known = CELValueSet(merged)
        for value in other.values where known.insert(value) { merged.append(value) }
        return CELList(merged, schema: schema)
    }

    /// Elements of the other list take the place of those with the same keys.
    private func mergedMap(_ other: CELList) -> CELList {
        let keys = schema?.listMapKeys ?? []
        var merged = values
        var positions: [[CELMapKey?]: Int] = [:]
        for (position, value) in merged.enumerated() { positions[value.keys(named: keys)] = position }
        for value in other.values {
            let key = value.keys(named: keys)
            if let position = positions[key] {
                merged[position] = value
            } else {
                positions[key] = merged.count
                merged.append(value)
            }
        }
        return CELList(merged, schema: schema)
    }

    /// Lists compare element by element; sets and maps by keys without regard to order.
    func isEqual(to other: CELList) -> Bool {
        guard count == other.count else { return false }
        switch schema?.listType ?? other.schema?.listType {
        case .set:
            let known = CELValueSet(other.values)
            return values.allSatisfy(known.contains)
        case .map:
            let keys = (schema ?? other.schema)?.listMapKeys ?? []
            let pairs = other.values.map { ($0.keys(named: keys), $0) }
            let byKeys = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
            return values.allSatisfy { byKeys[$0.keys(named: keys)]?.isEqual(to: $0) ?? false }
        case .atomic, nil:
            return (0..<count).allSatisfy { self[$0].isEqual(to: other[$0]) }
        }
    }

    func contains(_ value: CELValue) -> Bool {
        (0..<count).contains { self[$0].isEqual(to: value) }
    }
}

/// Values to look for; those that can be keys are found by hash.
struct CELValueSet {
    private var keys: Set<CELMapKey> = []
    private var others: [CELValue] = []

    init(_ values: [CELValue]) { for value in values { _ = insert(value) } }

    /// Whether it was not there.
    mutating func insert(_ value: CELValue) -> Bool {
        if let key = CELMapKey(value) { return keys.insert(key).inserted }
        guard !others.contains(where: { $0.isEqual(to: value) }) else { return false }
        others.append(value)
        return true
    }

    func contains(_ value: CELValue) -> Bool {
        CELMapKey(value).map(keys.contains) ?? others.contains { $0.isEqual(to: value) }
    }
}

extension CELValue {
    /// What names an element in a list that is a map by some of its fields.
    fileprivate func keys(named names: [String]) -> [CELMapKey?] {
        names.map { name in self.field(named: name).flatMap(CELMapKey.init) }
    }
}
