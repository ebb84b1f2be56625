import API
import APIMachinery

/// Describes the operations on resources in the words of OpenAPI 3, as far as clients look them up: which kind a path is
/// about, what can be done to it, and which parameters that takes. What bodies hold is not told again.
enum OpenAPIPaths {
    static func item(_ path: APIPath) -> Value {
        var item = Value.emptyObject
        for one in path.operations {
            var operation: Value = [
                "operationId": .string(one.name.id), "tags": [.string(one.name.tag)],
                "responses": ["200": ["description": "OK"]], "x-kubernetes-action": .string(one.action),
                "x-kubernetes-group-version-kind": [
                    "group": .string(one.kind.group), "kind": .string(one.kind.kind), "version": .string(one.kind.version),
                ],
            ]
            operation["parameters"] = .array(one.query.map { parameter($0, in: "query") })
            item[one.method] = operation
        }
        let inPath = ["name", "namespace", "path"].filter { path.path.contains("{\($0)}") }
        let parameters = inPath.map { parameter($0, in: "path") } + path.query.map { parameter($0, in: "query") }
        if !parameters.isEmpty { item["parameters"] = .array(parameters) }
        return item
    }

    private static func parameter(_ name: String, in place: String) -> Value {
        var parameter: Value = [
            "name": .string(name), "in": .string(place),
            "schema": ["type": place == "path" ? "string" : OpenAPIParameters.type(name), "uniqueItems": true],
        ]
        if place == "path" { parameter["required"] = true }
        return parameter
    }
}
