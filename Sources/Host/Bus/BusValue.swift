/// A value of D-Bus' type system (D-Bus Specification, "Type System").
public indirect enum BusValue: Hashable, Sendable {
    case byte(UInt8)
    case boolean(Bool)
    case int16(Int16)
    case uint16(UInt16)
    case int32(Int32)
    case uint32(UInt32)
    case int64(Int64)
    case uint64(UInt64)
    case double(Double)
    case string(String)
    case path(String)
    case signature(String)
    /// The place of a descriptor among those that came with the message.
    case descriptor(UInt32)
    /// With the signature of its items.
    case array(of: String, [BusValue])
    case structure([BusValue])
    /// Key and value, in an array that is a dictionary.
    case entry(BusValue, BusValue)
    case variant(BusValue)

    /// The type, as signatures write it.
    public var signature: String {
        switch self {
        case .byte: "y"
        case .boolean: "b"
        case .int16: "n"
        case .uint16: "q"
        case .int32: "i"
        case .uint32: "u"
        case .int64: "x"
        case .uint64: "t"
        case .double: "d"
        case .string: "s"
        case .path: "o"
        case .signature: "g"
        case .descriptor: "h"
        case .array(let item, _): "a" + item
        case .structure(let fields): "(" + fields.map(\.signature).joined() + ")"
        case .entry(let key, let value): "{" + key.signature + value.signature + "}"
        case .variant: "v"
        }
    }
}
