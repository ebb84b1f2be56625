public import APIMachinery

/// An object: one of a tree with its type, or one that an expression made (`Object{...}`).
public struct CELObject: Sendable {
    enum Storage: Sendable {
        case tree(Fields, TypeSchema)
        case made(String, [(name: String, value: CELValue)])
    }

    let storage: Storage

    /// A tree whose fields a table describes.
    public init(_ fields: Fields, type: TypeSchema) { storage = .tree(fields, type) }

    /// Fields in the order in which they were written.
    public init(_ typeName: String, fields: [(name: String, value: CELValue)]) { storage = .made(typeName, fields) }

    public var typeName: String {
        switch storage {
        case .tree(_, let type): type.name
        case .made(let name, _): name
        }
    }

    /// The fields of an object that an expression made; `nil` for one of a tree.
    public var madeFields: [(name: String, value: CELValue)]? {
        if case .made(_, let fields) = storage { fields } else { nil }
    }

    /// How many fields are set, undeclared ones too.
    var count: Int {
        switch storage {
        case .tree(let fields, _): fields.count
        case .made(_, let fields): fields.count
        }
    }

    /// The names of the fields that are set, as expressions write them.
    var fieldNames: [String] {
        switch storage {
        case .tree(let fields, let type):
            fields.compactMap { type.field(named: $0.key) == nil ? nil : PropertyName.escaped($0.key) }
        case .made(_, let fields): fields.map(\.name)
        }
    }

    /// The value of a field by the name that expressions use; `nil` when it is absent.
    func value(ofField name: String) -> CELValue? {
        switch storage {
        case .tree(let fields, let type):
            guard let (field, original) = type.field(inExpressions: name), let value = fields[original] else {
                return nil
            }
            return CELValue(value, field: field)
        case .made(_, let fields): return fields.first { $0.name == name }?.value
        }
    }

    func isEqual(to other: CELObject) -> Bool {
        switch (storage, other.storage) {
        case (.tree(let own, let type), .tree(let others, let otherType)):
            guard own.count == others.count, type == otherType else { return false }
            return own.allSatisfy { key, value in
                guard let theirs = others[key] else { return false }
                guard let field = type.field(named: key) else { return value == theirs }
                return CELValue(value, field: field).isEqual(to: CELValue(theirs, field: field))
            }
        case (.made(let name, let own), .made(let otherName, let others)):
            guard name == otherName, own.count == others.count else { return false }
            return own.allSatisfy { field in
                others.contains { $0.name == field.name && $0.value.isEqual(to: field.value) }
            }
        default: return false
        }
    }
}

extension TypeSchema {
    /// The field that expressions call `name`, with its real name.
    func field(inExpressions name: String) -> (FieldSchema, String)? {
        // Almost every name is here.
        guard PropertyName.hasEscapes(name) else { return field(named: name).map { ($0, name) } }
        if let real = PropertyName.unescaped(name), let field = field(named: real) { return (field, real) }
        // A word of the language may stand behind a dot unescaped.
        return field(named: name).map { ($0, name) }
    }
}
