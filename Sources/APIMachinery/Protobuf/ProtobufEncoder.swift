import Support

/// One walk over canonical JSON, writing backwards. Texts go from the one to the other as they stand; nothing else of the
/// object is made in between.
struct ProtobufEncoder {
    private(set) var writer: ProtobufWriter
    private let json: UnsafeBufferPointer<UInt8>
    private let nodes: [JSONTape.Node]
    /// For each message and list that is being written, where its parts stand on the tape; -1 for a field that is absent.
    private var positions: [Int32] = []
    private var depth = 0

    /// The message that says what canonical JSON says, as it lies in memory while the encoder works.
    static func encode(
        _ json: UnsafeBufferPointer<UInt8>, as type: TypeSchema
    ) throws(ProtobufError) -> [UInt8] {
        guard let tape = JSONTape(json) else { throw .wrongValue(field: type.name, expected: "JSON", found: "a part") }
        var encoder = ProtobufEncoder(json, tape)
        guard encoder.node(0).isObject else {
            throw .wrongValue(field: type.name, expected: "an object", found: encoder.node(0).kindName)
        }
        try encoder.write(0, as: type)
        return encoder.writer.bytes
    }

    private init(_ json: UnsafeBufferPointer<UInt8>, _ tape: JSONTape) {
        self.json = json
        nodes = tape.nodes
        writer = ProtobufWriter(capacity: json.count + 64)
    }

    private func node(_ position: Int32) -> JSONNode {
        let node = nodes[Int(position)]
        return JSONNode(bytes: UnsafeBufferPointer(rebasing: json[Int(node.start)..<Int(node.end)]))
    }

    /// The node of a value; `nil` when it is absent.
    private func node(_ position: Int32?) -> JSONNode? { position.map { node($0) } }

    // MARK: - Messages

    /// Writes the fields of an object; those of one that is absent (`nil`) are zero.
    private mutating func write(_ object: Int32?, as type: TypeSchema) throws(ProtobufError) {
        depth += 1
        guard depth <= Protobuf.deepestNesting else { throw .tooDeep }
        let base = positions.count
        locate(object, in: type)
        defer {
            positions.removeSubrange(base...)
            depth -= 1
        }
        let first = type.fields.first
        for field in type.wireFields.reversed() {
            if case .object(let embedded) = field.kind, field.isInline {
                // An embedded struct holds fields of the same JSON object.
                try message(field.number) { (encoder) throws(ProtobufError) in
                    try encoder.write(object, as: embedded)
                }
                continue
            }
            let position = positions[base + field.index - first]
            do throws(ProtobufError) { try write(position < 0 ? nil : position, field) } catch {
                throw error.named(field.name)
            }
        }
    }

    /// Both the object's fields and the type's are ordered by name, so one pass over both finds them all.
    private mutating func locate(_ object: Int32?, in type: TypeSchema) {
        var key = object.map { $0 + 1 } ?? 0
        let end = object.map { nodes[Int($0)].next } ?? 0
        for field in type.fields {
            var found: Int32 = -1
            while key < end {
                let order = compareName(of: field, with: key)
                if order < 0 { break }
                if order == 0, !node(key + 1).isNull { found = key + 1 }
                key = nodes[Int(key + 1)].next
                if order == 0 { break }
            }
            positions.append(found)
        }
    }

    /// Negative, zero or positive as the field's name comes before, is, or comes after a key.
    private func compareName(of field: FieldSchema, with key: Int32) -> Int {
        let node = nodes[Int(key)]
        let text = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(json)[Int(node.start + 1)..<Int(node.end - 1)])
        return field.compareName(with: text)
    }

    // MARK: - Fields

    private mutating func write(_ value: Int32?, _ field: FieldSchema) throws(ProtobufError) {
        switch field.kind {
        case .list(let element): try writeList(value, of: element, field)
        case .map(let values):
            guard let value else { return }
            guard node(value).isObject else { throw .mismatch("an object", node(value)) }
            try forEachReversed(of: value, stride: 2) { (encoder, key) throws(ProtobufError) in
                try encoder.message(field.number) { (encoder) throws(ProtobufError) in
                    let value = encoder.node(key + 1).isNull ? nil : key + 1
                    try encoder.write(value, values.kind, 2, isWrapped: values.flags.contains(.wrappedList))
                    try encoder.write(key, .string, 1)
                }
            }
        case .any: return
        case .bytes where value == nil: return
        default:
            let isPointer = field.flags.contains(.pointer)
            if field.table.isProto3 {
                guard let value, isPointer || !node(value).isZeroScalar else { return }
                try write(value, field.kind, field.number)
            } else if value != nil || !isPointer {
                try write(value, field.kind, field.number)
            }
        }
    }

    private mutating func writeList(
        _ value: Int32?, of element: FieldSchema, _ field: FieldSchema
    ) throws(ProtobufError) {
        guard let value else { return }
        if field.flags.contains(.wrappedList) {
            return try write(value, field.kind, field.number, isWrapped: true)
        }
        guard node(value).isArray else { throw .mismatch("an array", node(value)) }
        if field.table.isProto3, element.kind.isNumber {
            guard nodes[Int(value)].next > value + 1 else { return }
            return try message(field.number) { (encoder) throws(ProtobufError) in
                try encoder.forEachReversed(of: value) { (encoder, item) throws(ProtobufError) in
                    try encoder.pack(encoder.node(item), element.kind)
                }
            }
        }
        try forEachReversed(of: value) { (encoder, item) throws(ProtobufError) in
            try encoder.write(encoder.node(item).isNull ? nil : item, element.kind, field.number)
        }
    }

    /// Calls `body` with the elements of a list, or the keys of an object (two nodes each), from the last to the first.
    private mutating func forEachReversed(
        of container: Int32, stride: Int = 1,
        _ body: (inout ProtobufEncoder, Int32) throws(ProtobufError) -> Void
    ) throws(ProtobufError) {
        let base = positions.count
        defer { positions.removeSubrange(base...) }
        let end = nodes[Int(container)].next
        var position = container + 1
        while position < end {
            positions.append(position)
            for _ in 0..<stride { position = nodes[Int(position)].next }
        }
        for index in (base..<positions.count).reversed() { try body(&self, positions[index]) }
    }

    /// Writes one field with its tag; `nil` is the zero value.
    private mutating func write(
        _ value: Int32?, _ kind: FieldKind, _ number: Int, isWrapped: Bool = false
    ) throws(ProtobufError) {
        let node = node(value)
        switch kind {
        case .string: try writeText(node, field: number)
        case .bool: writer.write(try node.flag() ? 1 : 0, field: number)
        case .int32, .int64, .uint64: writer.write(UInt64(bitPattern: try node.number(kind)), field: number)
        case .uint32: writer.write(UInt64(UInt32(truncatingIfNeeded: try node.number(kind))), field: number)
        case .float64: writer.write(fixed64: try node.double().bitPattern, field: number)
        case .bytes:
            guard let bytes = Base64.decode(try node.text()) else { throw .mismatch("Base64", node) }
            writer.write(bytes, field: number)
        case .any: return
        case .object(let type):
            if let node, !node.isObject { throw .mismatch("an object", node) }
            try message(number) { (encoder) throws(ProtobufError) in try encoder.write(value, as: type) }
        case .union(let type):
            try message(number) { (encoder) throws(ProtobufError) in try encoder.writeUnion(value, type) }
        case .list(let element):
            // Only a list that is a message of its own can stand where one value does.
            guard isWrapped else { throw .mismatch("no list of lists", node) }
            if let node, !node.isArray { throw .mismatch("an array", node) }
            try message(number) { (encoder) throws(ProtobufError) in
                guard let value else { return }
                try encoder.forEachReversed(of: value) { (encoder, item) throws(ProtobufError) in
                    try encoder.write(item, element.kind, 1)
                }
            }
        case .map: throw .mismatch("no map of maps", node)
        case .json, .time, .microTime, .duration, .quantity, .intOrString, .rawExtension, .fieldsV1:
            try message(number) { (encoder) throws(ProtobufError) in try encoder.writeSpecial(node, kind) }
        }
    }

    private mutating func writeText(_ node: JSONNode?, field number: Int) throws(ProtobufError) {
        if let text = node?.plainText {
            writer.write(text, field: number)
        } else {
            writer.write(try node.text(), field: number)
        }
    }

    private mutating func pack(_ item: JSONNode, _ kind: FieldKind) throws(ProtobufError) {
        let item = Optional(item)
        switch kind {
        case .bool: writer.prepend(varint: try item.flag() ? 1 : 0)
        case .uint32: writer.prepend(varint: UInt64(UInt32(truncatingIfNeeded: try item.number(kind))))
        case .float64: writer.prepend(fixed64: try item.double().bitPattern)
        default: writer.prepend(varint: UInt64(bitPattern: try item.number(kind)))
        }
    }

    // MARK: - Kinds with a form of their own

    private mutating func writeSpecial(_ node: JSONNode?, _ kind: FieldKind) throws(ProtobufError) {
        switch kind {
        case .time, .microTime:
            guard let node else { return }
            guard let time = node.text.flatMap({ Timestamp($0) }) else { throw .mismatch("a time", node) }
            // Whole seconds, and whole microseconds, as in JSON.
            let isMicro = if case .microTime = kind { true } else { false }
            let nanoseconds = isMicro ? time.nanoseconds / 1000 * 1000 : 0
            writer.write(UInt64(bitPattern: Int64(nanoseconds)), field: 2)
            writer.write(UInt64(bitPattern: time.seconds), field: 1)
        case .duration:
            // Why it does not parse is plain from the value, which the error shows; so below.
            guard let nanoseconds = node == nil ? 0 : try? GoDuration.nanoseconds(node.text()) else {
                throw .mismatch("a duration", node)
            }
            writer.write(UInt64(bitPattern: nanoseconds), field: 1)
        case .quantity:
            if let node, node.isText { return try writeText(node, field: 1) }
            guard let quantity = try? Quantity(json: node?.value ?? .null) else { throw .mismatch("a quantity", node) }
            writer.write(quantity.description, field: 1)
        case .intOrString:
            let isText = node?.isText ?? false
            try writeText(isText ? node : nil, field: 3)
            writer.write(UInt64(bitPattern: isText ? 0 : try node.number(.int32)), field: 2)
            writer.write(isText ? 1 : 0, field: 1)
        default:
            // Arbitrary JSON travels as its text.
            if let node { writer.write(node.bytes, field: 1) }
        }
    }

    /// The JSON is one member's value. A schema in place of a Boolean also says true, as Go's decoder has it.
    private mutating func writeUnion(_ value: Int32?, _ type: TypeSchema) throws(ProtobufError) {
        let node = node(value)
        var isWritten = node == nil
        for field in type.wireFields.reversed() {
            switch field.kind {
            case .object where node?.isObject == true, .list where node?.isArray == true,
                .string where node?.isText == true:
                try write(value, field)
                isWritten = true
            case .bool where node?.isArray != true:
                writer.write(node != nil && node?.flag != false ? 1 : 0, field: field.number)
                if node?.flag != nil { isWritten = true }
            default: continue
            }
        }
        guard isWritten else { throw .mismatch("one of the members of \(type.name)", node) }
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

// MARK: - What a value says

extension JSONNode {
    /// Whether proto3 leaves the value out.
    fileprivate var isZeroScalar: Bool {
        if isText { return bytes.count == 2 }
        if let flag { return !flag }
        guard !isObject, !isArray, !isNull else { return false }
        switch value {
        case .integer(let number): return number == 0
        case .double(let number): return number.bitPattern == 0
        default: return false
        }
    }
}

extension JSONNode? {
    fileprivate func text() throws(ProtobufError) -> String {
        guard let node = self, !node.isNull else { return "" }
        guard let text = node.text else { throw .mismatch("a string", self) }
        return text
    }

    fileprivate func flag() throws(ProtobufError) -> Bool {
        guard let node = self, !node.isNull else { return false }
        guard let flag = node.flag else { throw .mismatch("a Boolean", self) }
        return flag
    }

    fileprivate func double() throws(ProtobufError) -> Double {
        guard let node = self, !node.isNull else { return 0 }
        switch node.value {
        case .double(let number): return number
        case .integer(let number): return Double(number)
        default: throw .mismatch("a number", self)
        }
    }

    fileprivate func number(_ kind: FieldKind) throws(ProtobufError) -> Int64 {
        guard let node = self, !node.isNull else { return 0 }
        guard let number = node.shortInteger ?? node.value?.integer else { throw .mismatch("a whole number", self) }
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
    fileprivate static func mismatch(_ expected: String, _ found: JSONNode?) -> ProtobufError {
        .wrongValue(field: "", expected: expected, found: found?.kindName ?? "absent")
    }

    /// Puts the name of a field before the path of the value at fault.
    fileprivate func named(_ name: String) -> ProtobufError {
        guard case .wrongValue(let field, let expected, let found) = self else { return self }
        return .wrongValue(field: field.isEmpty ? name : name + "." + field, expected: expected, found: found)
    }
}
