public import Support

/// What an expression evaluates to, and what its variables hold.
///
/// Trees of objects are not copied: lists, maps and objects hold the tree and turn into `CELValue` what is looked at.
public enum CELValue: Sendable {
    // Large ones are boxed, so that passing a number costs little.
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    /// Between the years 1 and 9999.
    case timestamp(Timestamp)
    /// In nanoseconds, as Go counts.
    case duration(Int64)
    indirect case list(CELList)
    indirect case map(CELMap)
    indirect case object(CELObject)
    case optional(CELOptional)
    /// The name of a type.
    case type(String)
    indirect case opaque(any CELOpaque)

    /// The name of its type, as `type(x)` prints it.
    public var typeName: String {
        switch self {
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .list: "list"
        case .map: "map"
        case .object(let object): object.typeName
        case .optional: "optional_type"
        case .type: "type"
        case .opaque(let value): value.typeName
        }
    }

    public var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    public var string: String? { if case .string(let text) = self { text } else { nil } }
}

/// A value of a library that only functions can look into.
public protocol CELOpaque: Sendable {
    /// Such as `kubernetes.URL`.
    var typeName: String { get }
    /// What `==` says.
    func isEqual(to other: any CELOpaque) -> Bool
    /// Its length as costs count it.
    var size: Int { get }
}

extension CELOpaque {
    public var size: Int { 1 }
}

extension CELOpaque where Self: Equatable {
    public func isEqual(to other: any CELOpaque) -> Bool { (other as? Self) == self }
}

/// A value that may be missing: `optional.of(x)`, `a.?b`.
public struct CELOptional: Sendable {
    private let content: [CELValue]

    public init(_ value: CELValue?) { content = value.map { [$0] } ?? [] }

    public static let none = CELOptional(nil)
    public var value: CELValue? { content.first }
}

extension CELValue {
    static func made(_ values: [CELValue]) -> CELValue { .list(CELList(values)) }
    static func texts(_ texts: [String]) -> CELValue { .list(CELList(texts.map(CELValue.string))) }
}
