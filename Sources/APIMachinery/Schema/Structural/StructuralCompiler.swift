/// Makes a table of a structural schema. Objects that have the same fields share one type: large definitions repeat
/// themselves (the containers of a pod and its init containers).
struct StructuralCompiler {
    private struct Content: Hashable {
        var fields: [SchemaBuilder.Field]
        var flags: TypeSchema.Flags
    }

    private var builder = SchemaBuilder()
    private var names: [Content: String] = [:]
    private let metadata: TypeSchema
    /// Whether some field holds a whole object.
    private(set) var embedsResources = false

    /// What becomes constraints: everything that says no to values and has no place of its own in the table.
    static let constraintKeys = [
        "allOf", "anyOf", "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "maxItems", "maxLength",
        "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not", "oneOf",
        "pattern", "uniqueItems", "x-kubernetes-validations",
    ]

    init(metadata: TypeSchema) {
        self.metadata = metadata
        builder.add(copying: metadata)
    }

    /// The bytes of the table. The root stands as the only field of the type `wrapper`.
    mutating func compile(_ schema: Value, kind: String, wrapper: String) -> [UInt8] {
        var root = schema
        root["x-kubernetes-embedded-resource"] = nil
        root["type"] = "object"
        root["additionalProperties"] = nil
        var field = field(wrapper, root)
        builder.add(kind, objectFields(of: root, isResource: true), flags: typeFlags(root))
        field.kind = .object(kind)
        builder.add(wrapper, [field])
        return builder.build()
    }

    private mutating func field(_ name: String, _ schema: Value) -> SchemaBuilder.Field {
        var field = SchemaBuilder.Field(name, kind(of: schema), flags: flags(of: schema))
        field.defaultValue = schema["default"]
        field.listMapKeys = (schema["x-kubernetes-list-map-keys"]?.array ?? []).compactMap(\.string)
        var constraints = Fields()
        for key in Self.constraintKeys { constraints[key] = schema[key] }
        if schema["additionalProperties"] == false { constraints["additionalProperties"] = false }
        if field.flags.contains(.embeddedResource) { embedsResources = true }
        let properties = schema["properties"]?.fields ?? Fields()
        let unnamed = (schema["required"]?.array ?? []).filter { properties[$0.string ?? ""] == nil }
        if !unnamed.isEmpty { constraints["required"] = .array(unnamed) }
        if !constraints.isEmpty { field.constraints = .object(constraints) }
        return field
    }

    private mutating func kind(of schema: Value) -> SchemaBuilder.Kind {
        if schema["x-kubernetes-int-or-string"] == true { return .intOrString }
        switch schema["type"]?.string {
        case "string": return .string
        case "integer": return .int64
        case "number": return .float64
        case "boolean": return .bool
        case "array":
            return .list(schema["items"].map { field("", $0) } ?? SchemaBuilder.Field("", .any))
        case "object":
            switch schema["additionalProperties"] {
            case .object(let fields)?: return .map(field("", .object(fields)))
            case .bool(true)? where schema["properties"]?.holdsMore == true: return object(schema)
            // That nothing may be there is a rule about values: what is there is not dropped in silence.
            case .bool?: return .map(SchemaBuilder.Field("", .any))
            default: return object(schema)
            }
        default:
            return schema["properties"] == nil ? .any : object(schema)
        }
    }

    private mutating func object(_ schema: Value) -> SchemaBuilder.Kind {
        let isResource = schema["x-kubernetes-embedded-resource"] == true
        let content = Content(fields: objectFields(of: schema, isResource: isResource), flags: typeFlags(schema))
        if let name = names[content] { return .object(name) }
        // A kind's name begins with a letter, so these meet no other.
        let name = "\(names.count)"
        names[content] = name
        builder.add(name, content.fields, flags: content.flags)
        return .object(name)
    }

    private mutating func objectFields(of schema: Value, isResource: Bool) -> [SchemaBuilder.Field] {
        var properties = schema["properties"]?.fields ?? Fields()
        if isResource {
            for name in ["apiVersion", "kind"] where properties[name] == nil { properties[name] = ["type": "string"] }
            properties["metadata"] = nil
        }
        let required = Set((schema["required"]?.array ?? []).compactMap(\.string))
        var fields: [SchemaBuilder.Field] = []
        for (name, schema) in properties {
            var field = field(name, schema)
            if required.contains(name) { field.flags.insert(.required) }
            fields.append(field)
        }
        if isResource {
            let flags: FieldSchema.Flags = required.contains("metadata") ? .required : []
            fields.append(SchemaBuilder.Field("metadata", .object(metadata.name), flags: flags))
        }
        return fields
    }

    private func typeFlags(_ schema: Value) -> TypeSchema.Flags {
        schema["x-kubernetes-preserve-unknown-fields"] == true || schema["additionalProperties"] == true
            ? .preservesUnknownFields : []
    }

    private func flags(of schema: Value) -> FieldSchema.Flags {
        // Nothing is written that an object does not say.
        var flags: FieldSchema.Flags = .pointer
        if schema["nullable"] == true { flags.insert(.nullable) }
        if schema["x-kubernetes-embedded-resource"] == true { flags.insert(.embeddedResource) }
        if schema["type"] == nil { flags.insert(.untyped) }
        switch schema["x-kubernetes-list-type"]?.string {
        case "map": flags.insert(.mapList)
        case "set": flags.insert(.setList)
        case "atomic": flags.insert(.atomicList)
        default: break
        }
        if schema["x-kubernetes-map-type"] == "atomic" { flags.insert(.atomicMap) }
        return flags
    }
}

extension SchemaBuilder {
    /// Adds a type of another table, and all that it refers to, without protobuf numbers.
    mutating func add(copying type: TypeSchema) {
        guard !contains(type.name) else { return }
        // Noted before its fields are copied: types refer to each other in circles.
        add(type.name, [])
        var fields: [Field] = []
        for field in type.fields { fields.append(copy(field)) }
        add(type.name, fields, flags: type.flags)
    }

    private mutating func copy(_ field: FieldSchema) -> Field {
        var copy = Field(field.name, kind(field.kind), flags: field.flags)
        copy.patchMergeKey = field.patchMergeKey
        copy.listMapKeys = field.listMapKeys
        copy.enumValues = field.enumValues
        copy.defaultValue = field.defaultValue
        copy.constraints = field.constraints
        return copy
    }

    private mutating func kind(_ kind: FieldKind) -> Kind {
        switch kind {
        case .string: return .string
        case .bool: return .bool
        case .int32: return .int32
        case .int64: return .int64
        case .uint32: return .uint32
        case .uint64: return .uint64
        case .float64: return .float64
        case .bytes: return .bytes
        case .any: return .any
        case .json: return .json
        case .time: return .time
        case .microTime: return .microTime
        case .duration: return .duration
        case .quantity: return .quantity
        case .intOrString: return .intOrString
        case .rawExtension: return .rawExtension
        case .fieldsV1: return .fieldsV1
        case .object(let type):
            add(copying: type)
            return .object(type.name)
        case .union(let type):
            add(copying: type)
            return .union(type.name)
        case .list(let element): return .list(copy(element))
        case .map(let element): return .map(copy(element))
        }
    }
}
