import API
import APIMachinery
import APIServer
import Client
import Testing
import Wire

/// Answers that are not just an object, as clients see them over HTTP.
@Suite(.timeLimit(.minutes(5))) struct AnswersTests {
    private static let maps = "/api/v1/namespaces/default/configmaps"
    private static let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    private static let table = "application/json;as=Table;v=v1;g=meta.k8s.io"

    @Test func `the root tells which paths there are`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            try await tabs.define(CronTab.definition([CronTab.version("v1", CronTab.schema([:]))]))
            let answer = try await tabs.ask(.get, "/")
            #expect(answer.code == 200)
            let paths = (answer.value["paths"]?.array ?? []).compactMap(\.string)
            #expect(paths == paths.sorted())
            let known = [
                "/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1",
                "/apis/stable.example.com/v1", "/healthz", "/livez/ping", "/metrics", "/openapi/v2", "/openapi/v3",
                "/openid/v1/jwks", "/readyz", "/version",
            ]
            #expect(Set(known).isSubset(of: paths))
            for path in paths { #expect(try await tabs.ask(.get, path).code == 200, "\(path)") }
        }
    }

    @Test func `only what Kubernetes answers by other means than its own resources takes HEAD`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            try await tabs.define(CronTab.definition([CronTab.version("v1", CronTab.schema([:]))]))
            let refused = [
                Self.maps, Self.maps + "/none", "/api/v1/pods?watch=true", "/api/v1/namespaces/default/pods/p/log", "/api",
                "/api/v1", "/version", "/openid/v1/jwks",
            ]
            for path in refused {
                #expect(try await tabs.ask(.head, path).code == 405, "\(path)")
            }
            for path in ["/healthz", "/livez/ping", "/metrics", "/", "/apis", CronTab.path] {
                let answer = try await tabs.ask(.head, path)
                #expect(answer.code == 200, "\(path)")
                #expect(answer.value == "", "\(path)")
            }
            #expect(try await tabs.ask(.head, "/api/v1/namespaces/default/pods/p/nothing").code == 404)
        }
    }

    @Test func `what is only posted has no rows`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
            let review: Value = ["spec": ["nonResourceAttributes": ["path": "/", "verb": "get"]]]
            let refused = try await tabs.ask(.post, path, review, ["Accept": Self.table])
            #expect(refused.code == 406)
            #expect(refused.value["reason"] == "NotAcceptable")
            let taken = try await tabs.ask(.post, path, review, ["Accept": "\(Self.table), application/json"])
            #expect(taken.code == 201)
            #expect(taken.value["kind"] == "SelfSubjectAccessReview")
        }
    }

    @Test(arguments: [
        ("?gracePeriodSeconds=abc", [:], 400), ("?gracePeriodSeconds=-1", [:], 200),
        ("", ["preconditions": ["resourceVersion": "abc"]], 409), ("", ["preconditions": ["uid": "abc"]], 409),
        ("", ["dryRun": "All"], 400), ("", ["kind": "ConfigMap", "apiVersion": "v1"], 400),
        ("", ["kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": "0"], 400),
        ("", ["kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "gracePeriodSeconds": 0], 200),
        ("", ["apiVersion": "v1", "kind": "DeleteOptions"], 200),
    ] as [(String, Value, Int)])
    func `nothing is deleted by a wish that cannot be read`(query: String, options: Value, code: Int) async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            let name = ObjectName(namespace: "default", name: "a")
            try await api.server.client().create(ConfigMap(namespace: "default", name: "a"))
            #expect(try await tabs.ask(.delete, Self.maps + "/a" + query, options).code == code)
            let rest = try await api.server.client().find(ConfigMap.self, name)
            #expect((rest == nil) == (code == 200))
        }
    }

    @Test(arguments: ["limit=abc", "timeoutSeconds=abc&watch=1", "timeoutSeconds=abc", "resourceVersion=abc"])
    func `a number that is none is refused`(query: String) async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            #expect(try await tabs.ask(.get, Self.maps + "?" + query).code == 400)
        }
    }

    @Test(arguments: [
        ("/api/v1/configmaps", #""spec.x" is not a known field selector: only "metadata.name", "metadata.namespace""#),
        (
            "/apis/apps/v1/deployments",
            #""spec.x" is not a known field selector: only "metadata.name", "metadata.namespace""#
        ),
        ("/api/v1/pods", "field label not supported: spec.x"),
    ])
    func `what cannot be selected is refused in the words of its kind`(path: String, words: String) async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            let answer = try await tabs.ask(.get, path + "?fieldSelector=spec.x%3Dy")
            #expect(answer.code == 400)
            #expect(answer.value["message"]?.string == words)
        }
    }

    @Test(arguments: [("limit=-1", 3), ("limit=0", 3), ("limit=2", 2), ("timeoutSeconds=-1", 3)])
    func `fewer than none is no limit`(query: String, count: Int) async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            for name in ["a", "b", "c"] {
                try await api.server.client().create(ConfigMap(namespace: "default", name: name))
            }
            #expect(try await tabs.ask(.get, Self.maps + "?" + query).value["items"]?.array?.count == count)
        }
    }

    @Test func `nobody on the way keeps what may change`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("a", rules: [["nonResourceURLs": ["*"], "verbs": ["get"]]])
            for path in ["/version", "/api", "/apis/apps", "/apis/apps/v1", "/openapi/v2", "/openapi/v3", "/metrics", "/livez"] {
                let answer = try await api.send(.get, path, token: token)
                #expect(Array(answer.headers.values(of: "Cache-Control")) == ["no-cache, private"], "\(path)")
            }
            let keys = try await api.send(.get, "/openid/v1/jwks", token: token)
            #expect(Array(keys.headers.values(of: "Cache-Control")) == ["public, max-age=3600"])
        }
    }

    @Test func `a deletion tells of the object only where Kubernetes does`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            let names: Value = ["plural": "services", "singular": "service", "kind": "Service"]
            var definition = CronTab.definition(
                [CronTab.version("v1", CronTab.schema([:]))], ["names": names])
            definition[path: ["metadata", "name"]] = "services.stable.example.com"
            try await tabs.define(definition)
            let path = "/apis/stable.example.com/v1/namespaces/default/services"
            var object = CronTab.object("a", [:])
            object["kind"] = "Service"
            #expect(try await tabs.ask(.post, path, object).code == 201)
            #expect(try await tabs.ask(.delete, path + "/a").value["kind"] == "Status")
            let service: Value = ["metadata": ["name": "a"], "spec": ["ports": [["port": 80]]]]
            let services = "/api/v1/namespaces/default/services"
            #expect(try await tabs.ask(.post, services, service).code == 201)
            let deleted = try await tabs.ask(.delete, services + "/a").value
            #expect(deleted["kind"] == "Service")
        }
    }

    @Test func `what names an object that was there is no wish for a new one`() async throws {
        try await ApplyWorld.run { world in
            let lease: Value = [
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": ["name": "a", "uid": "u"],
            ]
            let put = try await world.send(.put, Self.leases + "/a", "application/json", lease)
            #expect(put.code == 409)
            #expect(
                put.value["message"]?.string
                    == #"Operation cannot be fulfilled on leases.coordination.k8s.io "a": StorageError: invalid object, "#
                    + "Code: 4, Key: /registry/leases/default/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: "
                    + "UID in precondition: u, UID in object meta: ")
            let applied = try await world.apply(Self.leases + "/a", lease, manager: "me")
            #expect(applied.code == 409)
            #expect(
                applied.value["message"]?.string
                    == #"Operation cannot be fulfilled on leases.coordination.k8s.io "a": uid mismatch: "#
                    + "the provided object specified uid u, and no existing object was found")
        }
    }

    @Test(arguments: ["?dryRun=", "?dryRun=All&dryRun="])
    func `a dry run that says nothing is neither one nor a write`(query: String) async throws {
        try await TestAPI.run { api in
            let token = try await api.token("a", rules: [["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]])
            let maps = "/api/v1/namespaces/default/configmaps"
            let body: Value = ["metadata": ["name": "m"]]
            let answer = try await api.ask(.post, maps + query, token: token, body: body)
            #expect(answer.code == 422)
            #expect(answer.text.contains("dryRun: Unsupported value"))
            #expect(try await api.ask(.get, maps + "/m", token: token).code == 404)
        }
    }

    @Test func `a scale is shown as a scale`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("a", rules: [["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]])
            let template: Value = [
                "metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "c", "image": "i"]]],
            ]
            _ = try await api.server.client().create(
                Target(.deployments, namespace: "default"),
                [
                    "metadata": ["name": "d"],
                    "spec": ["replicas": 3, "selector": ["matchLabels": ["a": "b"]], "template": template],
                ], WriteOptions())
            let answer = try await api.ask(
                .get, "/apis/apps/v1/namespaces/default/deployments/d/scale", token: token,
                headers: ["Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"])
            let table = try Value(json: Array(answer.text.utf8))
            let columns = (table["columnDefinitions"]?.array ?? []).compactMap { $0["name"]?.string }
            #expect(columns == ["Name", "Desired", "Available", "Age"])
            let cells = table["rows"]?.array?.first?["cells"]?.array ?? []
            #expect(cells.prefix(3) == ["d", 3, 0])
        }
    }

    @Test func `pages of other origins use the API if they may`() async throws {
        try await TestAPI.run { $0.crossOrigin = try CrossOrigin(["^https://good[.]example$"]) } _: { api in
            let token = try await api.token("a", rules: [["nonResourceURLs": ["*"], "verbs": ["*"]]])
            func ask(_ method: HTTPMethod, _ origin: String) async throws -> HTTPClientResponse {
                try await api.send(method, "/version", token: token, headers: ["Origin": origin])
            }
            let good = try await ask(.get, "https://good.example")
            #expect(good.status.code == 200)
            #expect(good.headers["Access-Control-Allow-Origin"] == "https://good.example")
            #expect(good.headers["Access-Control-Allow-Credentials"] == "true")
            let asked = try await ask(.options, "https://good.example")
            #expect(asked.status.code == 204)
            #expect(asked.headers["Access-Control-Allow-Methods"] == "POST, GET, OPTIONS, PUT, DELETE, PATCH")
            let bad = try await ask(.get, "https://good.example.org")
            #expect(bad.status.code == 200)
            #expect(bad.headers["Access-Control-Allow-Origin"] == nil)
            let refused = try await ask(.options, "https://bad.example")
            #expect(refused.status.code != 204)
        }
    }
}
