import APIMachinery

/// A Swagger 2 document as the protobuf message `openapi.v2.Document` of gnostic, which kubectl reads. The numbers are
/// those of its definition; what our documents never contain is left out.
struct SwaggerMessage {
    let bytes: [UInt8]

    /// Fields are written last to first, as the writer wants them.
    init(_ document: Value) {
        var writer = ProtobufWriter(capacity: 1 << 20)
        writer.write(field: 10) { $0.named(document["parameters"], field: 1) { $0.parameter($1) } }
        writer.write(field: 9) { $0.named(document["definitions"], field: 1) { $0.schema($1) } }
        writer.write(field: 8) { $0.named(document["paths"], field: 2) { $0.pathItem($1) } }
        writer.write(field: 2) { info in
            info.text(document.at("info", "version"), field: 2)
            info.text(document.at("info", "title"), field: 1)
        }
        writer.text(document["swagger"], field: 1)
        bytes = writer.bytes
    }
}

extension ProtobufWriter {
    /// A map as the list of its names and values.
    fileprivate mutating func named(
        _ value: Value?, field: Int, _ body: (inout ProtobufWriter, Value) -> Void
    ) {
        for entry in (value?.fields ?? Fields()).reversed() {
            write(field: field) { writer in
                writer.write(field: 2) { body(&$0, entry.value) }
                writer.write(entry.key, field: 1)
            }
        }
    }

    fileprivate mutating func text(_ value: Value?, field: Int) {
        if let text = value?.string { write(text, field: field) }
    }

    /// Any value, in YAML: JSON is that.
    private mutating func any(_ value: Value, field: Int) {
        write(field: field) { $0.write(value.description, field: 2) }
    }

    private mutating func extensions(of value: Value, field: Int) {
        for entry in (value.fields ?? Fields()).reversed() where entry.key.hasPrefix("x-") {
            write(field: field) { writer in
                writer.any(entry.value, field: 2)
                writer.write(entry.key, field: 1)
            }
        }
    }

    fileprivate mutating func schema(_ value: Value) {
        extensions(of: value, field: 31)
        if let properties = value["properties"] {
            write(field: 25) { $0.named(properties, field: 1) { $0.schema($1) } }
        }
        if let items = value["items"] { write(field: 23) { $0.write(field: 1) { $0.schema(items) } } }
        if let type = value["type"]?.string { write(field: 22) { $0.write(type, field: 1) } }
        if let additional = value["additionalProperties"] {
            write(field: 21) { $0.write(field: 1) { $0.schema(additional) } }
        }
        for item in (value["enum"]?.array ?? []).reversed() { any(item, field: 20) }
        for name in (value["required"]?.array ?? []).reversed() { text(name, field: 19) }
        if let fallback = value["default"] { any(fallback, field: 5) }
        text(value["description"], field: 4)
        text(value["format"], field: 2)
        text(value["$ref"], field: 1)
    }

    fileprivate mutating func pathItem(_ value: Value) {
        for parameter in (value["parameters"]?.array ?? []).reversed() { self.parameterItem(parameter, field: 9) }
        for (method, field) in [("patch", 8), ("delete", 5), ("post", 4), ("put", 3), ("get", 2)] {
            guard let operation = value[method] else { continue }
            write(field: field) { $0.operation(operation) }
        }
    }

    private mutating func operation(_ value: Value) {
        extensions(of: value, field: 13)
        for scheme in (value["schemes"]?.array ?? []).reversed() { text(scheme, field: 10) }
        write(field: 9) { responses in
            responses.named(value["responses"], field: 1) { response, content in
                response.write(field: 1) { answer in
                    if let schema = content["schema"] { answer.write(field: 2) { $0.write(field: 1) { $0.schema(schema) } } }
                    answer.text(content["description"], field: 1)
                }
            }
        }
        for parameter in (value["parameters"]?.array ?? []).reversed() { self.parameterItem(parameter, field: 8) }
        for form in (value["consumes"]?.array ?? []).reversed() { text(form, field: 7) }
        for form in (value["produces"]?.array ?? []).reversed() { text(form, field: 6) }
        text(value["operationId"], field: 5)
        text(value["description"], field: 3)
        for tag in (value["tags"]?.array ?? []).reversed() { text(tag, field: 1) }
    }

    /// A parameter, or where it is described.
    private mutating func parameterItem(_ value: Value, field: Int) {
        write(field: field) { item in
            if let place = value["$ref"] { return item.write(field: 2) { $0.text(place, field: 1) } }
            item.write(field: 1) { $0.parameter(value) }
        }
    }

    /// A parameter of the body, of the path or of the query: three messages with other numbers.
    fileprivate mutating func parameter(_ value: Value) {
        if value["in"] == "body" {
            return write(field: 1) { body in
                if let schema = value["schema"] { body.write(field: 5) { $0.schema(schema) } }
                if value["required"] == true { body.write(1, field: 4) }
                body.text(value["in"], field: 3)
                body.text(value["name"], field: 2)
                body.text(value["description"], field: 1)
            }
        }
        let isInPath = value["in"] == "path"
        write(field: 2) { nonBody in
            nonBody.write(field: isInPath ? 4 : 3) { writer in
                if value["uniqueItems"] == true { writer.write(1, field: isInPath ? 19 : 20) }
                writer.text(value["type"], field: isInPath ? 5 : 6)
                writer.text(value["name"], field: 4)
                writer.text(value["description"], field: 3)
                writer.text(value["in"], field: 2)
                if value["required"] == true { writer.write(1, field: 1) }
            }
        }
    }
}
