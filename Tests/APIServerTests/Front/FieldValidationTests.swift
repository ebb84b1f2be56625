import API
import APIMachinery
import APIServer
import Client
import Testing
import Wire

/// Unknown and duplicate fields, and warnings, over HTTP.
@Suite(.timeLimit(.minutes(5))) struct FieldValidationTests {
    private static let all: Value = ["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]
    private static let maps = "/api/v1/namespaces/default/configmaps"
    private static let pods = "/api/v1/namespaces/default/pods"

    private struct Answer {
        var code: Int
        var message: String
        var warnings: [String]
    }

    private static func send(
        _ api: TestAPI, _ method: HTTPMethod, _ path: String, _ token: String, _ type: String, _ body: String
    ) async throws -> Answer {
        let response = try await api.send(
            method, path, token: token, headers: ["Content-Type": type], text: body)
        let text = try await response.body.collect(limit: 1 << 20)
        return Answer(
            code: response.status.code, message: (try? Value(json: text))?["message"]?.string ?? "",
            warnings: response.headers.values(of: "Warning"))
    }

    @Test func `fields that nobody knows or that come twice are refused, told or passed over`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("writer", rules: [Self.all])
            let json = #"{"metadata":{"name":"a"},"dat":{"x":"1"},"data":{"x":"1"},"data":{"x":"2"}}"#
            func post(_ mode: String, _ type: String, _ body: String) async throws -> Answer {
                try await Self.send(
                    api, .post, Self.maps + "?dryRun=All&fieldValidation=" + mode, token, type, body)
            }
            let strict = try await post("Strict", "application/json", json)
            #expect(strict.code == 400)
            #expect(
                strict.message.hasSuffix(
                    #"strict decoding error: unknown field "dat", duplicate field "data""#), "\(strict.message)")
            let warned = try await post("Warn", "application/json", json)
            #expect(warned.code == 201)
            #expect(
                warned.warnings == [#"299 - "unknown field \"dat\"""#, #"299 - "duplicate field \"data\"""#])
            let ignored = try await post("Ignore", "application/json", json)
            #expect(ignored.code == 201 && ignored.warnings == [])

            let yaml = "metadata:\n  name: a\n  labels: {a: b}\n  labels: {a: c}\ndata:\n  x: y\n  x: z\n"
            let lines = "yaml: unmarshal errors:\n  line 4: key \"labels\" already set in map"
                + "\n  line 7: key \"x\" already set in map"
            let refused = try await post("Strict", "application/yaml", yaml)
            #expect(refused.code == 400)
            #expect(refused.message.hasSuffix("strict decoding error: " + lines), "\(refused.message)")
            let told = [(4, "labels"), (7, "x")].map {
                #"299 - "line \#($0.0): key \"\#($0.1)\" already set in map""#
            }
            #expect(try await post("Warn", "application/yaml", yaml).warnings == told)
            #expect(try await post("Ignore", "application/yaml", yaml).code == 201)

            func apply(_ mode: String) async throws -> Answer {
                try await Self.send(
                    api, .patch, Self.maps + "/a?dryRun=All&fieldManager=me&fieldValidation=" + mode, token,
                    "application/apply-patch+yaml", yaml + "apiVersion: v1\nkind: ConfigMap\n")
            }
            let unapplied = try await apply("Strict")
            #expect(unapplied.code == 400)
            #expect(
                unapplied.message == "error strict decoding YAML: error converting YAML to JSON: " + lines,
                "\(unapplied.message)")
            #expect(try await apply("Warn").warnings == told)
            #expect(try await apply("Ignore").warnings == [])
        }
    }

    @Test func `patches are held to the same`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("writer", rules: [Self.all])
            _ = try await api.server.client().create(
                Target(.configMaps, namespace: "default"), ["metadata": ["name": "a"]], WriteOptions())
            let bodies = [
                ("application/merge-patch+json", #"{"metadata":{"labes":{"a":"b"}}}"#),
                ("application/strategic-merge-patch+json", #"{"metadata":{"labes":{"a":"b"}}}"#),
                ("application/json-patch+json", #"[{"op":"add","path":"/metadata/labes","value":{"a":"b"}}]"#),
            ]
            for (type, body) in bodies {
                func patch(_ mode: String) async throws -> Answer {
                    try await Self.send(
                        api, .patch, Self.maps + "/a?fieldValidation=" + mode, token, type, body)
                }
                let strict = try await patch("Strict")
                #expect(strict.code == 422, "\(type)")
                #expect(
                    strict.message.contains(#"strict decoding error: unknown field "metadata.labes""#), "\(type)")
                #expect(try await patch("Warn").warnings == [#"299 - "unknown field \"metadata.labes\"""#])
                #expect(try await patch("Ignore").warnings == [])
            }
        }
    }

    @Test func `who writes what is good and not what was meant, or reads what is going, is warned`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("writer", rules: [Self.all])
            _ = try await api.server.client().create(ServiceAccount(namespace: "default", name: "default"))
            let pod = #"{"metadata":{"name":"a"},"spec":{"nodeSelector":{"beta.kubernetes.io/os":"linux"},"#
                + #""containers":[{"name":"c","image":"i"}]}}"#
            let made = try await Self.send(api, .post, Self.pods, token, "application/json", pod)
            #expect(made.code == 201)
            #expect(
                made.warnings == [
                    #"299 - "spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "#
                        + #"\"kubernetes.io/os\" instead""#
                ])
            let labelled = try await Self.send(
                api, .patch, Self.pods + "/a", token, "application/merge-patch+json", #"{"metadata":{"labels":{"a":"b"}}}"#)
            #expect(labelled.code == 200 && labelled.warnings == [])
            let words = #"299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice""#
            for path in ["/api/v1/endpoints", "/api/v1/endpoints?watch=true&timeoutSeconds=1"] {
                let list = try await api.send(.get, path, token: token)
                #expect(list.headers.values(of: "Warning") == [words], "\(path)")
            }
        }
    }
}
