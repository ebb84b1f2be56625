public import APIMachinery

/// The type of an expression, as far as it is known before it is evaluated.
public indirect enum CELType: Hashable, Sendable {
    /// Anything; what does not fit is found out while evaluating.
    case dyn
    case null, bool, int, uint, double, string, bytes
    case timestamp, duration
    case list(CELType)
    case map(CELType, CELType)
    case optional(CELType)
    /// The type of types: `type(1)`.
    case type
    /// An object whose fields a schema table lists; all others are undeclared.
    case object(TypeSchema)
    /// An object whose fields the caller lists.
    case named(CELObjectType)
    /// A value that only functions can look into, such as `kubernetes.URL`.
    case opaque(String)
    /// Stands for a type that is not known yet; only inside of the checker.
    case unknown(Int)

    /// As messages print it: `list(int)`, `map(string, dyn)`.
    public var name: String {
        switch self {
        case .dyn: "dyn"
        case .null: "null"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .list(let element): "list(\(element.name))"
        case .map(let key, let value): "map(\(key.name), \(value.name))"
        case .optional(let wrapped): "optional_type(\(wrapped.name))"
        case .type: "type"
        case .object(let type): type.name
        case .named(let type): type.name
        case .opaque(let name): name
        case .unknown: "dyn"
        }
    }

    /// A list of anything.
    public static let anyList = CELType.list(.dyn)
    /// What the schema of a JSON object without a schema is.
    public static let anyMap = CELType.map(.string, .dyn)
}

extension CELType: CustomStringConvertible {
    public var description: String { name }
}

/// An object type that a caller describes: `kubernetes.AdmissionRequest`, or `Object.spec` in a mutation.
public struct CELObjectType: Hashable, Sendable {
    public let name: String
    /// The types of the fields; `nil` when every field exists and is `dyn`.
    public let fields: [String: CELType]?

    public init(_ name: String, fields: [String: CELType]?) {
        self.name = name
        self.fields = fields
    }

    func type(ofField name: String) -> CELType? { fields.map { $0[name] } ?? .dyn }

    // The name is the identity; comparing fields would make comparing types slow.
    public static func == (a: CELObjectType, b: CELObjectType) -> Bool { a.name == b.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
