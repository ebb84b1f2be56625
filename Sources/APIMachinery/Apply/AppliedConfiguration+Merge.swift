extension AppliedConfiguration {
    /// What it makes of a live object when nobody asks whose fields they are, as for a policy that changes objects.
    public func merged(into live: Value, as type: TypeSchema) -> Value {
        ObjectMerge.merge(object, into: live, as: type)
    }

    /// Where it names an object, a map or a list that is replaced as a whole: whoever means to add to it would remove
    /// what is there.
    public func atomicParts(of type: TypeSchema) -> [String] {
        var paths: [String] = []
        Self.collect(object, type, [], &paths)
        return paths
    }

    private static func collect(
        _ value: Value, _ type: TypeSchema, _ path: [PathElement], _ paths: inout [String]
    ) {
        for (key, value) in value.fields ?? Fields() {
            if let field = type.field(named: key) { collect(value, field, path + [.field(key)], &paths) }
        }
    }

    private static func collect(
        _ value: Value, _ field: FieldSchema, _ path: [PathElement], _ paths: inout [String]
    ) {
        switch (field.kind, value) {
        case (.object(let type), .object):
            if field.isAtomic { paths.append(FieldPath(path).description) }
            collect(value, type, path, &paths)
        case (.map(let element), .object(let fields)):
            if field.isAtomic { paths.append(FieldPath(path).description) }
            for (key, value) in fields { collect(value, element, path + [.field(key)], &paths) }
        case (.list(let element), .array(let values)):
            if field.isAtomic || field.listType == .atomic { paths.append(FieldPath(path).description) }
            for (index, value) in values.enumerated() { collect(value, element, path + [.index(index)], &paths) }
        default: break
        }
    }
}
