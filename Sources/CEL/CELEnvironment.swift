public import APIMachinery

/// What an expression may use besides the functions: its variables, and the objects that it may make.
public struct CELEnvironment: Sendable {
    /// Variables by name. A name may have dots: `variables.replicas`.
    public var variables: [String: CELType]
    /// The schemas of variables that have one. Costs are estimated by the bounds that they state.
    public var schemas: [String: FieldSchema]
    /// The object types that an expression may make by name, such as `Object.spec`.
    public var objectTypes: @Sendable (String) -> CELObjectType?
    public var rules: Rules

    public struct Rules: OptionSet, Hashable, Sendable {
        public let rawValue: Int
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// As in the rules of custom resources: of `metadata` only `name` and `generateName` are declared, and fields
        /// whose schema says nothing about their content are not declared at all.
        public static let customResource = Rules(rawValue: 1)
    }

    public init(
        variables: [String: CELType] = [:], schemas: [String: FieldSchema] = [:], rules: Rules = [],
        objectTypes: @escaping @Sendable (String) -> CELObjectType? = { _ in nil }
    ) {
        self.variables = variables.merging(schemas.mapValues { CELType($0) }) { declared, _ in declared }
        self.schemas = schemas
        self.rules = rules
        self.objectTypes = objectTypes
    }

    /// The schema of a field; `nil` when it is not declared.
    func schema(ofField name: String, in type: TypeSchema) -> FieldSchema? {
        guard let (field, real) = type.field(inExpressions: name) else { return nil }
        guard rules.contains(.customResource) else { return field }
        if type.name.hasSuffix(".ObjectMeta"), real != "name", real != "generateName" { return nil }
        return field.isWithoutContent ? nil : field
    }
}

extension FieldSchema {
    /// Whether the schema says nothing: any JSON, or lists and maps of it.
    fileprivate var isWithoutContent: Bool {
        switch kind {
        case .any, .json, .rawExtension: true
        case .list(let element), .map(let element): element.isWithoutContent
        default: false
        }
    }
}
