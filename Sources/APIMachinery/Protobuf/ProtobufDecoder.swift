import Support

/// One walk down a message.
struct ProtobufDecoder {
    private var depth = 0

    /// What was read of a field so far.
    private enum Slot {
        case empty
        case value(Value)
        case list([Value])
        case map([Fields.Entry])
    }

    /// The fields of a message. Those that are absent get the value that Go writes for them, if it writes one.
    mutating func decode(_ message: ProtobufReader, as type: TypeSchema) throws(ProtobufError) -> Fields {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Protobuf.deepestNesting else { throw .tooDeep }
        let known = type.fields
        var slots = Array(repeating: Slot.empty, count: known.count)
        var reader = message
        while let (number, wireType) = try reader.nextField() {
            guard let field = type.field(number: number) else {
                try reader.skip(wireType)
                continue
            }
            if field.isInline {
                try decodeInline(try reader.content(of: field, wireType), field, known, &slots)
            } else {
                try decode(&reader, wireType, field, into: &slots[field.index - known.first])
            }
        }
        return assemble(slots, known, isProto3: type.table.isProto3)
    }

    /// An embedded struct's message holds fields of the object around it.
    private mutating func decodeInline(
        _ message: ProtobufReader, _ field: FieldSchema, _ known: FieldList, _ slots: inout [Slot]
    ) throws(ProtobufError) {
        guard case .object(let embedded) = field.kind else { return }
        let fields = try decode(message, as: embedded)
        var position = 0
        for entry in fields.entries {
            while position < known.count, known[position].compareName(with: entry.key) < 0 { position += 1 }
            guard position < known.count, known[position].compareName(with: entry.key) == 0 else { continue }
            slots[position] = .value(entry.value)
        }
    }

    private func assemble(_ slots: [Slot], _ known: FieldList, isProto3: Bool) -> Fields {
        var entries: [Fields.Entry] = []
        for (field, slot) in zip(known, slots) {
            let value: Value
            switch slot {
            case .empty:
                if !isProto3 { field.appendZero(to: &entries) }
                continue
            case .value(let single): value = single
            case .list(let elements): value = .array(elements)
            case .map(let pairs): value = .object(Fields(unsorted: pairs))
            }
            if case .null = value { continue }
            if !isProto3 {
                if field.omits(value) { continue }
                // Structs travel even when they are zero; those that JSON leaves out then are left out.
                if field.flags.contains(.omitZero), !field.flags.contains(.pointer), value == field.zero {
                    continue
                }
            }
            entries.append(Fields.Entry(key: field.name, value: value))
        }
        return Fields(unsorted: entries)
    }

    // MARK: - Fields

    private mutating func decode(
        _ reader: inout ProtobufReader, _ wireType: ProtobufReader.WireType, _ field: FieldSchema,
        into slot: inout Slot
    ) throws(ProtobufError) {
        switch field.kind {
        case .list(let element) where field.flags.contains(.wrappedList):
            slot = .value(try decodeWrapped(try reader.content(of: field, wireType), element, field))
        case .list(let element):
            var elements: [Value] = []
            // Takes the elements out, so that they are appended to in place.
            if case .list(let present) = slot { elements = present }
            slot = .empty
            if wireType == .lengthDelimited, element.kind.isNumber {
                var packed = try reader.content()
                let single = element.kind.wireType
                while !packed.isAtEnd { elements.append(try decode(&packed, single, element.kind, field)) }
            } else {
                elements.append(try decode(&reader, wireType, element.kind, field))
            }
            slot = .list(elements)
        case .map(let values):
            var entries: [Fields.Entry] = []
            if case .map(let present) = slot { entries = present }
            slot = .empty
            entries.append(try decodeEntry(try reader.content(of: field, wireType), values, field))
            slot = .map(entries)
        default: slot = .value(try decode(&reader, wireType, field.kind, field))
        }
    }

    private mutating func decodeEntry(
        _ message: ProtobufReader, _ values: FieldSchema, _ field: FieldSchema
    ) throws(ProtobufError) -> Fields.Entry {
        let isList = if case .list = values.kind { true } else { false }
        var entry = Fields.Entry(key: "", value: isList ? .array([]) : values.zero ?? .null)
        var reader = message
        while let (number, wireType) = try reader.nextField() {
            switch number {
            case 1: entry.key = try reader.content(of: field, wireType).text
            case 2:
                if case .list(let element) = values.kind, values.flags.contains(.wrappedList) {
                    entry.value = try decodeWrapped(try reader.content(of: field, wireType), element, field)
                } else {
                    entry.value = try decode(&reader, wireType, values.kind, field)
                }
            default: try reader.skip(wireType)
            }
        }
        return entry
    }

    private mutating func decodeWrapped(
        _ message: ProtobufReader, _ element: FieldSchema, _ field: FieldSchema
    ) throws(ProtobufError) -> Value {
        var elements: [Value] = []
        var reader = message
        while let (number, wireType) = try reader.nextField() {
            if number == 1 {
                elements.append(try decode(&reader, wireType, element.kind, field))
            } else {
                try reader.skip(wireType)
            }
        }
        return .array(elements)
    }

    /// One value of a field or of a list's element.
    private mutating func decode(
        _ reader: inout ProtobufReader, _ wireType: ProtobufReader.WireType, _ kind: FieldKind,
        _ field: FieldSchema
    ) throws(ProtobufError) -> Value {
        guard wireType == kind.wireType else {
            throw .wrongWireType(field: field.name, found: wireType.rawValue)
        }
        switch kind {
        case .bool: return .bool(try reader.varint() != 0)
        case .int32: return .integer(Int64(Int32(truncatingIfNeeded: try reader.varint())))
        case .uint32: return .integer(Int64(UInt32(truncatingIfNeeded: try reader.varint())))
        case .int64, .uint64: return .integer(Int64(bitPattern: try reader.varint()))
        case .float64: return try Value(number: Double(bitPattern: try reader.fixed64()), field)
        case .string: return .string(try reader.content().text)
        case .bytes: return .string(Base64.encode(try reader.content().rest))
        case .any, .list, .map:
            try reader.skip(wireType)
            return .null
        case .object(let type): return .object(try decode(try reader.content(), as: type))
        case .union(let type): return try decodeUnion(try reader.content(), type)
        case .json, .time, .microTime, .duration, .quantity, .intOrString, .rawExtension, .fieldsV1:
            return try decodeSpecial(try reader.content(), kind, field)
        }
    }

    /// The member that says most: an object, then a list, then a scalar.
    private mutating func decodeUnion(_ message: ProtobufReader, _ type: TypeSchema) throws(ProtobufError)
        -> Value
    {
        let members = try decode(message, as: type).entries
        func rank(_ value: Value) -> Int {
            switch value {
            case .object: 2
            case .array: 1
            default: 0
            }
        }
        return members.max { rank($0.value) < rank($1.value) }?.value ?? .null
    }

    // MARK: - Kinds with a form of their own

    private func decodeSpecial(
        _ message: ProtobufReader, _ kind: FieldKind, _ field: FieldSchema
    ) throws(ProtobufError) -> Value {
        let isEmpty = message.isAtEnd
        var parts = SpecialParts()
        try parts.read(message)
        switch kind {
        case .time, .microTime:
            if isEmpty { return .null }
            let isMicro = if case .microTime = kind { true } else { false }
            let range = Timestamp.writableSeconds
            guard range.contains(parts.first), (0..<1_000_000_000).contains(parts.second) else {
                throw .malformed("time out of range in \(field.name)")
            }
            let time = Timestamp(seconds: parts.first, nanoseconds: isMicro ? Int32(parts.second) : 0)
            return .string(isMicro ? time.microseconds : time.description)
        case .duration: return .string(GoDuration.format(nanoseconds: parts.first))
        case .quantity:
            guard let text = parts.firstContent?.text, !text.isEmpty else { return "0" }
            do { return try Quantity(text).json } catch { throw .malformed("\(error) in \(field.name)") }
        case .intOrString:
            if parts.first == 1 { return .string(parts.third?.text ?? "") }
            return .integer(Int64(Int32(truncatingIfNeeded: parts.second)))
        default:
            guard let json = parts.firstContent, !json.isAtEnd else { return .null }
            do { return try Value(json: Array(json.rest)) } catch {
                throw .malformed("\(error) in \(field.name)")
            }
        }
    }

    /// The fields 1 to 3 of such a message, whatever they are.
    private struct SpecialParts {
        var first: Int64 = 0
        var second: Int64 = 0
        var firstContent: ProtobufReader?
        var third: ProtobufReader?

        mutating func read(_ message: ProtobufReader) throws(ProtobufError) {
            var reader = message
            while let (number, wireType) = try reader.nextField() {
                switch (number, wireType) {
                case (1, .varint): first = Int64(bitPattern: try reader.varint())
                case (2, .varint): second = Int64(bitPattern: try reader.varint())
                case (1, .lengthDelimited): firstContent = try reader.content()
                case (3, .lengthDelimited): third = try reader.content()
                default: try reader.skip(wireType)
                }
            }
        }
    }
}

extension FieldKind {
    /// The layout of one value.
    fileprivate var wireType: ProtobufReader.WireType {
        switch self {
        case .bool, .int32, .int64, .uint32, .uint64: .varint
        case .float64: .fixed64
        default: .lengthDelimited
        }
    }
}

extension ProtobufReader {
    /// The content of a field that must be length-delimited.
    fileprivate mutating func content(
        of field: FieldSchema, _ wireType: WireType
    ) throws(ProtobufError) -> ProtobufReader {
        guard wireType == .lengthDelimited else {
            throw .wrongWireType(field: field.name, found: wireType.rawValue)
        }
        return try content()
    }
}

extension Timestamp {
    /// The years 0 to 9999: RFC 3339 has four digits.
    fileprivate static let writableSeconds = Int64(-62_167_219_200)...253_402_300_799
}

extension Value {
    /// A number as JSON has it: whole ones without a fraction.
    fileprivate init(number: Double, _ field: FieldSchema) throws(ProtobufError) {
        guard number.isFinite else { throw .malformed("JSON has no number \(number), in \(field.name)") }
        self = Int64(exactly: number).map(Value.integer) ?? .double(number)
    }
}
