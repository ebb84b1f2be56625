public import APIMachinery

extension CELType {
    /// The type of what a field holds.
    public init(_ field: FieldSchema) {
        switch field.kind {
        case .string:
            switch TextFormat(field) {
            case .dateTime, .date: self = .timestamp
            case .duration: self = .duration
            case .byte: self = .bytes
            case nil: self = .string
            }
        case .bool: self = .bool
        case .int32, .int64, .uint32, .uint64: self = .int
        case .float64: self = .double
        case .bytes: self = .bytes
        case .time, .microTime: self = .timestamp
        case .duration: self = .string
        case .quantity, .intOrString, .any, .json, .rawExtension, .fieldsV1, .union: self = .dyn
        case .object(let type): self = .object(type)
        case .list(let element): self = .list(CELType(element))
        case .map(let value): self = .map(.string, CELType(value))
        }
    }
}

/// The formats of a text that make another type of it.
enum TextFormat: Sendable {
    case dateTime, date, duration, byte

    init?(_ field: FieldSchema) {
        guard let format = field.constraintText("format") else { return nil }
        switch format {
        case "date-time", "datetime": self = .dateTime
        case "date": self = .date
        case "duration": self = .duration
        case "byte", "binary": self = .byte
        default: return nil
        }
    }
}
