/// A field that stands wrongly in a text, described in the words of Kubernetes' strict decoding (KEP-2885).
///
/// Paths are as `spec.ports[0].name`; below a list, as `[0].name`.
public enum FieldProblem: Hashable, Sendable, CustomStringConvertible {
    /// Its type has no such field.
    case unknown(String)
    /// The text has given the field before.
    case duplicate(String)

    public var path: String {
        switch self {
        case .unknown(let path), .duplicate(let path): path
        }
    }

    public var description: String {
        switch self {
        case .unknown(let path): "unknown field \"\(path)\""
        case .duplicate(let path): "duplicate field \"\(path)\""
        }
    }

    /// The problems of an object's JSON text, in the order of the text: at most a hundred, each told once.
    ///
    /// What an unknown field holds is not looked into, nor what other rules read (raw extensions, sets of fields). None
    /// are found in what is no JSON, from where it is none.
    public static func all(inJSON bytes: [UInt8], as type: TypeSchema) -> [FieldProblem] {
        FieldTrace.problems(in: bytes, .object(type))
    }
}
