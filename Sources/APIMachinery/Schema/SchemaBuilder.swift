/// Writes the bytes of a ``SchemaTable``: at build time for the built-in kinds, at run time for custom
/// resources.
///
/// Layout, all numbers little-endian words of 32 bits: a header (magic, flags, number of types, offsets of
/// four sections), then
/// - types: name, first field, number of named fields, list of wire fields (positions from the first), flags;
///   ordered by name;
/// - fields: name, kind (tag in the low byte, type or element above it), number, flags, extras; those of a
///   type ordered by name, its inline entries behind them; elements of lists and maps stand at the end;
/// - lists: a count and that many words each. An extras record has no count: merge key, list keys, enum,
///   default, constraints, protobuf name, each a reference or 0;
/// - texts: a length of 16 bits, or for longer ones 0xFFFF and 32 bits, and UTF-8. Equal texts and lists are stored once. Reference 0 means "none".
public struct SchemaBuilder {
    /// A field to write; see ``FieldSchema`` for what its parts mean.
    public struct Field: Hashable, Sendable {
        public var name: String
        public var kind: Kind
        public var number: Int
        public var flags: FieldSchema.Flags
        public var patchMergeKey = ""
        public var listMapKeys: [String] = []
        public var enumValues: [String] = []
        public var defaultValue: Value?
        public var constraints: Value?
        public var protoName = ""

        public init(_ name: String, _ kind: Kind, number: Int = 0, flags: FieldSchema.Flags = []) {
            self.name = name
            self.kind = kind
            self.number = number
            self.flags = flags
        }
    }

    /// ``FieldKind`` with types by name, so that they can be added in any order.
    public indirect enum Kind: Hashable, Sendable {
        case string, bool, int32, int64, uint32, uint64, float64, bytes, any, json, time, microTime, duration,
            quantity
        case intOrString, rawExtension, fieldsV1
        case object(String)
        case union(String)
        case list(Field)
        case map(Field)
    }

    private struct TypeEntry {
        var fields: [Field]
        var flags: TypeSchema.Flags
    }

    private let isProto3: Bool
    private var types: [String: TypeEntry] = [:]
    private var typeIndex: [String: Int] = [:]
    private var elements: [Field: Int] = [:]
    private var elementOrder: [Field] = []
    private var lists: [UInt32] = [0]
    private var listReferences: [[UInt32]: UInt32] = [:]
    private var texts: [UInt8] = [0, 0]
    private var textReferences: [String: UInt32] = ["": 0]

    public init(isProto3: Bool = false) { self.isProto3 = isProto3 }

    /// Adds a type. `fields` come in any order; those with the ``FieldSchema/Flags/inline`` flag are wire
    /// entries only, the flattened fields of the embedded type stand among the others, without numbers.
    public mutating func add(_ name: String, _ fields: [Field], flags: TypeSchema.Flags = []) {
        types[name] = TypeEntry(fields: fields, flags: flags)
    }

    /// Whether a type of this name was added.
    public func contains(_ name: String) -> Bool { types[name] != nil }

    /// The finished table. Every type that a field names must have been added.
    public mutating func build() -> [UInt8] {
        let names = types.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        typeIndex = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        let layout = names.map { ordered(types[$0]?.fields ?? []) }
        let ownCount = layout.reduce(0) { $0 + $1.count }

        var typeWords: [UInt32] = []
        var fieldWords: [UInt32] = []
        var first = 0
        for (name, fields) in zip(names, layout) {
            let numbered = fields.indices.filter { fields[$0].number > 0 }
            let wire = numbered.sorted { fields[$0].number < fields[$1].number }.map(UInt32.init)
            typeWords += [
                reference(to: name), UInt32(first), UInt32(fields.count { !$0.flags.contains(.inline) }),
                reference(to: wire), types[name]?.flags.rawValue ?? 0,
            ]
            for field in fields { fieldWords += record(of: field, elementsFrom: ownCount) }
            first += fields.count
        }
        // Writing an element may add another one (a list of lists), so the end is not known at the beginning.
        var next = 0
        while next < elementOrder.count {
            fieldWords += record(of: elementOrder[next], elementsFrom: ownCount)
            next += 1
        }
        return assemble(typeWords, fieldWords)
    }

    /// Named fields by the bytes of their names, then inline entries.
    private func ordered(_ fields: [Field]) -> [Field] {
        let named = fields.filter { !$0.flags.contains(.inline) }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return named + fields.filter { $0.flags.contains(.inline) }
    }

    private mutating func record(of field: Field, elementsFrom base: Int) -> [UInt32] {
        let extras = [
            reference(to: field.patchMergeKey), reference(to: field.listMapKeys),
            reference(to: field.enumValues),
            reference(to: field.defaultValue?.description ?? ""),
            reference(to: field.constraints?.description ?? ""),
            reference(to: field.protoName),
        ]
        return [
            reference(to: field.name), kindWord(field.kind, elementsFrom: base), UInt32(field.number),
            field.flags.rawValue, extras.allSatisfy { $0 == 0 } ? 0 : intern(extras),
        ]
    }

    private mutating func kindWord(_ kind: Kind, elementsFrom base: Int) -> UInt32 {
        func word(_ tag: FieldKind.Tag, _ argument: Int = 0) -> UInt32 {
            UInt32(tag.rawValue) | UInt32(argument) << 8
        }
        func index(_ name: String) -> Int {
            guard let index = typeIndex[name] else { preconditionFailure("the type \(name) was not added") }
            return index
        }
        return switch kind {
        case .string: word(.string)
        case .bool: word(.bool)
        case .int32: word(.int32)
        case .int64: word(.int64)
        case .uint32: word(.uint32)
        case .uint64: word(.uint64)
        case .float64: word(.float64)
        case .bytes: word(.bytes)
        case .any: word(.any)
        case .json: word(.json)
        case .time: word(.time)
        case .microTime: word(.microTime)
        case .duration: word(.duration)
        case .quantity: word(.quantity)
        case .intOrString: word(.intOrString)
        case .rawExtension: word(.rawExtension)
        case .fieldsV1: word(.fieldsV1)
        case .object(let name): word(.object, index(name))
        case .union(let name): word(.union, index(name))
        case .list(let field): word(.list, base + element(field))
        case .map(let field): word(.map, base + element(field))
        }
    }

    /// The position of an element record; equal ones share it.
    private mutating func element(_ field: Field) -> Int {
        if let index = elements[field] { return index }
        let index = elementOrder.count
        elements[field] = index
        elementOrder.append(field)
        return index
    }

    private mutating func reference(to text: String) -> UInt32 {
        if let known = textReferences[text] { return known }
        let reference = UInt32(texts.count)
        textReferences[text] = reference
        let isLong = text.utf8.count >= SchemaTable.Layout.longText
        let count = isLong ? SchemaTable.Layout.longText : text.utf8.count
        texts += [UInt8(truncatingIfNeeded: count), UInt8(count >> 8)]
        if isLong { withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { texts += $0 } }
        texts += text.utf8
        return reference
    }

    private mutating func reference(to list: [String]) -> UInt32 {
        list.isEmpty ? 0 : reference(to: list.map { reference(to: $0) })
    }

    private mutating func reference(to list: [UInt32]) -> UInt32 {
        list.isEmpty ? 0 : intern([UInt32(list.count)] + list)
    }

    private mutating func intern(_ words: [UInt32]) -> UInt32 {
        if let known = listReferences[words] { return known }
        let reference = UInt32(lists.count * 4)
        listReferences[words] = reference
        lists += words
        return reference
    }

    private func assemble(_ typeWords: [UInt32], _ fieldWords: [UInt32]) -> [UInt8] {
        let typesAt = SchemaTable.Layout.headerSize
        let fieldsAt = typesAt + 4 * typeWords.count
        let listsAt = fieldsAt + 4 * fieldWords.count
        let header = [
            SchemaTable.Layout.magic, isProto3 ? 1 : 0,
            UInt32(typeWords.count * 4 / SchemaTable.Layout.typeSize), UInt32(typesAt), UInt32(fieldsAt),
            UInt32(listsAt), UInt32(listsAt + 4 * lists.count),
        ]
        var bytes: [UInt8] = []
        for word in header + typeWords + fieldWords + lists {
            withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes + texts
    }
}
