/// Why bytes are not the message that was asked for, or a tree cannot be written as one.
public enum ProtobufError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes end inside of a field.
    case truncated
    /// A field has another wire type than its kind.
    case wrongWireType(field: String, found: Int)
    /// A number or tag that no encoder writes.
    case malformed(String)
    /// Messages nest deeper than ``Protobuf/deepestNesting``.
    case tooDeep
    /// The tree holds something else than the schema says.
    case wrongValue(field: String, expected: String, found: String)
    /// The bytes do not begin like a Kubernetes object.
    case noEnvelope
    /// No schema is known for this kind.
    case unknownKind(GroupVersionKind)

    public var description: String {
        switch self {
        case .truncated: "unexpected EOF"
        case .wrongWireType(let field, let found): "proto: wrong wireType = \(found) for field \(field)"
        case .malformed(let reason): "proto: \(reason)"
        case .tooDeep: "proto: message nesting exceeded max depth"
        case .wrongValue(let field, let expected, let found):
            "the field \(field) should be \(expected), but is \(found)"
        case .noEnvelope:
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
        case .unknownKind(let kind):
            "no kind \"\(kind.kind)\" is registered for version \"\(kind.apiVersion)\""
        }
    }
}
