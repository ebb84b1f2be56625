extension TypeSchema {
    /// Turns a parsed tree into an object of this type, in the form in which Go would write it again: unknown
    /// fields are dropped and their paths noted, values are checked and made canonical (quantities, times),
    /// zero values that Go leaves out are gone and those it always writes are there.
    ///
    /// Equal objects have equal trees afterwards, whatever was spelled differently.
    public func decode(
        _ value: Value, unknownFields: inout [String]
    ) throws(DecodingError) -> Value {
        var decoder = SchemaDecoder()
        let result = try decoder.decode(value, as: self)
        unknownFields += decoder.unknownFields
        return result
    }

    /// Decodes, and does not say what was dropped.
    public func decode(_ value: Value) throws(DecodingError) -> Value {
        var decoder = SchemaDecoder()
        return try decoder.decode(value, as: self)
    }

    /// The name in messages of Go programs: `v1.PodSpec`.
    var goName: String { name.split(separator: ".").suffix(2).joined(separator: ".") }
}

/// One walk down a tree.
struct SchemaDecoder {
    /// Unknown fields that are noted; no message names more. Each is written anew at every level above it, so a body
    /// made of nothing else would cost far more than its size.
    private static let notedFields = 100

    private(set) var unknownFields: [String] = []

    /// The fields of the tree and those of the type are in the same order, so one pass over both suffices.
    mutating func decode(_ value: Value, as type: TypeSchema) throws(DecodingError) -> Value {
        guard case .object(let given) = value else {
            throw DecodingError(found: value.goKind, goType: type.goName)
        }
        let known = type.fields
        var result: [Fields.Entry] = []
        result.reserveCapacity(given.count + 4)
        var position = 0
        for entry in given.entries {
            var order = 1
            while position < known.count {
                order = known[position].compareName(with: entry.key)
                guard order < 0 else { break }
                known[position].appendZero(to: &result)
                position += 1
            }
            guard position < known.count, order == 0 else {
                if type.flags.contains(.preservesUnknownFields) {
                    result.append(entry)
                } else if unknownFields.count < Self.notedFields {
                    unknownFields.append(entry.key)
                }
                continue
            }
            let field = known[position]
            position += 1
            let isNull = entry.value.isNull && !field.flags.contains(.nullable)
            if isNull {
                field.appendZero(to: &result)
                continue
            }
            let start = unknownFields.count
            do {
                let decoded = try decode(entry.value, as: field)
                if !field.omits(decoded) { result.append(Fields.Entry(key: entry.key, value: decoded)) }
            } catch { throw error.inside(entry.key, of: type) }
            prefixUnknownFields(from: start, with: entry.key + ".")
        }
        while position < known.count {
            known[position].appendZero(to: &result)
            position += 1
        }
        return .object(Fields(sorted: result))
    }

    private mutating func decode(_ value: Value, as field: FieldSchema) throws(DecodingError) -> Value {
        switch field.kind {
        case .object(let type): return value.isNull ? .null : try decode(value, as: type)
        case .union(let type): return try decodeUnion(value, as: type)
        case .list(let element):
            guard case .array(let given) = value else {
                if value.isNull { return .null }
                throw DecodingError(found: value.goKind, goType: field.goType)
            }
            var result: [Value] = []
            result.reserveCapacity(given.count)
            for (index, item) in given.enumerated() {
                let start = unknownFields.count
                result.append(try decodeItem(item, as: element))
                prefixUnknownFields(from: start, with: "[\(index)].")
            }
            return .array(result)
        case .map(let valueSchema):
            guard case .object(let given) = value else {
                if value.isNull { return .null }
                throw DecodingError(found: value.goKind, goType: field.goType)
            }
            var result: [Fields.Entry] = []
            result.reserveCapacity(given.count)
            for entry in given.entries {
                let start = unknownFields.count
                result.append(
                    Fields.Entry(key: entry.key, value: try decodeItem(entry.value, as: valueSchema)))
                prefixUnknownFields(from: start, with: entry.key + ".")
            }
            return .object(Fields(sorted: result))
        default: return value.isNull ? .null : try field.canonical(value)
        }
    }

    /// Null stands for the zero value where there is no "absent".
    private mutating func decodeItem(_ item: Value, as field: FieldSchema) throws(DecodingError) -> Value {
        guard item.isNull, !field.flags.contains(.nullable) else { return try decode(item, as: field) }
        return field.zero ?? .null
    }

    /// Chooses the member by what kind of JSON there is.
    private mutating func decodeUnion(_ value: Value, as type: TypeSchema) throws(DecodingError) -> Value {
        for member in type.fields {
            switch (member.kind, value) {
            case (.bool, .bool), (.string, .string): return value
            case (.object, .object), (.list, .array): return try decode(value, as: member)
            default: continue
            }
        }
        throw DecodingError(found: value.goKind, goType: type.goName)
    }

    /// `[0].` follows a list's name without a dot.
    private mutating func prefixUnknownFields(from start: Int, with prefix: String) {
        for index in start..<unknownFields.count {
            let path = unknownFields[index]
            let isIndex = path.utf8.first == UInt8(ascii: "[")
            unknownFields[index] = (isIndex ? String(prefix.dropLast()) : prefix) + path
        }
    }
}

// MARK: - Zero values

extension FieldSchema {
    /// Negative, zero or positive as the field comes before, is, or comes after `key` in byte order.
    @inline(__always)
    func compareName(with key: String) -> Int { table.compare(text: word(0), with: key) }

    /// The same of a key in UTF-8.
    @inline(__always)
    func compareName(with key: UnsafeRawBufferPointer) -> Int { table.compare(text: word(0), with: key) }

    /// Writes an absent field when Go always writes it: structs, and scalars without `omitempty`.
    func appendZero(to entries: inout [Fields.Entry]) {
        let flags = flags
        guard !flags.contains(.pointer), !flags.contains(.omitZero), !flags.contains(.nullable) else {
            return
        }
        switch kind {
        case .object, .quantity, .intOrString, .duration: break
        case .string, .bool, .int32, .int64, .float64:
            if flags.contains(.omitEmpty) { return }
        default: return
        }
        guard let zero else { return }
        entries.append(Fields.Entry(key: name, value: zero))
    }

    /// Whether Go leaves this value out.
    func omits(_ value: Value) -> Bool {
        let flags = flags
        guard flags.contains(.omitEmpty), !flags.contains(.pointer) else { return false }
        return switch value {
        case .null: true
        case .bool(let flag): !flag
        case .integer(let number): number == 0 && !isIntOrString
        case .double(let number): number == 0
        case .string(let text): text.isEmpty && !isIntOrString
        case .array(let elements): elements.isEmpty
        case .object(let fields): fields.isEmpty && isMap
        }
    }

    private var isMap: Bool { if case .map = kind { true } else { false } }
    private var isIntOrString: Bool { if case .intOrString = kind { true } else { false } }

    /// What Go writes for the zero value; `nil` for kinds where that is null.
    var zero: Value? {
        switch kind {
        case .string, .bytes: return ""
        case .bool: return false
        case .int32, .int64, .uint32, .uint64, .float64, .intOrString: return 0
        case .quantity: return "0"
        case .duration: return "0s"
        case .object(let type):
            var entries: [Fields.Entry] = []
            for field in type.fields { field.appendZero(to: &entries) }
            return .object(Fields(sorted: entries))
        default: return nil
        }
    }
}
