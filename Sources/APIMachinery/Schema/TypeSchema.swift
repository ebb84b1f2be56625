/// What an object of one type may hold: its fields by JSON name and by protobuf number.
///
/// Embedded Go structs ("inline") are flattened into the type, so the fields by name are those of the JSON
/// object.
public struct TypeSchema: Sendable {
    public let table: SchemaTable
    /// The position among the types of the table; small and stable, so it can index an array.
    public let index: Int

    /// The unique name within the table, for example `io.k8s.api.core.v1.PodSpec`.
    public var name: String { table.text(word(0)) }

    public var flags: Flags { Flags(rawValue: word(16)) }

    /// What holds for every object of the type.
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Server-side apply treats the whole object as one value (`structType: atomic`).
        public static let atomic = Flags(rawValue: 1 << 0)
        /// Fields that the schema does not name are kept (`x-kubernetes-preserve-unknown-fields`).
        public static let preservesUnknownFields = Flags(rawValue: 1 << 1)
        /// At most one field is set, and it says which variant this is.
        public static let isUnion = Flags(rawValue: 1 << 2)
    }

    /// The fields, ordered by the UTF-8 bytes of their JSON names, as ``Fields`` orders those of a tree.
    public var fields: FieldList {
        FieldList(table: table, first: firstField, count: namedCount, positions: nil)
    }

    /// The field called `name` in JSON.
    public func field(named name: String) -> FieldSchema? {
        var (low, high) = (firstField, firstField + namedCount)
        while low < high {
            let middle = (low + high) / 2
            let field = FieldSchema(table: table, index: middle)
            let order = table.compare(text: field.word(0), with: name)
            if order == 0 { return field }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// What the type writes in protobuf, ordered by number.
    ///
    /// An embedded struct is one entry here (``FieldSchema/isInline``): its message holds fields of the
    /// *same* JSON object, as its own type's ``wireFields`` say. Those fields have no number in this type.
    public var wireFields: FieldList {
        let list = table.offset(ofList: word(12))
        return FieldList(table: table, first: firstField, count: Int(table.word(list)), positions: list + 4)
    }

    /// The entry of ``wireFields`` with this number.
    public func field(number: Int) -> FieldSchema? {
        let entries = wireFields
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            let found = entries[middle].number
            if found == number { return entries[middle] }
            if found < number { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    private var firstField: Int { Int(word(4)) }
    private var namedCount: Int { Int(word(8)) }

    /// Reads the word at this byte offset of the record: name, first field, count of named fields, wire list,
    /// flags.
    @inline(__always)
    func word(_ offset: Int) -> UInt32 {
        table.word(table.offset(ofType: index) + offset)
    }
}

extension TypeSchema: Hashable {
    public static func == (a: TypeSchema, b: TypeSchema) -> Bool {
        a.table.base == b.table.base && a.index == b.index
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(table.base)
        hasher.combine(index)
    }
}

/// Fields of a type in one of its two orders, read in place.
public struct FieldList: RandomAccessCollection, Sendable {
    let table: SchemaTable
    let first: Int
    public let count: Int
    /// The byte offset of the words that say which field stands where; `nil` when they stand in their own
    /// order.
    let positions: Int?

    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    public subscript(position: Int) -> FieldSchema {
        let offset = positions.map { Int(table.word($0 + 4 * position)) } ?? position
        return FieldSchema(table: table, index: first + offset)
    }
}

extension TypeSchema: CustomStringConvertible {
    public var description: String { name }
}
