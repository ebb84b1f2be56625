extension StructuralSchema {
    /// A whole object inside of another one (`x-kubernetes-embedded-resource`).
    public struct EmbeddedResource: Sendable {
        /// Such as `spec.template`.
        public var path: String
        public var value: Value
    }

    /// The whole objects inside of an object, outer ones first. Looks at the object only if the schema has any.
    public func embeddedResources(in object: Value) -> [EmbeddedResource] {
        guard embedsResources else { return [] }
        var found: [EmbeddedResource] = []
        Self.find(in: object, root, "", &found)
        return found
    }

    private static func find(in value: Value, _ field: FieldSchema, _ path: String, _ found: inout [EmbeddedResource]) {
        switch (field.kind, value) {
        case (.object(let type), .object(let fields)):
            if field.flags.contains(.embeddedResource) { found.append(EmbeddedResource(path: path, value: value)) }
            for (name, inner) in fields {
                guard inner.isContainer, let field = type.field(named: name) else { continue }
                find(in: inner, field, path.isEmpty ? name : "\(path).\(name)", &found)
            }
        case (.list(let element), .array(let items)):
            for (index, item) in items.enumerated() { find(in: item, element, "\(path)[\(index)]", &found) }
        case (.map(let element), .object(let fields)):
            for (key, inner) in fields { find(in: inner, element, "\(path)[\(key)]", &found) }
        default: break
        }
    }
}

extension Value {
    fileprivate var isContainer: Bool { fields != nil || array != nil }
}
