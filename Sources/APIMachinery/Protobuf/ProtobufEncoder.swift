import Support

/// One walk down a tree, writing backwards.
struct ProtobufEncoder {
    var writer = ProtobufWriter()
    /// For each message that is being written, where its fields stand in the tree: positions of entries, or -1.
    private var positions: [Int32] = []
    private var depth = 0

    mutating func write(_ object: Value, as type: TypeSchema) throws(ProtobufError) {
        guard case .object(let fields) = object else {
            throw .wrongValue(field: type.name, expected: "an object", found: object.kindName)
        }
        try write(fields, as: type)
    }

    private mutating func write(_ fields: Fields, as type: TypeSchema) throws(ProtobufError) {
        depth += 1
        guard depth <= Protobuf.deepestNesting else { throw .tooDeep }
        let base = positions.count
        locate(fields, in: type)
        defer {
            positions.removeSubrange(base...)
            depth -= 1
        }
        let first = type.fields.first
        for field in type.wireFields.reversed() {
            if case .object(let embedded) = field.kind, field.isInline {
                // An embedded struct holds fields of the same JSON object.
                try message(field.number) { (encoder) throws(ProtobufError) in
                    try encoder.write(fields, as: embedded)
                }
                continue
            }
            let position = positions[base + field.index - first]
            let value: Value? = position < 0 ? nil : fields.entries[Int(position)].value
            do throws(ProtobufError) { try write(value, field) } catch { throw error.named(field.name) }
        }
    }

    /// Both the tree's fields and the type's are ordered by name, so one pass over both finds them all.
    private mutating func locate(_ fields: Fields, in type: TypeSchema) {
        let known = type.fields
        var position = 0
        for field in known {
            var found: Int32 = -1
            while position < fields.entries.count {
                let order = field.compareName(with: fields.entries[position].key)
                if order < 0 { break }
                if order == 0, !fields.entries[position].value.isNullCase { found = Int32(position) }
                position += 1
                if order == 0 { break }
            }
            positions.append(found)
        }
    }

    // MARK: - Fields

    private mutating func write(_ value: Value?, _ field: FieldSchema) throws(ProtobufError) {
        switch field.kind {
        case .list(let element): try writeList(value, of: element, field)
        case .map(let values):
            guard let value else { return }
            guard case .object(let entries) = value else { throw .mismatch("an object", value) }
            for entry in entries.entries.reversed() {
                try message(field.number) { (encoder) throws(ProtobufError) in
                    let value = entry.value.isNullCase ? nil : entry.value
                    try encoder.write(value, values.kind, 2, isWrapped: values.flags.contains(.wrappedList))
                    encoder.writer.write(entry.key, field: 1)
                }
            }
        case .any: return
        case .bytes where value == nil: return
        default:
            let isPointer = field.flags.contains(.pointer)
            if field.table.isProto3 {
                guard let value, isPointer || !value.isZeroScalar else { return }
                try write(value, field.kind, field.number)
            } else if value != nil || !isPointer {
                try write(value, field.kind, field.number)
            }
        }
    }

    private mutating func writeList(
        _ value: Value?, of element: FieldSchema, _ field: FieldSchema
    ) throws(ProtobufError) {
        guard let value else { return }
        if field.flags.contains(.wrappedList) {
            try write(value, field.kind, field.number, isWrapped: true)
            return
        }
        guard case .array(let elements) = value else { throw .mismatch("an array", value) }
        if field.table.isProto3, element.kind.isNumber {
            guard !elements.isEmpty else { return }
            try message(field.number) { (encoder) throws(ProtobufError) in
                for element in elements.reversed() { try encoder.pack(element, field.kind) }
            }
            return
        }
        for item in elements.reversed() {
            try write(item.isNullCase ? nil : item, element.kind, field.number)
        }
    }

    /// Writes one field with its tag; `nil` is the zero value.
    private mutating func write(
        _ value: Value?, _ kind: FieldKind, _ number: Int, isWrapped: Bool = false
    ) throws(ProtobufError) {
        switch kind {
        case .string: writer.write(try value.text(), field: number)
        case .bool: writer.write(try value.flag() ? 1 : 0, field: number)
        case .int32, .int64, .uint64: writer.write(UInt64(bitPattern: try value.number(kind)), field: number)
        case .uint32: writer.write(UInt64(UInt32(truncatingIfNeeded: try value.number(kind))), field: number)
        case .float64: writer.write(fixed64: try value.double().bitPattern, field: number)
        case .bytes:
            guard let bytes = Base64.decode(try value.text()) else { throw .mismatch("Base64", value) }
            writer.write(bytes, field: number)
        case .any: return
        case .object(let type):
            try message(number) { (encoder) throws(ProtobufError) in
                try encoder.write(value ?? .emptyObject, as: type)
            }
        case .union(let type):
            try message(number) { (encoder) throws(ProtobufError) in try encoder.writeUnion(value, type) }
        case .list(let element):
            // Only a list that is a message of its own can stand where one value does.
            guard isWrapped else { throw .mismatch("no list of lists", value) }
            guard case .array(let elements)? = value ?? .array([]) else { throw .mismatch("an array", value) }
            try message(number) { (encoder) throws(ProtobufError) in
                for item in elements.reversed() { try encoder.write(item, element.kind, 1) }
            }
        case .map: throw .mismatch("no map of maps", value)
        case .json, .time, .microTime, .duration, .quantity, .intOrString, .rawExtension, .fieldsV1:
            try message(number) { (encoder) throws(ProtobufError) in try encoder.writeSpecial(value, kind) }
        }
    }

    private mutating func pack(_ value: Value, _ list: FieldKind) throws(ProtobufError) {
        guard case .list(let element) = list else { return }
        switch element.kind {
        case .bool: writer.prepend(varint: try Optional(value).flag() ? 1 : 0)
        case .uint32:
            writer.prepend(
                varint: UInt64(UInt32(truncatingIfNeeded: try Optional(value).number(element.kind))))
        case .float64: writer.prepend(fixed64: try Optional(value).double().bitPattern)
        default: writer.prepend(varint: UInt64(bitPattern: try Optional(value).number(element.kind)))
        }
    }

    // MARK: - Kinds with a form of their own

    private mutating func writeSpecial(_ value: Value?, _ kind: FieldKind) throws(ProtobufError) {
        switch kind {
        case .time, .microTime:
            guard let value else { return }
            guard let time = value.string.flatMap({ Timestamp($0) }) else { throw .mismatch("a time", value) }
            // Whole seconds, and whole microseconds, as in JSON.
            let isMicro = if case .microTime = kind { true } else { false }
            let nanoseconds = isMicro ? time.nanoseconds / 1000 * 1000 : 0
            writer.write(UInt64(bitPattern: Int64(nanoseconds)), field: 2)
            writer.write(UInt64(bitPattern: time.seconds), field: 1)
        case .duration:
            // Why it does not parse is plain from the value, which the error shows; so below.
            guard let nanoseconds = value == nil ? 0 : try? GoDuration.nanoseconds(value.text()) else {
                throw .mismatch("a duration", value)
            }
            writer.write(UInt64(bitPattern: nanoseconds), field: 1)
        case .quantity:
            switch value {
            case .string(let text)?: writer.write(text, field: 1)
            default:
                guard let quantity = try? Quantity(json: value ?? .null) else {
                    throw .mismatch("a quantity", value)
                }
                writer.write(quantity.description, field: 1)
            }
        case .intOrString:
            let text = value?.string
            writer.write(text ?? "", field: 3)
            writer.write(UInt64(bitPattern: text == nil ? try value.number(.int32) : 0), field: 2)
            writer.write(text == nil ? 0 : 1, field: 1)
        default:
            // Arbitrary JSON travels as its text.
            if let value { writer.write(value.json, field: 1) }
        }
    }

    /// The JSON is one member's value. A schema in place of a Boolean also says true, as Go's decoder has it.
    private mutating func writeUnion(_ value: Value?, _ type: TypeSchema) throws(ProtobufError) {
        var isWritten = value == nil
        for field in type.wireFields.reversed() {
            switch (field.kind, value) {
            case (.object, .object?), (.list, .array?), (.string, .string?):
                try write(value, field)
                isWritten = true
            case (.bool, _):
                var isTrue = true
                if case .bool(let flag)? = value { isTrue = flag }
                if case .array? = value { continue }
                writer.write(isTrue && value != nil ? 1 : 0, field: field.number)
                if case .bool? = value { isWritten = true }
            default: continue
            }
        }
        guard isWritten else { throw .mismatch("one of the members of \(type.name)", value) }
    }

    private mutating func message(
        _ number: Int, _ body: (inout ProtobufEncoder) throws(ProtobufError) -> Void
    ) throws(ProtobufError) {
        let before = writer.count
        try body(&self)
        writer.prepend(varint: UInt64(writer.count - before))
        writer.prepend(tag: number, .lengthDelimited)
    }
}

// MARK: - What a tree holds

extension Value {
    /// Cheaper than a comparison with `.null`.
    var isNullCase: Bool { if case .null = self { true } else { false } }

    /// Whether proto3 leaves the value out.
    fileprivate var isZeroScalar: Bool {
        switch self {
        case .bool(let flag): !flag
        case .integer(let number): number == 0
        case .double(let number): number.bitPattern == 0
        case .string(let text): text.isEmpty
        case .null, .array, .object: false
        }
    }
}

extension Value? {
    fileprivate func text() throws(ProtobufError) -> String {
        switch self {
        case .string(let text)?: return text
        case nil, .null?: return ""
        default: throw .mismatch("a string", self)
        }
    }

    fileprivate func flag() throws(ProtobufError) -> Bool {
        switch self {
        case .bool(let flag)?: return flag
        case nil, .null?: return false
        default: throw .mismatch("a Boolean", self)
        }
    }

    fileprivate func double() throws(ProtobufError) -> Double {
        switch self {
        case .double(let number)?: return number
        case .integer(let number)?: return Double(number)
        case nil, .null?: return 0
        default: throw .mismatch("a number", self)
        }
    }

    fileprivate func number(_ kind: FieldKind) throws(ProtobufError) -> Int64 {
        guard let value = self, !value.isNullCase else { return 0 }
        guard let number = value.integer else { throw .mismatch("a whole number", self) }
        switch kind {
        case .int32 where Int32(exactly: number) == nil, .uint32 where UInt32(exactly: number) == nil:
            throw .mismatch("a number of 32 bits", self)
        default: return number
        }
    }
}

extension FieldKind {
    /// Whether elements of this kind are packed in proto3.
    var isNumber: Bool {
        switch self {
        case .bool, .int32, .int64, .uint32, .uint64, .float64: true
        default: false
        }
    }
}

extension ProtobufError {
    fileprivate static func mismatch(_ expected: String, _ found: Value?) -> ProtobufError {
        .wrongValue(field: "", expected: expected, found: found?.kindName ?? "absent")
    }

    /// Puts the name of a field before the path of the value at fault.
    fileprivate func named(_ name: String) -> ProtobufError {
        guard case .wrongValue(let field, let expected, let found) = self else { return self }
        return .wrongValue(field: field.isEmpty ? name : name + "." + field, expected: expected, found: found)
    }
}
