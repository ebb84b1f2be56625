/// One field of a type, or the element of a list, or the value of a map (those two have no name and no
/// number).
public struct FieldSchema: Sendable {
    public let table: SchemaTable
    let index: Int

    /// The name in JSON; empty for elements, map values and inline entries.
    public var name: String { table.text(word(0)) }

    /// The UTF-8 bytes of ``name``; they live as long as the table.
    public var nameBytes: UnsafeRawBufferPointer { table.bytes(ofText: word(0)) }

    /// The protobuf number; 0 when the field does not travel in protobuf by itself.
    public var number: Int { Int(word(8)) }

    public var flags: Flags { Flags(rawValue: word(12)) }

    /// What the field holds.
    public var kind: FieldKind {
        let word = word(4)
        let argument = Int(word >> 8)
        return switch FieldKind.Tag(rawValue: UInt8(truncatingIfNeeded: word)) {
        case .string: .string
        case .bool: .bool
        case .int32: .int32
        case .int64: .int64
        case .uint32: .uint32
        case .uint64: .uint64
        case .float64: .float64
        case .bytes: .bytes
        case .any: .any
        case .json: .json
        case .time: .time
        case .microTime: .microTime
        case .duration: .duration
        case .quantity: .quantity
        case .intOrString: .intOrString
        case .rawExtension: .rawExtension
        case .fieldsV1: .fieldsV1
        case .object: .object(TypeSchema(table: table, index: argument))
        case .union: .union(TypeSchema(table: table, index: argument))
        case .list: .list(FieldSchema(table: table, index: argument))
        case .map: .map(FieldSchema(table: table, index: argument))
        case nil: .any
        }
    }

    /// The facts about a field that are yes or no.
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// OpenAPI and validation demand it.
        public static let required = Flags(rawValue: 1 << 0)
        /// Go leaves the zero value out of JSON.
        public static let omitEmpty = Flags(rawValue: 1 << 1)
        /// Go leaves the zero struct out of JSON.
        public static let omitZero = Flags(rawValue: 1 << 2)
        /// Unset differs from zero. In protobuf it is written when it is set; without it, always (proto2) or
        /// when it is not zero (proto3).
        public static let pointer = Flags(rawValue: 1 << 3)
        /// A strategic merge patch merges the list by ``FieldSchema/patchMergeKey`` (or as a set of scalars).
        public static let patchMerge = Flags(rawValue: 1 << 4)
        /// A strategic merge patch replaces the object, although it is one.
        public static let patchReplace = Flags(rawValue: 1 << 5)
        /// A strategic merge patch that says `$retainKeys` drops the keys it does not list.
        public static let patchRetainKeys = Flags(rawValue: 1 << 6)
        /// Server-side apply: this list is one value.
        public static let atomicList = Flags(rawValue: 1 << 7)
        /// Server-side apply: this list of scalars has each value once, each with its own owner.
        public static let setList = Flags(rawValue: 1 << 8)
        /// Server-side apply: this list's elements are known by ``FieldSchema/listMapKeys``.
        public static let mapList = Flags(rawValue: 1 << 9)
        /// Server-side apply: this map or object is one value.
        public static let atomicMap = Flags(rawValue: 1 << 10)
        /// Server-side apply: each field of this object has its own owner, although its type says
        /// ``TypeSchema/Flags/atomic``.
        public static let granularMap = Flags(rawValue: 1 << 11)
        /// In protobuf the list is a message of its own, which holds the elements as its field 1.
        public static let wrappedList = Flags(rawValue: 1 << 12)
        /// An embedded struct: only in ``TypeSchema/wireFields``, see there.
        public static let inline = Flags(rawValue: 1 << 13)
        /// `null` is a value of its own (custom resources).
        public static let nullable = Flags(rawValue: 1 << 14)
        /// The object is a whole Kubernetes object with `apiVersion`, `kind` and `metadata` (custom
        /// resources).
        public static let embeddedResource = Flags(rawValue: 1 << 15)
        /// The schema does not say of which type a value is (custom resources).
        public static let untyped = Flags(rawValue: 1 << 16)
    }

    public var isInline: Bool { flags.contains(.inline) }

    /// How server-side apply sees a list; without a mark it is atomic.
    public enum ListType: Hashable, Sendable { case atomic, set, map }

    public var listType: ListType {
        flags.contains(.mapList) ? .map : flags.contains(.setList) ? .set : .atomic
    }

    /// Whether server-side apply sees this object or map as one value, by the field's own mark or by its
    /// type's.
    public var isAtomic: Bool {
        if flags.contains(.atomicMap) { return true }
        if case .object(let type) = kind {
            return type.flags.contains(.atomic) && !flags.contains(.granularMap)
        }
        return false
    }

    /// The field of an element that names it in a strategic merge patch; empty when there is none.
    public var patchMergeKey: String { extra(0).map(table.text) ?? "" }

    /// The fields of an element that name it in server-side apply.
    public var listMapKeys: [String] { extra(1).map(table.texts) ?? [] }

    /// The only values that a string may have; empty when any may.
    public var enumValues: [String] { extra(2).map(table.texts) ?? [] }

    /// Whether a text is among ``enumValues``, or there are none.
    func allows(_ text: String) -> Bool {
        guard let reference = extra(2) else { return true }
        let start = table.offset(ofList: reference)
        return (0..<Int(table.word(start))).contains {
            table.compare(text: table.word(start + 4 + 4 * $0), with: text) == 0
        }
    }

    /// What an absent field means, written into the object by defaulting.
    public var defaultValue: Value? { extra(3).map(value) }

    /// Further rules as a JSON object in the words of JSON Schema: `minimum`, `maxLength`, `pattern`,
    /// `format`, ...
    public var constraints: Value? { extra(4).map(value) }

    /// The JSON text of ``constraints``.
    var constraintBytes: UnsafeRawBufferPointer? { extra(4).map(table.bytes) }

    private func value(_ text: UInt32) -> Value {
        do throws(JSONError) {
            return try Value(json: Array(table.bytes(ofText: text)), limits: .own)
        } catch {
            preconditionFailure("a table holds the JSON that its builder wrote: \(error)")
        }
    }

    /// The name in `.proto` files where it is not ``name``.
    public var protoName: String { extra(5).map(table.text) ?? name }

    /// Whether any of the properties above has something to say.
    var hasExtras: Bool { word(16) != 0 }

    /// A word of the extras record; `nil` when the field has none. Word 0 of texts and lists is never a real
    /// entry.
    private func extra(_ position: Int) -> UInt32? {
        let reference = word(16)
        guard reference != 0 else { return nil }
        let entry = table.word(table.offset(ofList: reference) + 4 * position)
        return entry == 0 ? nil : entry
    }

    /// Reads the word at this byte offset of the record: name, kind, number, flags, extras.
    @inline(__always)
    func word(_ offset: Int) -> UInt32 {
        table.word(table.offset(ofField: index) + offset)
    }
}

/// What a field holds. The JSON and protobuf forms of the special ones are those of the Kubernetes API.
public enum FieldKind: Sendable {
    case string, bool, int32, int64
    /// Only in CRI and etcd messages. A tree holds their bits as a signed number.
    case uint32, uint64
    case float64
    /// Base64 text in JSON.
    case bytes
    /// Any JSON; has no protobuf form.
    case any
    /// Any JSON; in protobuf a message whose field 1 is the JSON text.
    case json
    /// RFC 3339 in whole seconds; in protobuf a message of seconds (1) and nanoseconds (2).
    case time
    /// RFC 3339 with six fraction digits; in protobuf as ``time``.
    case microTime
    /// `1m30s`; in protobuf a message whose field 1 is nanoseconds.
    case duration
    /// `500m`; in protobuf a message whose field 1 is the text.
    case quantity
    /// A number or a text; in protobuf a message of type (1: 0 for a number, 1 for a text), number (2), text
    /// (3).
    case intOrString
    /// An object of any kind; in protobuf a message whose field 1 is its bytes.
    case rawExtension
    /// The field set of a manager; in protobuf a message whose field 1 is its JSON text.
    case fieldsV1
    case object(TypeSchema)
    /// The JSON is the value of one member of this type, chosen by what kind of JSON it is; in protobuf a
    /// message.
    case union(TypeSchema)
    /// The payload describes the elements.
    case list(FieldSchema)
    /// The payload describes the values; keys are strings.
    case map(FieldSchema)

    /// The case without its payload, as a table writes it.
    enum Tag: UInt8 {
        case string = 1
        case bool, int32, int64, uint32, uint64, float64, bytes, any, json, time, microTime, duration,
            quantity
        case intOrString, rawExtension, fieldsV1, object, union, list, map
    }
}
