/// The defaults of a table's types: literals that the table holds, and rules by type.
public struct Defaults: Sendable {
    private let table: SchemaTable
    /// By type index.
    private var rules: [[DefaultRule]]
    /// Whether a type, or one that its objects can hold, has defaults; by type index. Other subtrees are not
    /// visited.
    private var isConcerned: [Bool]

    /// `rules` by type name; names that the table does not have are a mistake.
    public init(_ table: SchemaTable, rules named: [String: [DefaultRule]] = [:]) {
        self.table = table
        rules = Array(repeating: [], count: table.typeCount)
        isConcerned = Array(repeating: false, count: table.typeCount)
        for (name, list) in named {
            guard let type = table.type(named: name) else {
                preconditionFailure("defaults are given for \(name), which is no type of the table")
            }
            rules[type.index] = list
            isConcerned[type.index] = true
        }
        for type in table.types where type.fields.contains(where: { $0.defaultValue != nil }) {
            isConcerned[type.index] = true
        }
        spread()
    }

    /// Fills in what is absent from a decoded object, a type's own rules before those of its parts.
    public func apply(to object: inout Value, as type: TypeSchema) {
        guard isConcerned[type.index] else { return }
        for rule in rules[type.index] { rule.apply(to: &object) }
        guard case .object(var fields) = object else { return }
        // Frees the object's reference, so that the fields are changed in place.
        object = .null
        var missing: [(String, Value)] = []
        var position = 0
        for field in type.fields {
            while position < fields.entries.count, field.compareName(with: fields.entries[position].key) > 0 {
                position += 1
            }
            if position < fields.entries.count, field.compareName(with: fields.entries[position].key) == 0 {
                descend(into: &fields.entries[position].value, as: field)
            } else if let value = field.defaultValue {
                missing.append((field.name, value))
            }
        }
        for (name, value) in missing { fields[name] = value }
        object = .object(fields)
    }

    private func descend(into value: inout Value, as field: FieldSchema) {
        switch field.kind {
        case .object(let type): apply(to: &value, as: type)
        case .list(let element) where concerns(element):
            guard case .array(var items) = value else { return }
            value = .null
            for index in items.indices { descend(into: &items[index], as: element) }
            value = .array(items)
        case .map(let element) where concerns(element):
            guard case .object(var fields) = value else { return }
            value = .null
            for index in fields.entries.indices { descend(into: &fields.entries[index].value, as: element) }
            value = .object(fields)
        default: break
        }
    }

    private func concerns(_ field: FieldSchema) -> Bool {
        switch field.kind {
        case .object(let type): isConcerned[type.index]
        case .list(let element), .map(let element): concerns(element)
        default: false
        }
    }

    /// A type whose fields lead to a concerned one is concerned too. Types refer to each other in circles.
    private mutating func spread() {
        var hasChanged = true
        while hasChanged {
            hasChanged = false
            for type in table.types where !isConcerned[type.index] {
                guard type.fields.contains(where: concerns) else { continue }
                isConcerned[type.index] = true
                hasChanged = true
            }
        }
    }
}
