import API
import APIMachinery
import Client
import Support
import Synchronization
import Testing
import Wire

@testable import APIServer

/// Whole servers that ask webhooks of the test's own.
@Suite(.timeLimit(.minutes(5))) struct WebhookServerTests {
    /// What webhooks were asked, in order.
    private final class Journal: Sendable {
        private let reviews = Mutex<[(path: String, request: Value)]>([])
        func add(_ path: String, _ request: Value) { reviews.withLock { $0.append((path, request)) } }
        var paths: [String] { reviews.withLock { $0.map(\.path) } }
        func first(_ path: String) -> Value? { reviews.withLock { $0.first { $0.path == path }?.request } }
    }

    /// Runs a server of webhooks that answer as `respond` says (the response without its uid), and an API server.
    private func run(
        _ journal: Journal = Journal(), respond: @escaping @Sendable (_ path: String, _ request: Value) -> Value,
        _ body: @escaping @Sendable (TestAPI, TestWebhook, Journal) async throws -> Void
    ) async throws {
        let answer: TestWebhook.Answer = { request, bytes in
            let review = try Value(json: bytes)
            let question = review["request"] ?? .emptyObject
            journal.add(request.path, question)
            var response = respond(request.path, question)
            if response["fails"] != nil { return (500, Array("oh".utf8)) }
            response["uid"] = question["uid"]
            return (
                200,
                ([
                    "kind": "AdmissionReview", "apiVersion": review["apiVersion"] ?? .null, "response": response,
                ] as Value).json
            )
        }
        try await TestWebhook.run(answer: answer) { webhook in
            try await TestAPI.run { api in try await body(api, webhook, journal) }
        }
    }

    private static func webhook(
        _ server: TestWebhook, _ path: String, resources: [String] = ["configmaps"], operations: [String] = ["*"],
        _ more: Value = [:]
    ) -> Value {
        var webhook: Value = [
            "name": .string(path.dropFirst() + ".hooks.test"), "clientConfig": server.clientConfig(path),
            "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "rules": [
                [
                    "operations": Value(operations), "apiGroups": ["*"], "apiVersions": ["*"],
                    "resources": Value(resources),
                ]
            ],
        ]
        for (key, value) in more.fields ?? Fields() { webhook[key] = value }
        return webhook
    }

    private static func configure(
        _ api: TestAPI, _ resource: GroupVersionResource, _ name: String, _ webhooks: [Value]
    ) async throws {
        _ = try await api.server.client().create(
            Target(resource), ["metadata": ["name": .string(name)], "webhooks": .array(webhooks)], WriteOptions())
    }

    private static func patch(_ operations: Value) -> Value {
        [
            "allowed": true, "patchType": "JSONPatch", "patch": .string(Base64.encode(operations.json)),
        ]
    }

    private static let maps = Target(.configMaps, namespace: "default")
    private static func map(_ name: String, _ data: Value = [:]) -> Value {
        ["metadata": ["name": .string(name)], "data": data]
    }

    @Test func `webhooks change an object in order, and see what others changed after them`() async throws {
        try await run(respond: { path, request in
            let data = request.at("object", "data")
            switch path {
            case "/first":
                // In the second round it finds what the other one did.
                let text = data?["second"] == nil ? "alone" : "with second"
                return Self.patch([["op": "add", "path": "/data/first", "value": .string(text)]])
            default: return Self.patch([["op": "add", "path": "/data/second", "value": "x"]])
            }
        }) { api, server, journal in
            try await Self.configure(
                api, .mutatingWebhookConfigurations, "b", [Self.webhook(server, "/second", operations: ["CREATE"])])
            try await Self.configure(
                api, .mutatingWebhookConfigurations, "a",
                [Self.webhook(server, "/first", ["reinvocationPolicy": "IfNeeded"])])
            let made = try await api.server.client().create(Self.maps, Self.map("m", ["own": "1"]), WriteOptions())
            #expect(made.value["data"] == ["own": "1", "first": "with second", "second": "x"])
            #expect(journal.paths == ["/first", "/second", "/first"])
            let question = try #require(journal.first("/first"))
            #expect(question["kind"] == ["group": "", "version": "v1", "kind": "ConfigMap"])
            #expect(question["resource"] == ["group": "", "version": "v1", "resource": "configmaps"])
            #expect(question["operation"] == "CREATE")
            #expect(question["namespace"] == "default")
            #expect(question["oldObject"] == .null)
            #expect(question["dryRun"] == false)
            #expect(question.at("userInfo", "username") == "system:apiserver")
            #expect(question.at("options", "kind") == "CreateOptions")
            #expect(question.at("object", "data", "own") == "1")
        }
    }

    @Test func `webhooks are shown who owns what, and do not change it`() async throws {
        try await run(respond: { path, _ in
            guard path == "/create" else { return ["allowed": true] }
            return Self.patch([
                ["op": "remove", "path": "/metadata/managedFields"], ["op": "add", "path": "/data/more", "value": "x"],
            ])
        }) { api, server, journal in
            try await Self.configure(
                api, .mutatingWebhookConfigurations, "m",
                ["CREATE", "UPDATE", "DELETE"].map { operation in
                    Self.webhook(server, "/" + operation.lowercased(), operations: [operation])
                })
            let token = try await api.token(
                "me", rules: [["apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]]])
            let path = "/api/v1/namespaces/default/configmaps"
            func send(_ method: HTTPMethod, _ path: String, _ body: Value?) async throws -> Value {
                let type = method == .patch ? "application/merge-patch+json" : "application/json"
                let answer = try await api.send(
                    method, path, token: token, headers: ["Content-Type": type], body: body)
                #expect(answer.status.code < 300)
                return try Value(json: try await answer.body.collect(limit: 100_000))
            }
            func managers(_ object: Value?) -> [String] {
                (object?.at("metadata", "managedFields")?.array ?? []).compactMap { $0["manager"]?.string }
            }
            let made = try await send(.post, path + "?fieldManager=one", Self.map("m", ["own": "1"]))
            #expect(made["data"] == ["own": "1", "more": "x"])
            #expect(managers(made) == ["one"])
            _ = try await send(.patch, path + "/m?fieldManager=two", ["data": ["other": "2"]])
            _ = try await send(.delete, path + "/m", nil)
            #expect(managers(journal.first("/create")?["object"]) == ["one"])
            let update = try #require(journal.first("/update"))
            #expect(managers(update["object"]) == ["one", "two"])
            #expect(managers(update["oldObject"]) == ["one"])
            #expect(managers(journal.first("/delete")?["oldObject"]) == ["one", "two"])
        }
    }

    @Test func `of a collection that is deleted each object is shown, and no name was asked for`() async throws {
        try await run(respond: { _, _ in ["allowed": true] }) { api, server, journal in
            let client = api.server.client()
            _ = try await client.create(Self.maps, Self.map("m"), WriteOptions())
            try await Self.configure(
                api, .validatingWebhookConfigurations, "v",
                [Self.webhook(server, "/many", operations: ["DELETE"])])
            let token = try await api.token(
                "me", rules: [["apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]]])
            let path = "/api/v1/namespaces/default/configmaps"
            let gone = try await api.ask(.delete, path + "?fieldSelector=metadata.name%3Dm", token: token)
            #expect(gone.code == 200, "\(gone.text)")
            let question = try #require(journal.first("/many"))
            #expect(question["name"]?.string ?? "" == "")
            #expect(question["namespace"] == "default")
            #expect(question["operation"] == "DELETE")
            #expect(question.at("options", "kind") == "DeleteOptions")
            #expect(question.at("oldObject", "metadata", "name") == "m")
        }
    }

    @Test func `a denied request is told why, with the webhook's code, reason and warnings`() async throws {
        try await run(respond: { _, request in
            guard request["operation"] == "DELETE" || request.at("object", "data", "bad") != nil else {
                return ["allowed": true, "warnings": ["think again"]]
            }
            return [
                "allowed": false, "warnings": ["you were told"],
                "status": ["code": 409, "reason": "Conflict", "message": "not so"],
            ]
        }) { api, server, _ in
            try await Self.configure(
                api, .validatingWebhookConfigurations, "v", [Self.webhook(server, "/a"), Self.webhook(server, "/b")])
            let token = try await api.token(
                "me", rules: [["apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]]])
            let path = "/api/v1/namespaces/default/configmaps"
            let good = try await api.send(.post, path, token: token, body: Self.map("good"))
            #expect(good.status.code == 201)
            #expect(good.headers["Warning"] == "299 - \"think again\"")
            let bad = try await api.send(.post, path, token: token, body: Self.map("bad", ["bad": "1"]))
            #expect(bad.status.code == 409)
            #expect(bad.headers["Warning"] == "299 - \"you were told\"")
            let status = try #require(Status(try Value(json: try await bad.body.collect(limit: 10_000))))
            #expect(status.message == "admission webhook \"a.hooks.test\" denied the request: not so")
            #expect(status.reason == .conflict)
            let gone = try await api.ask(.delete, path + "/good", token: token)
            #expect(gone.code == 409)
        }
    }

    @Test func `a webhook that fails closes the door, or leaves it open if it is told to`() async throws {
        try await run(respond: { path, _ in path == "/down" ? ["fails": true] : ["allowed": true] }) { api, server, _ in
            let client = api.server.client()
            try await Self.configure(
                api, .mutatingWebhookConfigurations, "m",
                [Self.webhook(server, "/down", ["failurePolicy": "Ignore"])])
            _ = try await client.create(Self.maps, Self.map("open"), WriteOptions())
            try await Self.configure(api, .validatingWebhookConfigurations, "v", [Self.webhook(server, "/down")])
            await #expect {
                _ = try await client.create(Self.maps, Self.map("closed"), WriteOptions())
            } throws: {
                let status = $0 as? Status
                return status?.code == 500
                    && status?.message == "Internal error occurred: failed calling webhook \"down.hooks.test\": failed "
                        + "to call webhook: an error on the server (\"oh\") has prevented the request from succeeding"
            }
            // A broken webhook does not stand in the way of its own removal.
            _ = try await client.delete(
                Target(.validatingWebhookConfigurations, name: "v"), DeletionOptions())
            _ = try await client.create(Self.maps, Self.map("closed"), WriteOptions())
            let token = try await api.token("me", rules: [["nonResourceURLs": ["/metrics"], "verbs": ["get"]]])
            let metrics = try await api.ask(.get, "/metrics", token: token).text
            #expect(
                metrics.contains("apiserver_admission_webhook_fail_open_count{name=\"down.hooks.test\",type=\"admit\"}"))
            #expect(
                metrics.contains(
                    "apiserver_admission_webhook_rejection_count{error_type=\"calling_webhook_error\","
                        + "name=\"down.hooks.test\",operation=\"CREATE\",rejection_code=\"500\",type=\"validating\"} 1"))
            #expect(metrics.contains("apiserver_admission_webhook_admission_duration_seconds_bucket"))
        }
    }

    @Test func `a patched object is completed, and refused like any other`() async throws {
        try await run(respond: { _, request in
            let isBad = request.at("object", "metadata", "name") == "bad"
            let rule: Value = [
                "op": "add", "path": "/spec/containers/-",
                "value": ["name": .string(isBad ? "No Name" : "extra"), "image": "i"],
            ]
            return Self.patch([rule])
        }) { api, server, _ in
            let client = api.server.client()
            try await Self.configure(
                api, .mutatingWebhookConfigurations, "m",
                [Self.webhook(server, "/pods", resources: ["pods"], operations: ["CREATE"])])
            _ = try? await client.create(
                Target(.serviceAccounts, namespace: "default"), ["metadata": ["name": "default"]], WriteOptions())
            func pod(_ name: String) -> Value {
                ["metadata": ["name": .string(name)], "spec": ["containers": [["name": "own", "image": "i"]]]]
            }
            let made = try await client.create(Target(.pods, namespace: "default"), pod("good"), WriteOptions())
            let extra = made.value.at("spec", "containers")?.array?.last
            #expect(extra?["name"] == "extra")
            #expect(extra?["imagePullPolicy"] == "Always")
            await #expect {
                _ = try await client.create(Target(.pods, namespace: "default"), pod("bad"), WriteOptions())
            } throws: { ($0 as? Status)?.reason == .invalid }
        }
    }

    @Test func `a dry run asks only webhooks without side effects`() async throws {
        try await run(respond: { _, _ in ["allowed": true] }) { api, server, journal in
            let client = api.server.client()
            try await Self.configure(
                api, .validatingWebhookConfigurations, "v",
                [Self.webhook(server, "/dry", ["sideEffects": "NoneOnDryRun"])])
            _ = try await client.create(Self.maps, Self.map("m"), WriteOptions(isDryRun: true))
            #expect(journal.first("/dry")?["dryRun"] == true)
        }
        // What was stored by older versions may still have them.
        let old = AdmissionWebhook(["name": "old", "sideEffects": "Unknown"], .mutating, of: "c", number: 0)
        #expect(!old.allowsDryRun)
    }

    @Test func `connections and other versions are judged too`() async throws {
        try await run(respond: { path, request in
            ["allowed": .bool(path == "/scalers" && request.at("object", "apiVersion") == "autoscaling/v1")]
        }) { api, server, journal in
            var scalers = Self.webhook(server, "/scalers")
            scalers["rules"] = [
                [
                    "operations": ["CREATE"], "apiGroups": ["autoscaling"], "apiVersions": ["v1"],
                    "resources": ["horizontalpodautoscalers"],
                ]
            ]
            try await Self.configure(
                api, .validatingWebhookConfigurations, "v",
                [Self.webhook(server, "/proxy", resources: ["services/proxy"], operations: ["CONNECT"]), scalers])
            let token = try await api.token(
                "me", rules: [["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]])
            let scaler: Value = [
                "metadata": ["name": "s"],
                "spec": [
                    "maxReplicas": 2, "scaleTargetRef": ["kind": "Deployment", "name": "d", "apiVersion": "apps/v1"],
                ],
            ]
            let made = try await api.ask(
                .post, "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", token: token, body: scaler)
            #expect(made.code == 201, "\(made.text)")
            #expect(journal.first("/scalers")?.at("requestKind", "version") == "v2")
            #expect(journal.first("/scalers")?.at("kind", "version") == "v1")
            try await Self.makeService(api)
            let proxied = try await api.ask(
                .get, "/api/v1/namespaces/default/services/web/proxy/x?path=y", token: token)
            #expect(
                proxied.text.contains("admission webhook \\\"proxy.hooks.test\\\" denied the request"), "\(proxied.text)")
            #expect(journal.first("/proxy")?.at("object", "kind") == "ServiceProxyOptions")
            #expect(journal.first("/proxy")?["subResource"] == "proxy")
        }
    }

    /// A service with an endpoint that nobody will be asked to reach.
    private static func makeService(_ api: TestAPI) async throws {
        let client = api.server.client()
        _ = try await client.create(
            Target(.services, namespace: "default"),
            ["metadata": ["name": "web"], "spec": ["ports": [["port": 80]]]], WriteOptions())
        _ = try await client.create(
            Target(.endpointSlices, namespace: "default"),
            [
                "metadata": ["name": "web-x", "labels": ["kubernetes.io/service-name": "web"]],
                "addressType": "IPv4", "ports": [["name": "", "port": 80]],
                "endpoints": [["addresses": ["10.9.9.9"], "conditions": ["ready": true]]],
            ], WriteOptions())
    }

    @Test func `configurations that make no sense are refused`() async throws {
        try await run(respond: { _, _ in [:] }) { api, server, _ in
            let client = api.server.client()
            func problem(_ changes: Value) async -> String {
                var webhook = Self.webhook(server, "/x")
                for (key, value) in changes.fields ?? Fields() { webhook[key] = value }
                do throws(Status) {
                    _ = try await client.create(
                        Target(.mutatingWebhookConfigurations),
                        ["metadata": ["name": "x"], "webhooks": [webhook]], WriteOptions(isDryRun: true))
                    return ""
                } catch {
                    return error.message
                }
            }
            #expect(await problem([:]) == "")
            #expect(await problem(["name": "x"]).contains("should be a domain with at least three segments"))
            #expect(await problem(["sideEffects": "Some"]).contains("webhooks[0].sideEffects: Unsupported value"))
            #expect(await problem(["timeoutSeconds": 31]).contains("the timeout value must be between 1 and 30 seconds"))
            #expect(await problem(["clientConfig": [:]]).contains("exactly one of url or service is required"))
            #expect(
                await problem(["clientConfig": ["url": "http://a/"]]).contains("'https' is the only allowed URL scheme"))
            #expect(
                await problem(["clientConfig": ["url": "https://u@a/?q#f"]]).contains("user information is not permitted"))
            #expect(await problem(["admissionReviewVersions": ["v2"]]).contains("must include at least one of v1, v1beta1"))
            #expect(
                await problem([
                    "rules": [
                        [
                            "operations": ["*", "CREATE"], "apiGroups": [], "apiVersions": ["v1"],
                            "resources": ["*/*", "pods"],
                        ]
                    ]
                ]).contains("if '*/*' is present, must not specify other resources"))
            let stored = try await client.create(
                Target(.mutatingWebhookConfigurations),
                ["metadata": ["name": "y"], "webhooks": [Self.webhook(server, "/x")]], WriteOptions(isDryRun: true))
            let webhook = stored.value["webhooks"]?.array?.first
            #expect(webhook?["timeoutSeconds"] == 10)
            #expect(webhook?["failurePolicy"] == "Fail")
            #expect(webhook?["rules"]?.array?.first?["scope"] == "*")
        }
    }
}
