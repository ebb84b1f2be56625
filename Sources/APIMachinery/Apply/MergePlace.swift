/// How server-side apply sees the value at one place of an object (API conventions, "Merge strategy").
enum MergePlace: Sendable {
    /// One value with one owner.
    case atom
    /// Each field has its own owner.
    case object(TypeSchema)
    /// Each entry has its own owner.
    case map(FieldSchema)
    /// A list of scalars, each with its own owner.
    case set
    /// A list of objects, known by the fields `keys`.
    case keyed(FieldSchema, keys: [String])
    /// No schema: objects are seen field by field, everything else as one value.
    case deduced

    init(_ field: FieldSchema) {
        guard !field.isAtomic else {
            self = .atom
            return
        }
        switch field.kind {
        case .object(let type): self = .object(type)
        case .map(let value): self = .map(value)
        case .list(let element):
            switch field.listType {
            case .atomic: self = .atom
            case .set: self = .set
            case .map: self = .keyed(element, keys: field.listMapKeys)
            }
        case .any, .rawExtension, .fieldsV1: self = .deduced
        default: self = .atom
        }
    }

    /// The place of a field, or of an entry.
    func child(_ name: String) -> MergePlace {
        switch self {
        case .object(let type): type.field(named: name).map(MergePlace.init) ?? .deduced
        case .map(let value): MergePlace(value)
        case .atom, .set, .keyed, .deduced: .deduced
        }
    }

    /// The place of a list's element.
    var element: MergePlace {
        switch self {
        case .keyed(let element, _): MergePlace(element)
        case .atom, .object, .map, .set, .deduced: .atom
        }
    }

    /// Whether the schema names this field, as opposed to an entry of a map.
    func names(_ field: String) -> Bool {
        if case .object(let type) = self { type.field(named: field) != nil } else { false }
    }
}

/// One or two values seen from their place: taken apart, or whole.
enum MergeShape {
    case whole
    case fields
    case elements
}

extension MergePlace {
    /// How a value is seen; `nil` and null take any form. A value that is not of the form its place demands is whole.
    func shape(_ value: Value?) -> MergeShape? {
        guard let value, !value.isNull else { return nil }
        switch (self, value) {
        case (.object, .object), (.map, .object), (.deduced, .object): return .fields
        case (.set, .array), (.keyed, .array): return .elements
        default: return .whole
        }
    }

    /// How two values are seen together.
    func shape(_ a: Value?, _ b: Value?) -> MergeShape {
        switch (shape(a), shape(b)) {
        case (nil, nil): .whole
        case (let one?, nil), (nil, let one?): one
        case (let one?, let other?): one == other ? one : .whole
        }
    }
}

// MARK: - Elements of lists

extension MergePlace {
    /// What names an element of this list; `nil` for one that cannot be told from others.
    ///
    /// A key field that is absent has its default (`protocol` of a port). A list's elements need not have all of its
    /// keys, but one of them.
    func identity(of element: Value) -> PathElement? {
        switch self {
        case .set:
            switch element {
            case .null, .array, .object: return nil
            default: return .value(element)
            }
        case .keyed(let schema, let keys):
            guard case .object(let fields) = element else { return nil }
            var found = Fields()
            for key in keys { found[key] = fields[key] ?? Self.defaultValue(of: key, in: schema) }
            return found.isEmpty ? nil : .key(found)
        case .atom, .object, .map, .deduced: return nil
        }
    }

    /// What an element that has no identity lacks, in the words that clients of Kubernetes know.
    func lack(of element: Value) -> String {
        switch (self, element) {
        case (.keyed, .null): return "associative list with keys may not have a null element"
        case (.keyed(_, let keys), .object):
            let names = keys.map(GoText.quoted).joined(separator: " ")
            return "associative list with keys has an element that omits all key fields [\(names)] "
                + "(and doesn't have default values for any key fields)"
        case (.keyed, _): return "associative list with keys may not have non-map elements"
        case (_, .object): return "associative list without keys has an element that's a map type"
        case (_, .array): return "not supported: associative list with lists as elements"
        default: return "associative list without keys has an element that's an explicit null"
        }
    }

    /// What names each of the elements; `nil` when one of them cannot be told from others.
    func identities(of elements: [Value]) -> [PathElement]? {
        var result: [PathElement] = []
        result.reserveCapacity(elements.count)
        for element in elements {
            guard let identity = identity(of: element) else { return nil }
            result.append(identity)
        }
        return result
    }

    private static func defaultValue(of key: String, in element: FieldSchema) -> Value? {
        guard case .object(let type) = element.kind else { return nil }
        return type.field(named: key)?.defaultValue
    }
}
