import API
import APIMachinery
import APIServer
import Client
import Wire

/// A server and a user of it.
struct ApplyWorld: Sendable {
    let api: TestAPI
    let token: String

    typealias Answer = (code: Int, value: Value)

    static func run(
        verbs: [String] = ["*"], _ body: @escaping @Sendable (ApplyWorld) async throws -> Void
    ) async throws {
        try await TestAPI.run { api in
            let rule: Value = ["apiGroups": ["*"], "resources": ["*"], "verbs": Value(verbs)]
            try await body(ApplyWorld(api: api, token: try await api.token("user", rules: [rule])))
        }
    }

    /// Makes the account that pods of the default namespace have.
    func allowPods() async throws {
        try await api.server.client().create(ServiceAccount(namespace: "default", name: "default"))
    }

    func apply(_ path: String, _ body: Value, manager: String) async throws -> Answer {
        let query = (path.contains("?") ? "&" : "?") + "fieldManager=" + manager
        return try await send(.patch, path + query, "application/apply-patch+yaml", body)
    }

    func get(_ path: String) async throws -> Answer {
        let answer = try await api.ask(.get, path, token: token)
        return (answer.code, try Value(json: answer.text))
    }

    func send(
        _ method: HTTPMethod, _ path: String, _ type: String, _ body: Value, agent: String = "test/1"
    ) async throws -> Answer {
        let answer = try await api.raw(
            method, path, token: token, type: type, headers: ["User-Agent": agent], body: body.json)
        return (answer.code, try Value(json: answer.bytes))
    }

    /// As lines `manager operation subresource set`.
    func owners(_ answer: Answer) -> [String] {
        (answer.value.at("metadata", "managedFields")?.array ?? []).map { entry in
            let texts = ["manager", "operation", "subresource"].map { entry[$0]?.string ?? "" }
            return texts.joined(separator: " ") + " " + (entry["fieldsV1"]?.description ?? "")
        }
    }
}
