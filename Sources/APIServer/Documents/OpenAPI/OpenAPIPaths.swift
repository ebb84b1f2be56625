import API
import APIMachinery

/// Describes the operations on resources, as far as clients look them up: which kind a path is about, what can be done
/// to it, and which query parameters that takes.
struct OpenAPIPaths {
    let dialect: OpenAPISchemas.Dialect

    /// The paths of one resource and its subresources.
    func paths(of definition: ResourceDefinition) -> [(path: String, item: Value)] {
        let base = definition.resource.apiPath
        let scope = definition.isNamespaced ? base + "/namespaces/{namespace}" : base
        let collection = scope + "/" + definition.resource.resource
        let kind = definition.groupVersionKind
        var paths: [(String, Value)] = []
        let verbs = Set(definition.verbs)
        paths.append((collection, item(collection, kind, verbs, ["list": "get", "create": "post", "deletecollection": "delete"])))
        if definition.isNamespaced, verbs.contains("list") {
            let all = base + "/" + definition.resource.resource
            paths.append((all, item(all, kind, verbs, ["list": "get"])))
        }
        let single = ["get": "get", "update": "put", "patch": "patch", "delete": "delete"]
        if !verbs.isDisjoint(with: single.keys) {
            let path = collection + "/{name}"
            paths.append((path, item(path, kind, verbs, single)))
        }
        for subresource in definition.subresources {
            let path = collection + "/{name}/" + subresource.name
            let methods = ["get": "get", "update": "put", "patch": "patch", "create": "post", "delete": "delete"]
            paths.append((path, item(path, subresource.kind, Set(subresource.verbs), methods)))
        }
        return paths
    }

    private func item(
        _ path: String, _ kind: GroupVersionKind, _ verbs: Set<String>, _ methods: [String: String]
    ) -> Value {
        var item = Value.emptyObject
        for (verb, method) in methods where verbs.contains(verb) {
            var operation: Value = [
                "operationId": .string(Self.operationID(verb, path)),
                "responses": ["200": ["description": "OK"]],
                "x-kubernetes-action": .string(Self.actions[verb] ?? verb),
                "x-kubernetes-group-version-kind": [
                    "group": .string(kind.group), "kind": .string(kind.kind), "version": .string(kind.version),
                ],
            ]
            operation["parameters"] = .array((Self.queryParameters[verb] ?? []).map { parameter($0, in: "query") })
            item[method] = operation
        }
        let parameters = ["name", "namespace"].filter { path.contains("{\($0)}") }.map { parameter($0, in: "path") }
        if !parameters.isEmpty { item["parameters"] = .array(parameters) }
        return item
    }

    private static let actions = ["create": "post", "update": "put", "patch": "patch"]

    private static let queryParameters: [String: [String]] = [
        "create": ["dryRun", "fieldManager", "fieldValidation"],
        "update": ["dryRun", "fieldManager", "fieldValidation"],
        "patch": ["dryRun", "fieldManager", "fieldValidation", "force"],
        "delete": ["dryRun", "gracePeriodSeconds", "propagationPolicy"],
        "list": [
            "allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion",
            "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch",
        ],
        "deletecollection": ["continue", "dryRun", "fieldSelector", "labelSelector", "limit", "propagationPolicy"],
    ]

    private func parameter(_ name: String, in place: String) -> Value {
        let type: Value
        switch name {
        case "limit", "timeoutSeconds", "gracePeriodSeconds": type = "integer"
        case "allowWatchBookmarks", "force", "sendInitialEvents", "watch": type = "boolean"
        default: type = "string"
        }
        var parameter: Value = ["name": .string(name), "in": .string(place)]
        if place == "path" { parameter["required"] = true }
        // Swagger 2 has no schema there.
        if dialect == .three { parameter["schema"] = ["type": type, "uniqueItems": true] } else { parameter["type"] = type }
        return parameter
    }

    /// Unique, and made of what generators of client code accept.
    private static func operationID(_ verb: String, _ path: String) -> String {
        verb + path.split { !$0.isLetter && !$0.isNumber }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
