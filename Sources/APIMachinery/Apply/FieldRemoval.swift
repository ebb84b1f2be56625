/// Takes parts out of an object.
enum FieldRemoval {
    /// The object without the members of `set`. What has nothing left in it is gone as well.
    static func remove(_ set: FieldSet, from object: Value, as type: TypeSchema) -> Value {
        guard !set.isEmpty else { return object }
        return remove(set, from: object, at: .object(type)) ?? .emptyObject
    }

    private static func remove(_ set: FieldSet, from value: Value, at place: MergePlace) -> Value? {
        switch place.shape(value) {
        case .fields?:
            var fields = Fields()
            for entry in value.fields?.entries ?? [] {
                guard let node = set[.field(entry.key)] else {
                    fields[entry.key] = entry.value
                    continue
                }
                guard !node.isMember else { continue }
                fields[entry.key] = remove(node.children, from: entry.value, at: place.child(entry.key))
            }
            return fields.isEmpty ? nil : .object(fields)
        case .elements?:
            var elements: [Value] = []
            for element in value.array ?? [] {
                guard let node = place.identity(of: element).flatMap({ set[$0] }) else {
                    elements.append(element)
                    continue
                }
                guard !node.isMember, let left = remove(node.children, from: element, at: place.element) else {
                    continue
                }
                elements.append(left)
            }
            return elements.isEmpty ? nil : .array(elements)
        case .whole?:
            // Who owns a part of what is one value now, owned it under an older schema: the whole goes.
            switch value {
            case .array, .object: return nil
            default: return value
            }
        case nil: return nil
        }
    }
}
