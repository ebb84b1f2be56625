import APIMachinery

/// Writes a document of OpenAPI 2 as one of OpenAPI 3, for extension servers that have the former alone. Pure.
///
/// What both versions have in common is taken as it is: schemas, and everything that begins with `x-`.
enum OpenAPIConversion {
    /// What of a parameter is its schema in version 3.
    private static let schemaKeys: Set<String> = [
        "type", "format", "items", "default", "enum", "uniqueItems", "pattern", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems", "multipleOf",
    ]
    private static let methods: Set<String> = ["get", "put", "post", "delete", "options", "head", "patch"]
    /// Where parts that others refer to are, in the one version and the other.
    private static let places = [
        ("#/definitions/", "#/components/schemas/"), ("#/parameters/", "#/components/parameters/"),
        ("#/responses/", "#/components/responses/"),
    ]

    static func convert(_ old: Value) -> Value {
        let media = Media(of: old, but: Media(consumes: ["*/*"], produces: ["*/*"]))
        var components = Value.emptyObject
        components["schemas"] = old["definitions"].map(referring)
        components["parameters"] = mapped(old["parameters"]) { parameter($0) }
        components["responses"] = mapped(old["responses"]) { response($0, media) }
        components["securitySchemes"] = old["securityDefinitions"]
        var new = extensions(of: old)
        new["openapi"] = "3.0.0"
        for key in ["info", "security", "tags", "externalDocs"] { new[key] = old[key] }
        new["paths"] = mapped(old["paths"]) { path($0, media) } ?? .emptyObject
        new["components"] = components
        return new
    }

    /// The forms in which bodies come and go.
    private struct Media {
        var consumes: [String]
        var produces: [String]

        init(consumes: [String], produces: [String]) {
            self.consumes = consumes
            self.produces = produces
        }

        init(of value: Value, but outer: Media) {
            func list(_ key: String) -> [String]? { value[key]?.array.map { $0.compactMap(\.string) } }
            self.init(consumes: list("consumes") ?? outer.consumes, produces: list("produces") ?? outer.produces)
        }
    }

    private static func path(_ old: Value, _ media: Media) -> Value {
        var new = extensions(of: old)
        new["$ref"] = old["$ref"]
        new["parameters"] = (old["parameters"]?.array).map { .array($0.map(parameter)) }
        for (key, value) in old.fields ?? Fields() where methods.contains(key) { new[key] = operation(value, media) }
        return new
    }

    private static func operation(_ old: Value, _ outer: Media) -> Value {
        let media = Media(of: old, but: outer)
        var new = extensions(of: old)
        for key in ["tags", "summary", "description", "externalDocs", "operationId", "deprecated", "security"] {
            new[key] = old[key]
        }
        let all = old["parameters"]?.array ?? []
        let (bodies, parameters) = (all.filter { $0["in"] == "body" }, all.filter { $0["in"] != "body" })
        if !parameters.isEmpty { new["parameters"] = .array(parameters.map(parameter)) }
        if let body = bodies.first {
            var request = extensions(of: body)
            for key in ["description", "required"] { request[key] = body[key] }
            request["content"] = content(body["schema"], media.consumes)
            new["requestBody"] = request
        }
        new["responses"] = mapped(old["responses"]) { response($0, media) }
        return new
    }

    private static func parameter(_ old: Value) -> Value {
        if old["$ref"] != nil { return referring(old) }
        var new = extensions(of: old)
        for key in ["name", "in", "description", "required", "allowEmptyValue"] { new[key] = old[key] }
        // As often as there are values.
        if old["collectionFormat"] == "multi" { new["explode"] = true }
        new["schema"] = schema(old)
        return new
    }

    private static func response(_ old: Value, _ media: Media) -> Value {
        if old["$ref"] != nil { return referring(old) }
        var new = extensions(of: old)
        new["description"] = old["description"]
        new["headers"] = mapped(old["headers"]) { header in
            var new = extensions(of: header)
            new["description"] = header["description"]
            new["schema"] = schema(header)
            return new
        }
        if let schema = old["schema"] { new["content"] = content(schema, media.produces) }
        return new
    }

    private static func schema(_ old: Value) -> Value {
        .object(Fields((old.fields ?? Fields()).filter { schemaKeys.contains($0.key) }.map { ($0.key, $0.value) }))
    }

    private static func content(_ schema: Value?, _ types: [String]) -> Value {
        let schema = schema.map(referring) ?? .emptyObject
        return .object(Fields(types.map { ($0, ["schema": schema]) }))
    }

    private static func extensions(of old: Value) -> Value {
        .object(Fields((old.fields ?? Fields()).filter { $0.key.hasPrefix("x-") }.map { ($0.key, $0.value) }))
    }

    private static func mapped(_ old: Value?, _ change: (Value) -> Value) -> Value? {
        guard let fields = old?.fields else { return nil }
        return .object(Fields(fields.map { ($0.key, $0.key.hasPrefix("x-") ? $0.value : change($0.value)) }))
    }

    /// The same with all references to where the parts are in version 3.
    private static func referring(_ value: Value) -> Value {
        switch value {
        case .array(let items): return .array(items.map(referring))
        case .object(let fields):
            return .object(
                Fields(
                    fields.map { key, value in
                        guard key == "$ref", let text = value.string else { return (key, referring(value)) }
                        return (key, .string(moved(text)))
                    }))
        default: return value
        }
    }

    private static func moved(_ reference: String) -> String {
        guard let (old, new) = places.first(where: { reference.hasPrefix($0.0) }) else { return reference }
        return new + reference.dropFirst(old.count)
    }
}
