import API
import APIMachinery

/// Writes paths and their operations in the words of OpenAPI 2.
enum SwaggerPaths {
    /// `isCustom` is of kinds that have no protobuf form.
    static func item(_ path: APIPath, isCustom: Bool) -> Value {
        var item = Value.emptyObject
        for one in path.operations { item[one.method] = operation(one, isCustom: isCustom) }
        var parameters: [Value] = []
        if path.path.contains("{name}") { parameters.append(pathParameter("name", "name of the \(path.named)")) }
        if path.path.contains("{namespace}") { parameters.append(reference("namespace")) }
        if path.path.contains("{path}") { parameters.append(reference("path-in-path")) }
        parameters += path.query.map(reference)
        if path.operations.contains(where: { $0.action != "connect" }) { parameters.append(reference("pretty")) }
        item["parameters"] = .array(parameters)
        return item
    }

    /// The parameters that operations refer to.
    static let parameters: Value = {
        var shared = Value.emptyObject
        for name in OpenAPIParameters.all {
            var parameter: Value = ["name": .string(name), "in": "query", "uniqueItems": true]
            parameter["type"] = OpenAPIParameters.type(name)
            let sentence = OpenAPIParameters.sentence(name)
            if !sentence.isEmpty { parameter["description"] = .string(sentence) }
            shared[name] = parameter
        }
        shared["namespace"] = pathParameter("namespace", "object name and auth scope, such as for teams and projects")
        shared["path-in-path"] = pathParameter("path", "path to the resource")
        shared[deleteOptions] = body("DeleteOptions")
        shared[patch] = body("Patch", isRequired: true)
        return shared
    }()

    private static let deleteOptions = "body-DeleteOptions"
    private static let patch = "body-Patch"

    private static func body(_ type: String, isRequired: Bool = false) -> Value {
        var body: Value = [
            "name": "body", "in": "body", "schema": schema(OpenAPIParameters.meta + type),
        ]
        if isRequired { body["required"] = true }
        return body
    }

    private static func pathParameter(_ name: String, _ description: String) -> Value {
        [
            "name": .string(name), "in": "path", "required": true, "type": "string", "uniqueItems": true,
            "description": .string(description),
        ]
    }

    private static func reference(_ name: String) -> Value { ["$ref": .string("#/parameters/" + name)] }

    private static func schema(_ type: String) -> Value { ["$ref": .string("#/definitions/" + type)] }

    // MARK: Operations

    private static func operation(_ one: APIOperation, isCustom: Bool) -> Value {
        var operation: Value = [
            "operationId": .string(one.name.id), "description": .string(one.description), "tags": [.string(one.name.tag)],
            "schemes": ["https"], "consumes": consumes(one, isCustom: isCustom),
            "produces": produces(one, isCustom: isCustom), "responses": responses(one), "x-kubernetes-action": .string(one.action),
            "x-kubernetes-group-version-kind": [
                "group": .string(one.kind.group), "kind": .string(one.kind.kind), "version": .string(one.kind.version),
            ],
        ]
        var parameters = one.query.map(reference)
        switch one.body {
        case .none: break
        case .object(let type):
            let content = type.map(schema) ?? ["type": "object"]
            parameters.insert(["name": "body", "in": "body", "required": true, "schema": content], at: 0)
        case .patch: parameters.insert(reference(patch), at: 0)
        case .deleteOptions: parameters.insert(reference(deleteOptions), at: 0)
        }
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        return operation
    }

    private static let any: Value = ["*/*"]
    private static let customForms: Value = ["application/json", "application/yaml"]
    private static let forms: Value = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]
    private static let streamForms: Value = [
        "application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/json;stream=watch",
        "application/vnd.kubernetes.protobuf;stream=watch",
    ]
    private static let patchForms: Value = [
        "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    ]
    private static let customPatchForms: Value = [
        "application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml",
    ]

    private static func consumes(_ one: APIOperation, isCustom: Bool) -> Value {
        if one.body == .patch { return isCustom ? customPatchForms : patchForms }
        return isCustom && one.body != .none ? customForms : any
    }

    private static func produces(_ one: APIOperation, isCustom: Bool) -> Value {
        if one.action == "connect" { return any }
        if isCustom { return customForms }
        switch one.answer {
        // A log.
        case .text: return ["text/plain", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]
        case .list, .events: return streamForms
        case .object: return forms
        }
    }

    private static func responses(_ one: APIOperation) -> Value {
        let content: Value =
            switch one.answer {
            case .text: ["type": "string"]
            case .object(let type), .list(let type): type.map(schema) ?? ["type": "object"]
            case .events: schema(OpenAPIParameters.meta + "WatchEvent")
            }
        var responses = Value.emptyObject
        for code in [200] + one.codes {
            responses[String(code)] = ["description": .string(reasons[code] ?? ""), "schema": content]
        }
        responses["401"] = unauthorized
        return responses
    }

    private static let unauthorized: Value = ["description": "Unauthorized"]
    private static let reasons = [200: "OK", 201: "Created", 202: "Accepted"]

    // MARK: Discovery

    private static let versionInfo = "io.k8s.apimachinery.pkg.version.Info"

    /// What paths refer to besides the types of resources.
    static let types =
        [
            "APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "DeleteOptions", "Patch", "Status", "WatchEvent",
        ].map { OpenAPIParameters.meta + $0 } + [versionInfo]

    /// The paths of discovery of these groups and versions, and of the server's version.
    static func discovery(_ versions: Set<GroupVersion>) -> [(path: String, item: Value)] {
        var paths = [
            ("/api/", read(OperationName("get", "APIVersions", group: "", version: ""), "APIVersions")),
            ("/apis/", read(id: "getAPIVersions", tag: "apis", OpenAPIParameters.meta + "APIGroupList")),
            (
                "/version/",
                read(id: "getCodeVersion", tag: "version", versionInfo, forms: ["application/json"])
            ),
        ]
        for group in Set(versions.map(\.group)) where !group.isEmpty {
            let name = OperationName("get", "APIGroup", group: group, version: "")
            paths.append(("/apis/\(group)/", read(name, "APIGroup")))
        }
        for version in versions {
            let name = OperationName("get", "APIResources", group: version.group, version: version.version)
            paths.append((version.path + "/", read(name, "APIResourceList")))
        }
        return paths
    }

    private static func read(_ name: OperationName, _ type: String) -> Value {
        read(id: name.id, tag: name.tag, OpenAPIParameters.meta + type)
    }

    private static func read(
        id: String, tag: String, _ type: String, forms: Value = SwaggerPaths.forms
    ) -> Value {
        [
            "get": [
                "operationId": .string(id), "description": "get what there is", "tags": [.string(tag)], "schemes": ["https"],
                "consumes": forms, "produces": forms,
                "responses": [
                    "200": ["description": "OK", "schema": schema(type)],
                    "401": unauthorized,
                ],
            ]
        ]
    }

    /// A version of a group.
    struct GroupVersion: Hashable {
        var group: String
        var version: String
        /// `/apis/apps/v1`
        var path: String

        init(_ resource: GroupVersionResource) {
            (group, version, path) = (resource.group, resource.version, resource.apiPath)
        }
    }
}
