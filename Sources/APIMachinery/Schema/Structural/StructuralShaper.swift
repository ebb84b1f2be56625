/// Prunes and completes trees by the table of a structural schema, in one walk.
struct StructuralShaper {
    /// Unknown fields that are noted; no message names more.
    private static let notedFields = 100

    private let prunesOnly: Bool
    /// The type of the metadata of whole objects inside of the tree.
    private let metadata: TypeSchema?
    private var unknownFields: [UnknownField] = []

    private struct UnknownField {
        var path: String
        var isOfMetadata = false
    }

    /// With `prunesOnly` nulls and absent fields stay as they are.
    init(prunesOnly: Bool = false, metadata: TypeSchema? = nil) {
        self.prunesOnly = prunesOnly
        self.metadata = metadata
    }

    /// The paths of what was dropped, by their bytes; those in the metadata of whole objects inside come last, as in
    /// Kubernetes, which looks there once everything else is in order.
    var unknownPaths: [String] {
        guard !unknownFields.isEmpty else { return [] }
        let sorted = unknownFields.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        return sorted.filter { !$0.isOfMetadata }.map(\.path) + sorted.filter(\.isOfMetadata).map(\.path)
    }

    /// The fields of the tree and those of the type are in the same order, so one pass over both suffices.
    mutating func shape(_ value: inout Value, as type: TypeSchema) {
        guard case .object(let given) = value else { return }
        value = .null
        let known = type.fields
        var result: [Fields.Entry] = []
        result.reserveCapacity(given.count + 2)
        var position = 0
        for var entry in given.entries {
            var order = 1
            while position < known.count {
                order = known[position].compareName(with: entry.key)
                guard order < 0 else { break }
                complete(known[position], &result)
                position += 1
            }
            guard position < known.count, order == 0 else {
                if type.flags.contains(.preservesUnknownFields) {
                    result.append(entry)
                } else if unknownFields.count < Self.notedFields {
                    unknownFields.append(UnknownField(path: entry.key))
                }
                continue
            }
            let field = known[position]
            position += 1
            if isUnwantedNull(entry.value, field) {
                complete(field, &result)
                continue
            }
            let start = unknownFields.count
            shape(&entry.value, as: field)
            prefixUnknownFields(from: start, with: entry.key + ".")
            result.append(entry)
        }
        while position < known.count {
            complete(known[position], &result)
            position += 1
        }
        value = .object(Fields(sorted: result))
    }

    private mutating func shape(_ value: inout Value, as field: FieldSchema) {
        switch field.kind {
        case .object(let type):
            let start = unknownFields.count
            shape(&value, as: type)
            guard unknownFields.count > start, type == metadata else { return }
            for index in start..<unknownFields.count { unknownFields[index].isOfMetadata = true }
        case .list(let element):
            guard case .array(var items) = value else { return }
            value = .null
            for index in items.indices {
                let start = unknownFields.count
                if isUnwantedNull(items[index], element), let item = element.defaultValue {
                    items[index] = item
                }
                shape(&items[index], as: element)
                prefixUnknownFields(from: start, with: "[\(index)].")
            }
            value = .array(items)
        case .map(let element):
            guard case .object(var entries) = value else { return }
            value = .null
            if !prunesOnly, !element.flags.contains(.nullable), element.defaultValue == nil {
                entries.removeAll { $1.isNull }
            }
            for index in entries.entries.indices {
                let start = unknownFields.count
                if isUnwantedNull(entries.entries[index].value, element), let item = element.defaultValue {
                    entries.entries[index].value = item
                }
                shape(&entries.entries[index].value, as: element)
                prefixUnknownFields(from: start, with: entries.entries[index].key + ".")
            }
            value = .object(entries)
        default: break
        }
    }

    /// A null where the schema has none stands for the default, or for nothing.
    private func isUnwantedNull(_ value: Value, _ field: FieldSchema) -> Bool {
        value.isNull && !prunesOnly && !field.flags.contains(.nullable)
    }

    /// Adds what an absent field means. A default has defaults inside too.
    private mutating func complete(_ field: FieldSchema, _ result: inout [Fields.Entry]) {
        guard !prunesOnly, var value = field.defaultValue else { return }
        shape(&value, as: field)
        result.append(Fields.Entry(key: field.name, value: value))
    }

    /// `[0].` follows a list's name without a dot.
    private mutating func prefixUnknownFields(from start: Int, with prefix: String) {
        for index in start..<unknownFields.count {
            let path = unknownFields[index].path
            let isIndex = path.utf8.first == UInt8(ascii: "[")
            unknownFields[index].path = (isIndex ? String(prefix.dropLast()) : prefix) + path
        }
    }
}
