import Support

extension FieldSchema {
    /// Checks a scalar and gives it the one form that equal values have.
    func canonical(_ value: Value) throws(DecodingError) -> Value {
        switch kind {
        case .string:
            guard case .string = value else { throw mismatch(value) }
            return value
        case .bool:
            guard case .bool = value else { throw mismatch(value) }
            return value
        case .int32: return try integer(value, Int64(Int32.min)...Int64(Int32.max))
        case .int64: return try integer(value, Int64.min...Int64.max)
        case .uint32: return try integer(value, 0...Int64(UInt32.max))
        case .uint64: return try integer(value, 0...Int64.max)
        case .float64:
            switch value {
            case .integer, .double: return value
            default: throw mismatch(value)
            }
        case .bytes: return try base64(value)
        case .time, .microTime: return try time(value)
        case .duration: return try duration(value)
        case .quantity: return try quantity(value)
        case .intOrString:
            switch value {
            case .string: return value
            default: return try integer(value, Int64(Int32.min)...Int64(Int32.max))
            }
        case .any, .json, .rawExtension, .fieldsV1, .object, .union, .list, .map: return value
        }
    }

    private func mismatch(_ value: Value) -> DecodingError {
        DecodingError(found: value.goKind, goType: goType)
    }

    private func integer(_ value: Value, _ range: ClosedRange<Int64>) throws(DecodingError) -> Value {
        switch value {
        case .integer(let number) where range.contains(number): return value
        case .integer, .double: throw DecodingError(found: "number \(value)", goType: goType)
        default: throw mismatch(value)
        }
    }

    private func base64(_ value: Value) throws(DecodingError) -> Value {
        guard case .string(let text) = value else { throw mismatch(value) }
        guard let bytes = Base64.decode(text) else {
            let position =
                text.utf8.enumerated().first { !$0.element.isBase64 }?.offset ?? text.utf8.count / 4 * 4
            throw DecodingError("illegal base64 data at input byte \(position)")
        }
        return .string(Base64.encode(bytes))
    }

    private func time(_ value: Value) throws(DecodingError) -> Value {
        guard case .string(let text) = value else { throw mismatch(value) }
        let isMicro = if case .microTime = kind { true } else { false }
        guard let time = Timestamp(text) else {
            let layout = isMicro ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00"
            throw DecodingError(
                "parsing time \(GoText.quoted(text)) as \"\(layout)\": cannot parse \(GoText.quoted(text)) as \"2006\""
            )
        }
        return .string(isMicro ? time.microseconds : time.description)
    }

    private func duration(_ value: Value) throws(DecodingError) -> Value {
        guard case .string(let text) = value else { throw mismatch(value) }
        do { return .string(GoDuration.format(nanoseconds: try GoDuration.nanoseconds(text))) } catch {
            throw DecodingError(error.description)
        }
    }

    private func quantity(_ value: Value) throws(DecodingError) -> Value {
        do { return try Quantity(json: value).json } catch { throw DecodingError(error.description) }
    }

    /// The type in messages of Go programs.
    var goType: String {
        switch kind {
        case .string, .duration: "string"
        case .bool: "bool"
        case .int32, .intOrString: "int32"
        case .int64: "int64"
        case .uint32: "uint32"
        case .uint64: "uint64"
        case .float64: "float64"
        case .bytes: "[]uint8"
        case .any, .json, .rawExtension, .fieldsV1: "interface {}"
        case .time: "v1.Time"
        case .microTime: "v1.MicroTime"
        case .quantity: "resource.Quantity"
        case .object(let type), .union(let type): type.goName
        case .list(let element): "[]" + element.goType
        case .map(let value): "map[string]" + value.goType
        }
    }
}

extension Value {
    /// What Go's decoder calls this kind of JSON.
    var goKind: String { kindName }
}

extension UInt8 {
    fileprivate var isBase64: Bool {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="):
            true
        default: false
        }
    }
}
