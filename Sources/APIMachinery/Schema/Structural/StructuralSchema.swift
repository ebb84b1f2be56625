/// The schema of one version of a custom resource, compiled into a table.
///
/// A definition's OpenAPI schema is *structural* (Kubernetes documentation, "Specifying a structural schema"): the
/// skeleton of objects, lists and maps stands by itself and becomes types and fields; what restricts values (`pattern`,
/// `anyOf`, ...) stands with its field as ``FieldSchema/constraints``. Descriptions are left out: they are the largest
/// part of a definition, and those who want them read the definition itself.
public struct StructuralSchema: Sendable {
    /// The type of a whole object, with `apiVersion`, `kind` and `metadata`.
    public let type: TypeSchema
    /// The object as a field, which carries the constraints on the whole.
    public let root: FieldSchema
    /// What the table takes in memory.
    public let byteCount: Int
    /// Whether objects can hold whole objects (`x-kubernetes-embedded-resource`).
    let embedsResources: Bool
    /// The type of `metadata`, there and of whole objects inside.
    private let metadataType: TypeSchema?
    let patterns = PatternCache()
    /// Of the table's bytes.
    private let digest: Int

    /// The wrapper that holds the one field ``root``.
    private static let wrapper = "*"

    /// Compiles a schema that ``StructuralRules`` found nothing wrong with. `metadata` is the type of object metadata.
    public init(_ schema: Value, kind: String, metadata: TypeSchema) {
        var compiler = StructuralCompiler(metadata: metadata)
        let bytes = compiler.compile(schema, kind: kind, wrapper: Self.wrapper)
        let table = SchemaTable(bytes)
        guard let wrapper = table.type(named: Self.wrapper), let root = wrapper.fields.first,
            case .object(let type) = root.kind
        else { preconditionFailure("a compiled schema holds the object that it was made for") }
        (self.root, self.type) = (root, type)
        if case .object(let metadata)? = type.field(named: "metadata")?.kind {
            metadataType = metadata
        } else {
            metadataType = nil
        }
        byteCount = bytes.count
        embedsResources = compiler.embedsResources
        var hasher = Hasher()
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
        digest = hasher.finalize()
    }

    /// Brings a tree into the form in which it is kept: drops what the schema does not know and notes its path, drops
    /// nulls where there can be none, and fills in defaults. `metadata` is left alone. What has the wrong type stays,
    /// for ``validate(_:)`` to tell. The paths are in order, but those in the metadata of objects inside come last.
    public func shape(_ object: inout Value, unknownFields: inout [String]) {
        var shaper = StructuralShaper(metadata: metadataType)
        let metadata = object["metadata"]
        object["metadata"] = nil
        shaper.shape(&object, as: type)
        object["metadata"] = metadata
        unknownFields += shaper.unknownPaths
    }

    /// Drops what the schema does not know, and no more.
    public func prune(_ object: inout Value) {
        var shaper = StructuralShaper(prunesOnly: true)
        let metadata = object["metadata"]
        object["metadata"] = nil
        shaper.shape(&object, as: type)
        object["metadata"] = metadata
    }

    /// What is wrong with an object that was shaped, in Kubernetes' words. `metadata` is not looked at.
    public func validate(_ object: Value) -> [FieldError] {
        var validator = StructuralValidator(patterns: patterns)
        validator.check(object, as: root, skipping: "metadata")
        return validator.errors
    }

    /// The same of an object that takes the place of `current`: parts that are as they were are not looked at.
    public func validate(_ object: Value, replacing current: Value) -> [FieldError] {
        var validator = StructuralValidator(patterns: patterns)
        validator.check(object, as: root, replacing: current, skipping: "metadata")
        return validator.errors
    }

    /// Whether both say the same, whatever their objects are called.
    public func isSame(as other: StructuralSchema) -> Bool { byteCount == other.byteCount && digest == other.digest }
}
