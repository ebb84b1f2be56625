import APIMachinery
import APIServer
import Client
import Testing
import Wire

/// The kind of Kubernetes' own documentation, as far as the tests need it, and an account that may do everything.
struct CronTab: Sendable {
    static let group = "stable.example.com"
    static let name = "crontabs.stable.example.com"
    static let path = "/apis/stable.example.com/v1/namespaces/default/crontabs"

    let api: TestAPI
    let token: String

    init(_ api: TestAPI) async throws {
        self.api = api
        token = try await api.token(
            "tabs",
            rules: [
                ["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]], ["nonResourceURLs": ["*"], "verbs": ["*"]],
            ])
    }

    /// A schema whose `spec` has these properties.
    static func schema(_ spec: Value, required: [String] = []) -> Value {
        var object: Value = ["type": "object", "properties": spec]
        if !required.isEmpty { object["required"] = Value(required) }
        return [
            "type": "object",
            "properties": [
                "spec": object,
                "status": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
            ],
        ]
    }

    static func version(
        _ name: String = "v1", _ schema: Value, isStored: Bool = true, isServed: Bool = true, _ more: Value = [:]
    ) -> Value {
        var version = more
        version["name"] = .string(name)
        version["served"] = .bool(isServed)
        version["storage"] = .bool(isStored)
        version["schema"] = ["openAPIV3Schema": schema]
        return version
    }

    static func definition(_ versions: [Value], _ spec: Value = [:]) -> Value {
        var spec = spec
        spec["group"] = .string(group)
        spec["scope"] = spec["scope"] ?? "Namespaced"
        spec["names"] =
            spec["names"]
            ?? [
                "plural": "crontabs", "singular": "crontab", "kind": "CronTab", "shortNames": ["ct"],
                "categories": ["all"],
            ]
        spec["versions"] = .array(versions)
        return [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": ["name": .string(name)], "spec": spec,
        ]
    }

    static let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

    func ask(
        _ method: HTTPMethod, _ path: String, _ body: Value? = nil, _ headers: HTTPHeaders = [:]
    ) async throws -> (code: Int, value: Value) {
        let answer = try await api.ask(method, path, token: token, headers: headers, body: body)
        return (answer.code, (try? Value(json: Array(answer.text.utf8))) ?? .string(answer.text))
    }

    /// Creates a definition and waits until it is served.
    func define(_ definition: Value) async throws {
        let answer = try await ask(.post, Self.definitions, definition)
        try #require(answer.code == 201, "\(answer.value)")
        let name = definition.at("metadata", "name")?.string ?? ""
        try await wait(name) { object in
            object?.at("status", "conditions")?.array?.contains {
                $0["type"] == "Established" && $0["status"] == "True"
            }
                ?? false
        }
    }

    /// Waits until a definition is as `condition` says; `nil` means that it is gone.
    func wait(_ name: String, _ condition: @escaping @Sendable (Value?) -> Bool) async throws {
        let client = api.server.client()
        let set = try await client.observe(
            GroupVersionResource(
                group: "apiextensions.k8s.io", version: "v1", resource: "customresourcedefinitions"), .all)
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let observation = set.observe { _ in continuation.yield() }
        defer { observation.cancel() }
        if condition(set.get(ObjectName(name: name))?.value) { return }
        for await _ in stream where condition(set.get(ObjectName(name: name))?.value) { return }
    }

    /// Waits until earlier changes of definitions are served: one worker serves them in order, and now serves another,
    /// of the kind `name`.
    func settle(_ name: String = "tab") async throws {
        var other = Self.definition(
            [Self.version("v1", Self.schema([:]))],
            ["names": ["plural": .string(name + "s"), "singular": .string(name), "kind": .string("A" + name)]])
        other[path: ["metadata", "name"]] = .string(name + "s.stable.example.com")
        try await define(other)
    }

    static func object(_ name: String, _ spec: Value, version: String = "v1") -> Value {
        [
            "apiVersion": .string(group + "/" + version), "kind": "CronTab", "metadata": ["name": .string(name)],
            "spec": spec,
        ]
    }
}
