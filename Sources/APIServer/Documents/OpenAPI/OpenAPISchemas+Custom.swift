import API
import APIMachinery

extension OpenAPISchemas {
    /// Adds a custom resource and its list, as its definition describes them. Other than built-in ones it stands in one
    /// piece: what it consists of has no names.
    mutating func add(custom version: CustomVersion) {
        guard let schema = version.fullSchema else { return }
        let kind = version.definition.groupVersionKind
        let name = Self.name(of: kind)
        var object = dialect == .three ? schema : Self.simplified(schema)
        object["type"] = "object"
        for (name, text) in Self.typeMeta {
            object[path: ["properties", name]] = ["type": "string", "description": .string(text)]
        }
        object[path: ["properties", "metadata"]] = reference("ObjectMeta", "Standard object's metadata.")
        object["x-kubernetes-group-version-kind"] = [Self.mark(kind)]
        insert(name, object)
        var listKind = kind
        listKind.kind += "List"
        var list: Value = ["type": "object", "required": ["items"]]
        list["description"] = .string("\(kind.kind)List is a list of \(kind.kind)")
        for (name, text) in Self.typeMeta {
            list[path: ["properties", name]] = ["type": "string", "description": .string(text)]
        }
        list[path: ["properties", "metadata"]] = reference("ListMeta", "Standard list metadata.")
        list[path: ["properties", "items"]] = [
            "type": "array", "items": ["$ref": .string(prefix + name)],
            "description": .string("List of \(version.definition.resource.resource)."),
        ]
        list["x-kubernetes-group-version-kind"] = [Self.mark(listKind)]
        insert(Self.name(of: listKind), list)
    }

    private static let typeMeta = [
        ("apiVersion", "APIVersion defines the version of the schema that this object is written in."),
        ("kind", "What this object is: the REST resource that it represents."),
    ]

    /// As `com.example.stable.v1.CronTab`: the group's labels backwards. A group can be named so that this is the name
    /// of a built-in type, which keeps it.
    static func name(of kind: GroupVersionKind) -> String {
        let parts = kind.group.split(separator: ".").reversed().map(String.init) + [kind.version, kind.kind]
        let name = parts.joined(separator: ".")
        return BuiltinTypes.kubernetes.type(named: name) == nil ? name : name + "_v2"
    }

    private static func mark(_ kind: GroupVersionKind) -> Value {
        ["group": .string(kind.group), "kind": .string(kind.kind), "version": .string(kind.version)]
    }

    private var prefix: String { dialect == .three ? "#/components/schemas/" : "#/definitions/" }

    private mutating func reference(_ type: String, _ description: String) -> Value {
        let name = "io.k8s.apimachinery.pkg.apis.meta.v1." + type
        if let type = BuiltinTypes.kubernetes.type(named: name) { add(type) }
        let link: Value = ["$ref": .string(prefix + name)]
        return dialect == .three ? ["allOf": [link], "description": .string(description)] : link
    }

    /// What OpenAPI 2 can say of a schema: no combinations, no nulls, no values of several types.
    private static func simplified(_ schema: Value) -> Value {
        var result = schema
        for key in ["allOf", "anyOf", "oneOf", "not", "nullable", "default"] { result[key] = nil }
        if schema["nullable"] == true || schema["x-kubernetes-int-or-string"] == true {
            // Clients of old would refuse what the server takes.
            for key in ["type", "items", "properties", "additionalProperties", "format"] { result[key] = nil }
            return result
        }
        if schema["x-kubernetes-preserve-unknown-fields"] == true {
            for key in ["items", "properties"] { result[key] = nil }
            return result
        }
        if let properties = schema["properties"]?.fields {
            result["properties"] = .object(properties.mapValues { simplified($0) })
        }
        for key in ["items", "additionalProperties"] {
            if let inner = schema[key], inner.fields != nil { result[key] = simplified(inner) }
        }
        return result
    }
}
