import API
import APIMachinery

/// Describes types of the schema tables in the words of OpenAPI and Kubernetes' extensions.
struct OpenAPISchemas {
    /// In which version of OpenAPI.
    enum Dialect {
        case two, three
    }

    let dialect: Dialect
    /// What a kind is called beyond its type's name: its group, version and kind, once a version that serves it.
    let kinds: [String: [GroupVersionKind]]

    private(set) var schemas: [String: Value] = [:]
    private let sentences = FieldSentences()

    init(_ dialect: Dialect, kinds: [String: [GroupVersionKind]]) {
        self.dialect = dialect
        self.kinds = kinds
    }

    /// Adds a schema that was made elsewhere.
    mutating func insert(_ name: String, _ schema: Value) { schemas[name] = schema }

    /// Adds a type and all that it refers to.
    mutating func add(_ type: TypeSchema) {
        guard schemas[type.name] == nil else { return }
        // Noted before its fields are walked: types refer to themselves.
        schemas[type.name] = .emptyObject
        var properties = Value.emptyObject
        var required: [String] = []
        for field in type.fields {
            var property = property(field)
            if let sentence = sentences.sentence(on: field.name, of: type) { property["description"] = .string(sentence) }
            properties[field.name] = property
            if field.flags.contains(.required) { required.append(field.name) }
        }
        var schema: Value = ["type": "object", "properties": properties]
        if !required.isEmpty { schema["required"] = Value(required) }
        if let sentence = sentences.sentence(on: type) { schema["description"] = .string(sentence) }
        if let kinds = kinds[type.name] {
            schema["x-kubernetes-group-version-kind"] = .array(
                kinds.map {
                    ["group": .string($0.group), "kind": .string($0.kind), "version": .string($0.version)]
                })
        }
        schemas[type.name] = schema
    }

    private mutating func property(_ field: FieldSchema) -> Value {
        var property = shape(field)
        if !field.enumValues.isEmpty { property["enum"] = Value(field.enumValues) }
        if let value = field.defaultValue { property["default"] = value }
        if case .list = field.kind {
            switch field.listType {
            case .map:
                property["x-kubernetes-list-type"] = "map"
                property["x-kubernetes-list-map-keys"] = Value(field.listMapKeys)
            case .set: property["x-kubernetes-list-type"] = "set"
            case .atomic: property["x-kubernetes-list-type"] = "atomic"
            }
        } else if field.isAtomic {
            property["x-kubernetes-map-type"] = "atomic"
        }
        let strategies = [
            field.flags.contains(.patchMerge) ? "merge" : nil,
            field.flags.contains(.patchRetainKeys) ? "retainKeys" : nil,
        ].compactMap(\.self)
        if !strategies.isEmpty {
            property["x-kubernetes-patch-strategy"] = .string(strategies.joined(separator: ","))
        }
        if !field.patchMergeKey.isEmpty {
            property["x-kubernetes-patch-merge-key"] = .string(field.patchMergeKey)
        }
        return property
    }

    private mutating func shape(_ field: FieldSchema) -> Value {
        switch field.kind {
        case .string, .duration: return ["type": "string"]
        case .bool: return ["type": "boolean"]
        case .int32, .uint32: return ["type": "integer", "format": "int32"]
        case .int64, .uint64: return ["type": "integer", "format": "int64"]
        case .float64: return ["type": "number", "format": "double"]
        case .bytes: return ["type": "string", "format": "byte"]
        case .time, .microTime: return ["type": "string", "format": "date-time"]
        case .quantity:
            return dialect == .two ? ["type": "string"] : ["oneOf": [["type": "string"], ["type": "number"]]]
        case .intOrString:
            guard dialect == .three else { return ["type": "string", "format": "int-or-string"] }
            return ["format": "int-or-string", "oneOf": [["type": "integer"], ["type": "string"]]]
        case .rawExtension, .fieldsV1: return ["type": "object"]
        case .any, .json, .union: return .emptyObject
        case .list(let element): return ["type": "array", "items": shape(element)]
        case .map(let value): return ["type": "object", "additionalProperties": shape(value)]
        case .object(let type):
            add(type)
            guard dialect == .three else { return ["$ref": .string("#/definitions/" + type.name)] }
            return ["allOf": [["$ref": .string("#/components/schemas/" + type.name)]]]
        }
    }
}
