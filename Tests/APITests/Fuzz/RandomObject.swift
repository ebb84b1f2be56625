import APIMachinery
import Support

/// Makes random objects of a type, and small changes to them: a few of its fields, each with a value that it may have.
///
/// Elements of keyed lists have one of a handful of keys, each once, so that objects of one type have some in common.
struct RandomObject {
    private var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    /// So many fields of an object have a value, about.
    private static let width = 5.0
    /// Below it only scalars stand.
    private static let deepest = 9

    mutating func object(_ type: TypeSchema, depth: Int = 0) -> Value {
        let chance = Self.width / Double(max(1, type.fields.count))
        var object = Value.emptyObject
        // What a whole object is, its place says; within others it does not travel in protobuf.
        let isWhole = type.field(named: "metadata") != nil
        for field in type.fields where Double.random(in: 0..<1, using: &random) < chance {
            if isWhole, field.name == "apiVersion" || field.name == "kind" { continue }
            object[field.name] = value(field, depth: depth + 1)
        }
        return object
    }

    /// `nil` for what is too deep.
    mutating func value(_ field: FieldSchema, depth: Int) -> Value? {
        guard depth < Self.deepest || field.kind.isScalar else { return nil }
        switch field.kind {
        case .object(let type): return object(type, depth: depth)
        case .union(let type): return type.fields.randomElement(using: &random).flatMap { value($0, depth: depth + 1) }
        case .map(let values):
            var map = Fields()
            for index in indices() { map["k\(index)"] = value(values, depth: depth + 1) }
            return map.isEmpty ? nil : .object(map)
        case .list(let element):
            let elements = indices().compactMap { self.element($0, of: field, element, depth: depth + 1) }
            return elements.isEmpty ? nil : .array(elements)
        default: return scalar(field)
        }
    }

    /// Some of the numbers below 5, each once, in any order.
    private mutating func indices() -> [Int] {
        Array((0..<5).shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)))
    }

    /// An element of a list, with the key of this number if the list has keys.
    private mutating func element(
        _ number: Int, of list: FieldSchema, _ element: FieldSchema, depth: Int
    ) -> Value? {
        if element.kind.isScalar, list.flags.contains(.patchMerge) || list.listType == .set {
            return Self.key(number, element.kind)
        }
        guard var value = value(element, depth: depth) else { return nil }
        guard case .object(let type) = element.kind else { return value }
        for name in Set(list.listMapKeys + [list.patchMergeKey]) {
            if let field = type.field(named: name) { value[name] = Self.key(number, field.kind) }
        }
        return value
    }

    private static func key(_ number: Int, _ kind: FieldKind) -> Value {
        switch kind {
        case .int32, .int64, .intOrString: .integer(Int64(number + 1))
        case .bool: .bool(number % 2 == 0)
        default: .string("k\(number)")
        }
    }

    private mutating func scalar(_ field: FieldSchema) -> Value? {
        let small = Int64.random(in: -2...9, using: &random)
        switch field.kind {
        case .bool: return .bool(Bool.random(using: &random))
        case .int32: return .integer([0, small, Int64(Int32.max), Int64(Int32.min)].randomElement(using: &random) ?? 0)
        case .int64: return .integer([0, small, .max, .min].randomElement(using: &random) ?? 0)
        case .float64: return [0, 7, 0.5, -1.25e30].randomElement(using: &random)
        case .bytes: return ["", "AA==", "aGVsbG8="].randomElement(using: &random)
        case .time: return .string(Timestamp(seconds: 1_800_000_000 + small).description)
        case .microTime: return .string(Timestamp(seconds: 1_800_000_000, nanoseconds: 123_456_000).microseconds)
        case .duration: return ["0s", "1m30s", "1.5s"].randomElement(using: &random)
        case .quantity: return ["0", "100m", "1.5Gi", "1024Mi", "1e3"].randomElement(using: &random)
        case .intOrString: return [0, .integer(small), "", "25%", "http"].randomElement(using: &random)
        case .any, .json: return json(depth: 0)
        case .rawExtension: return ["apiVersion": "example.com/v1", "kind": "Any", "spec": json(depth: 0)]
        case .fieldsV1: return ["f:spec": ["f:replicas": [:]]]
        default:
            return field.enumValues.randomElement(using: &random).map(Value.string)
                ?? ["", "a", "b/c", "ü \"quoted\" \\ \n", "😀"].randomElement(using: &random)
        }
    }

    private mutating func json(depth: Int) -> Value {
        switch Int.random(in: 0..<(depth < 3 ? 6 : 4), using: &random) {
        case 0: return .bool(Bool.random(using: &random))
        case 1: return .integer(Int64.random(in: -9...9, using: &random))
        case 2: return 0.25
        case 3: return "text"
        case 4: return .array(indices().map { _ in json(depth: depth + 1) })
        default: return .object(Fields(indices().map { ("j\($0)", json(depth: depth + 1)) }))
        }
    }
}

// MARK: - Changes

extension RandomObject {
    /// The object with some fields gone, some new, some with another value.
    mutating func changed(_ object: Value, as type: TypeSchema, depth: Int = 0) -> Value {
        let new = self.object(type, depth: depth)
        var result = object
        for field in type.fields {
            switch (object[field.name], new[field.name]) {
            case (nil, nil): continue
            case (nil, let added?): if flip() { result[field.name] = added }
            case (let present?, let other):
                switch Int.random(in: 0..<5, using: &random) {
                case 0: result[field.name] = nil
                case 1: result[field.name] = other ?? present
                case 2, 3: result[field.name] = changed(present, in: field, depth: depth + 1)
                default: continue
                }
            }
        }
        return result
    }

    private mutating func changed(_ value: Value, in field: FieldSchema, depth: Int) -> Value? {
        switch (field.kind, value) {
        case (.object(let type), .object): return changed(value, as: type, depth: depth)
        case (.map(let values), .object(let entries)):
            var result = entries
            for key in entries.keys where flip() {
                result[key] = flip() ? nil : entries[key].flatMap { changed($0, in: values, depth: depth + 1) }
            }
            if flip(), let added = self.value(values, depth: depth) { result["k\(indices()[0])"] = added }
            return .object(result)
        case (.list(let element), .array(let elements)):
            return .array(changed(elements, of: field, element, depth: depth))
        default: return self.value(field, depth: depth) ?? value
        }
    }

    /// Some elements gone, some changed, one new, perhaps in another order.
    private mutating func changed(
        _ elements: [Value], of list: FieldSchema, _ element: FieldSchema, depth: Int
    ) -> [Value] {
        var result = elements.filter { _ in Int.random(in: 0..<4, using: &random) > 0 }
        let keys = Set(list.listMapKeys + [list.patchMergeKey])
        for index in result.indices where flip() {
            guard case .object(let type) = element.kind else { continue }
            var changed = changed(result[index], as: type, depth: depth + 1)
            for key in keys { changed[key] = result[index][key] }
            result[index] = changed
        }
        if flip(), let added = self.element(indices()[0], of: list, element, depth: depth + 1),
            !(elements + result).contains(where: { Self.isSame($0, added, keys) })
        {
            result.insert(added, at: Int.random(in: 0...result.count, using: &random))
        }
        return flip() ? result.shuffled(using: &random) : result
    }

    private static func isSame(_ a: Value, _ b: Value, _ keys: Set<String>) -> Bool {
        guard case .object = a else { return a == b }
        return keys.contains { a[$0] != nil && a[$0] == b[$0] }
    }

    private mutating func flip() -> Bool { Bool.random(using: &random) }
}

extension FieldKind {
    fileprivate var isScalar: Bool {
        switch self {
        case .object, .union, .list, .map: false
        default: true
        }
    }
}
