extension FieldSet {
    /// Everything that an object says: what its author owns who applies it.
    public init(of object: Value, as type: TypeSchema) {
        self = Self.parts(of: object, at: .object(type)).children
    }

    /// Without this filter a member is: what is seen as a whole, each entry of a map, each element of a list, and
    /// whatever is there but empty.
    private static func parts(of value: Value, at place: MergePlace) -> (isMember: Bool, children: FieldSet) {
        switch place.shape(value) {
        case .fields?:
            let entries = value.fields?.entries ?? []
            var set = FieldSet()
            for entry in entries {
                let (isMember, children) = parts(of: entry.value, at: place.child(entry.key))
                set.append(
                    .field(entry.key), isMember: isMember || !place.names(entry.key), children: children)
            }
            return (entries.isEmpty, set)
        case .elements?:
            guard let elements = value.array, let identities = place.identities(of: elements) else {
                return (true, FieldSet())
            }
            return (false, set(of: elements, identities, at: place))
        case .whole?: return (true, FieldSet())
        case nil: return (true, FieldSet())
        }
    }

    /// Elements that are there twice have one owner together, and no parts.
    private static func set(of elements: [Value], _ identities: [PathElement], at place: MergePlace) -> FieldSet {
        let order = identities.indices.sorted { identities[$0] < identities[$1] }
        var set = FieldSet()
        var position = 0
        while position < order.count {
            let identity = identities[order[position]]
            var end = position + 1
            while end < order.count, identities[order[end]] == identity { end += 1 }
            let isUnique = end == position + 1
            let children =
                isUnique ? parts(of: elements[order[position]], at: place.element).children : FieldSet()
            set.append(identity, isMember: true, children: children)
            position = end
        }
        return set
    }
}

extension FieldSet {
    /// The set with every named field on the way to a member as a member too; entries of maps and elements of lists are
    /// left as they are.
    func namingFields(at place: MergePlace) -> FieldSet {
        var set = FieldSet()
        for node in nodes {
            switch node.element {
            case .field(let name):
                set.append(
                    node.element, isMember: node.isMember || place.names(name),
                    children: node.children.namingFields(at: place.child(name)))
            case .key, .value, .index:
                set.append(
                    node.element, isMember: node.isMember,
                    children: node.children.namingFields(at: place.element))
            }
        }
        return set
    }
}
