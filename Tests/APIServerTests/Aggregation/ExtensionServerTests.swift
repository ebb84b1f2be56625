import API
import APIMachinery
import Client
import Logging
import PKI
import Support
import Synchronization
import Testing
import Wire

@testable import APIServer

/// A whole API server with an extension API server of the test's own behind it.
@Suite(.timeLimit(.minutes(5))) struct ExtensionServerTests {
    /// Serves `ext.test/v1`: says who asks, keeps things, streams a watch, echoes an upgraded connection.
    private final class Extension: HTTPHandler {
        private let notes = Mutex<[Value]>([])
        private let failures = Mutex(0)
        /// Knows no OpenAPI 3.
        private let isOld: Bool

        init(isOld: Bool = false) { self.isOld = isOld }

        /// How often the version that is never served was asked for.
        var failed: Int { failures.withLock(\.self) }

        func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
            let json: HTTPHeaders = ["Content-Type": "application/json"]
            func answer(_ value: Value) { exchange.respond(.ok, json, value.json) }
            switch request.path {
            case "/apis/ext.test/v1":
                answer([
                    "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "ext.test/v1",
                    "resources": [
                        [
                            "name": "things", "singularName": "thing", "namespaced": false, "kind": "Thing",
                            "verbs": ["get"],
                        ],
                        ["name": "notes", "namespaced": true, "kind": "Note", "verbs": ["list", "deletecollection"]],
                        ["name": "notes/status", "namespaced": true, "kind": "Note", "verbs": ["get"]],
                    ],
                ])
            case _ where isOld && request.path.hasPrefix("/openapi/v3"): exchange.respond(.notFound, [:], [])
            case "/openapi/v3":
                answer([
                    "paths": ["apis/ext.test/v1": ["serverRelativeURL": "/openapi/v3/apis/ext.test/v1?hash=ABC"]]
                ])
            case "/openapi/v3/apis/ext.test/v1": answer(["openapi": "3.0.0", "info": ["title": "ext"]])
            case "/openapi/v2":
                answer([
                    "paths": ["/apis/ext.test/v1/things": [:], "/apis/other": [:]],
                    "definitions": ["ext.Thing": [:]],
                ])
            case "/apis/ext.test/v1/echo":
                exchange.run {
                    let stream = try await exchange.upgrade(["Upgrade": "echo"])
                    while let bytes = try await stream.read() { try await stream.write(bytes) }
                    try await stream.closeWrite()
                }
            case "/apis/bad.test/v1":
                let count = failures.withLock { count in
                    count += 1
                    return count
                }
                // Never twice the same code.
                exchange.respond(HTTPStatus(500 + count % 7), [:], [])
            case "/apis/ext.test/v1/moved":
                exchange.respond(.found, ["Location": "https://127.0.0.1:1/"], [])
            case "/apis/ext.test/v1/namespaces/default/notes": keep(request, exchange)
            case "/apis/ext.test/v1/things" where request.query["watch"] != nil:
                // Stays open: what came so far must be seen nevertheless.
                exchange.startResponse(.ok, json).write(Array("event\n".utf8))
            default:
                let peer = request.peerCertificates.first.flatMap { try? Certificate(der: $0) }
                answer([
                    "path": .string(request.target), "user": .string(request.headers["X-Remote-User"] ?? ""),
                    "groups": Value(request.headers.values(of: "X-Remote-Group")),
                    "authorization": .string(request.headers["Authorization"] ?? ""),
                    "peer": .string(peer?.subject.commonName ?? ""),
                ])
            }
        }

        /// Creates a note, lists all or deletes all.
        private func keep(_ request: HTTPRequest, _ exchange: HTTPExchange) {
            let json: HTTPHeaders = ["Content-Type": "application/json"]
            if request.method == .delete {
                return exchange.run { [self] in
                    let options = try Value(json: try await exchange.body(limit: 1 << 20))
                    guard options["propagationPolicy"] == "Background" else {
                        return exchange.respond(.badRequest, json, Status.badRequest("how?").value.json)
                    }
                    notes.withLock { $0 = [] }
                    exchange.respond(.ok, json, (["kind": "Status", "status": "Success"] as Value).json)
                }
            }
            guard request.method == .post else {
                let items = Value.array(notes.withLock(\.self))
                let list: Value = ["kind": "NoteList", "apiVersion": "ext.test/v1", "items": items]
                return exchange.respond(.ok, json, list.json)
            }
            exchange.run { [self] in
                let note = try Value(json: try await exchange.body(limit: 1 << 20))
                notes.withLock { $0.append(note) }
                exchange.respond(.created, json, note.json)
            }
        }
    }

    private static func aggregation() throws -> AggregationOptions {
        let (now, day) = (Timestamp.now.seconds, Int64(86_400))
        let (start, end) = (Timestamp(seconds: now - day), Timestamp(seconds: now + day))
        let authority = try CertificateAuthority(
            selfSigned: CertificateTemplate(
                subject: DistinguishedName(commonName: "front"), keyUsage: [.certificateSigning], isAuthority: true,
                notBefore: start, notAfter: end), key: try PrivateKey.generateP256())
        let key = try PrivateKey.generateP256()
        let leaf = try authority.issue(
            CertificateTemplate(
                subject: DistinguishedName(commonName: "system:auth-proxy"), extendedKeyUsages: [.clientAuth],
                notBefore: start, notAfter: end), for: key.publicKey)
        return AggregationOptions(
            certificatePEM: leaf.pem, keyPEM: try key.pem, authoritiesPEM: authority.pem,
            allowedNames: ["system:auth-proxy"])
    }

    /// Runs the servers; the extension server is reached by the service `hooks/web`, once that is made.
    private func run(
        _ server: Extension = Extension(),
        _ body: @escaping @Sendable (TestAPI, TestWebhook) async throws -> Void
    ) async throws {
        let aggregation = try Self.aggregation()
        try await TestWebhook.run(handler: server) { webhook in
            try await TestAPI.run({ $0.aggregation = aggregation }) { api in
                try await body(api, webhook)
            }
        }
    }

    private static func register(
        _ api: TestAPI, _ webhook: TestWebhook, _ group: String = "ext.test"
    ) async throws {
        _ = try await api.server.client().create(
            Target(.apiServices),
            [
                "metadata": ["name": .string("v1." + group)],
                "spec": [
                    "group": .string(group), "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10,
                    "caBundle": .string(Base64.encode(webhook.authority)),
                    "service": ["namespace": "hooks", "name": "web", "port": .integer(Int64(webhook.port))],
                ],
            ], WriteOptions())
    }

    private static func makeService(_ api: TestAPI) async throws {
        let client = api.server.client()
        _ = try await client.create(Namespace(name: "hooks"))
        _ = try await client.create(
            Target(.services, namespace: "hooks"),
            ["metadata": ["name": "web"], "spec": ["type": "ExternalName", "externalName": "localhost"]],
            WriteOptions())
    }

    /// Returns when the APIService has a condition for this reason, or is gone when that is `nil`.
    private static func wait(_ api: TestAPI, _ name: String, for reason: String?) async throws {
        let set = try await api.server.client().observe(.apiServices, .all)
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let observation = set.observe { _ in continuation.yield() }
        defer { observation.cancel() }
        // The objects that are there count as changes.
        for await _ in stream {
            let object = set.get(ObjectName(name: name))?.value
            if object == nil ? reason == nil : object.flatMap(APIServiceCondition.init)?.reason == reason { return }
        }
    }

    private static func token(_ api: TestAPI) async throws -> String {
        try await api.token(
            "me",
            rules: [
                [
                    "apiGroups": ["ext.test"], "resources": ["things", "echo", "moved", "notes"],
                    "verbs": ["get", "list", "watch", "create"],
                ],
                ["nonResourceURLs": ["/apis", "/apis/*", "/openapi/*", "/metrics"], "verbs": ["get"]],
            ])
    }

    @Test func `an extension server answers for its version and is told who asks`() async throws {
        try await run { api, webhook in
            try await Self.makeService(api)
            try await Self.register(api, webhook)
            try await Self.wait(api, "v1.ext.test", for: "Passed")
            let token = try await Self.token(api)
            let (code, text) = try await api.ask(
                .get, "/apis/ext.test/v1/things/a?x=1", token: token, headers: ["X-Remote-User": "root"])
            #expect(code == 200)
            let answer = try Value(json: text)
            #expect(answer["path"] == "/apis/ext.test/v1/things/a?x=1")
            #expect(answer["user"] == "system:serviceaccount:default:me")
            #expect(answer["groups"]?.array?.contains("system:authenticated") == true)
            #expect(answer["authorization"] == "")
            #expect(answer["peer"] == "system:auth-proxy")
            let denied = try await api.ask(.delete, "/apis/ext.test/v1/things/a", token: token)
            #expect(denied.code == 403)
        }
    }

    @Test func `the process itself reads what it serves, in a user's name`() async throws {
        try await run { api, webhook in
            try await Self.makeService(api)
            try await Self.register(api, webhook)
            try await Self.wait(api, "v1.ext.test", for: "Passed")
            let reader = api.server.extensions(as: .apiServer)
            let answer = try await reader.read(["apis", "ext.test", "v1", "things", "a/b"], [("x", "1=2")])
            #expect(answer["path"] == "/apis/ext.test/v1/things/a%2Fb?x=1%3D2")
            #expect(answer["user"]?.string == User.apiServer.name)
            let unknown = await #expect(throws: Status.self) { try await reader.read(["apis", "other.test", "v1", "x"]) }
            #expect(unknown?.isNotFound == true)
            let stranger = api.server.extensions(as: User(name: "jane", groups: []))
            let refused = await #expect(throws: Status.self) {
                try await stranger.read(["apis", "ext.test", "v1", "things"])
            }
            #expect(refused?.code == 403)
        }
    }

    @Test func `the process itself deletes what it keeps, in a user's name`() async throws {
        try await run { api, webhook in
            try await Self.makeService(api)
            try await Self.register(api, webhook, "bad.test")
            try await Self.register(api, webhook)
            try await Self.wait(api, "v1.ext.test", for: "Passed")
            let path = "/apis/ext.test/v1/namespaces/default/notes"
            let note: Value = ["metadata": ["name": "a"]]
            _ = try await api.ask(.post, path, token: try await Self.token(api), body: note)
            let keeper = api.server.extensions(as: .apiServer)
            let (known, unknown) = keeper.resources()
            #expect(known.map(\.resource.resource) == ["things", "notes"])
            #expect(known.map(\.isNamespaced) == [false, true])
            #expect(known.last?.verbs == ["list", "deletecollection"])
            #expect(unknown == ["bad.test/v1"])
            let notes = GroupVersionResource(group: "ext.test", version: "v1", resource: "notes")
            #expect(try await keeper.list(notes, namespace: "default") == [note])
            let stranger = api.server.extensions(as: User(name: "jane", groups: []))
            let refused = await #expect(throws: Status.self) {
                try await stranger.delete(Target(notes, namespace: "default"))
            }
            #expect(refused?.code == 403)
            try await keeper.delete(Target(notes, namespace: "default"))
            #expect(try await keeper.list(notes, namespace: "default") == [])
            let other = GroupVersionResource(group: "bad.test", version: "v1", resource: "notes")
            let away = await #expect(throws: Status.self) { try await keeper.list(other, namespace: "default") }
            #expect(away?.code == 503)
        }
    }

    @Test func `discovery and OpenAPI tell of it`() async throws {
        try await run { api, webhook in
            try await Self.makeService(api)
            try await Self.register(api, webhook)
            try await Self.wait(api, "v1.ext.test", for: "Passed")
            let token = try await Self.token(api)
            func get(_ path: String, _ accept: String = "application/json") async throws -> Value {
                let (code, text) = try await api.ask(.get, path, token: token, headers: ["Accept": accept])
                #expect(code == 200, "\(path)")
                return try Value(json: text)
            }
            let groups = try await get("/apis")["groups"]?.array ?? []
            #expect(groups.last?["name"] == "ext.test")
            #expect(groups.first?["name"] == "apiregistration.k8s.io")
            #expect(try await get("/apis/ext.test")["kind"] == "APIGroup")
            #expect(try await get("/apis/ext.test/v1")["kind"] == "APIResourceList")
            #expect(try await get("/apis/apps/v1")["groupVersion"] == "apps/v1")
            let list = try await get("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
            let version = list["items"]?.array?.last?["versions"]?.array?.first
            #expect(version?["freshness"] == "Current")
            #expect(version?["resources"]?.array?.first?["resource"] == "things")
            let index = try await get("/openapi/v3")
            #expect(
                index.at("paths", "apis/ext.test/v1", "serverRelativeURL") == "/openapi/v3/apis/ext.test/v1?hash=ABC")
            #expect(index.at("paths", "apis/apps/v1") != nil)
            #expect(try await get("/openapi/v3/apis/ext.test/v1?hash=ABC").at("info", "title") == "ext")
            let response = try await api.send(.get, "/openapi/v2", token: token)
            let swagger = try Value(json: try await response.body.collect(limit: 64 << 20))
            #expect(swagger.at("paths", "/apis/ext.test/v1/things") != nil)
            #expect(swagger.at("paths", "/apis/other") == nil)
            #expect(swagger.at("paths", "/api/v1/pods") != nil)
            #expect(swagger.at("definitions", "ext.Thing") != nil)
        }
    }

    @Test func `a document is converted where there is an old one alone`() async throws {
        try await run(Extension(isOld: true)) { api, webhook in
            try await Self.makeService(api)
            try await Self.register(api, webhook)
            try await Self.wait(api, "v1.ext.test", for: "Passed")
            let token = try await Self.token(api)
            let index = try Value(json: try await api.ask(.get, "/openapi/v3", token: token).text)
            let url = try #require(index.at("paths", "apis/ext.test/v1", "serverRelativeURL")?.string)
            #expect(url.hasPrefix("/openapi/v3/apis/ext.test/v1?hash="))
            let (code, text) = try await api.ask(.get, url, token: token)
            #expect(code == 200)
            let document = try Value(json: text)
            #expect(document["openapi"] == "3.0.0")
            #expect(document.at("components", "schemas", "ext.Thing") == [:])
            #expect(document.at("paths", "/apis/ext.test/v1/things") == [:])
        }
    }

    @Test(arguments: [
        ("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"),
        ("/openapi/v3", "application/json"), ("/openapi/v2", "application/json"),
    ])
    func `documents that tell of it are sent again when it has changed`(path: String, accept: String) async throws {
        try await run { api, webhook in
            let token = try await Self.token(api)
            func send(_ known: String) async throws -> HTTPClientResponse {
                let response = try await api.send(
                    .get, path, token: token, headers: ["Accept": accept, "If-None-Match": known])
                _ = try await response.body.collect(limit: 64 << 20)
                return response
            }
            let alone = try #require(try await send("").headers["ETag"])
            try await Self.makeService(api)
            try await Self.register(api, webhook)
            try await Self.wait(api, "v1.ext.test", for: "Passed")
            let joined = try await send(alone)
            #expect(joined.status == .ok)
            #expect(try await send(joined.headers["ETag"] ?? "").status == .notModified)
        }
    }

    @Test func `watches stream and upgraded connections are joined`() async throws {
        try await run { api, webhook in
            try await Self.makeService(api)
            try await Self.register(api, webhook)
            try await Self.wait(api, "v1.ext.test", for: "Passed")
            let token = try await Self.token(api)
            let watch = try await api.send(.get, "/apis/ext.test/v1/things?watch=1", token: token)
            var chunks = watch.body.makeAsyncIterator()
            #expect(try await chunks.next() == Array("event\n".utf8))
            let request = HTTPClientRequest(
                .get, api.origin, "/apis/ext.test/v1/echo",
                headers: ["Upgrade": "echo", "Authorization": "Bearer " + token])
            guard case .upgraded(_, let stream) = try await HTTPClient().upgrade(request) else {
                Issue.record("refused")
                return
            }
            try await stream.write(Array("hello".utf8))
            #expect(try await stream.read() == Array("hello".utf8))
            await stream.close()
        }
    }

    @Test func `objects are created and listed through it, and redirects are not passed on`() async throws {
        try await run { api, webhook in
            try await Self.makeService(api)
            try await Self.register(api, webhook)
            try await Self.wait(api, "v1.ext.test", for: "Passed")
            let token = try await Self.token(api)
            let path = "/apis/ext.test/v1/namespaces/default/notes"
            // Longer than any buffer on the way.
            let note: Value = ["metadata": ["name": "a"], "text": .string(String(repeating: "x", count: 300_000))]
            let created = try await api.ask(.post, path, token: token, body: note)
            #expect(created.code == 201)
            let list = try Value(json: try await api.ask(.get, path, token: token).text)
            #expect(list["items"] == [note])
            let moved = try await api.ask(.get, "/apis/ext.test/v1/moved", token: token)
            #expect(moved.code == 502)
            #expect(moved.text.contains("redirect"))
        }
    }

    @Test func `a version that nobody answers for any more is gone`() async throws {
        try await run { api, webhook in
            try await Self.makeService(api)
            try await Self.register(api, webhook)
            try await Self.wait(api, "v1.ext.test", for: "Passed")
            let token = try await Self.token(api)
            let client = api.server.client()
            _ = try await client.delete(Target(.services, namespace: "hooks", name: "web"), DeletionOptions())
            try await Self.wait(api, "v1.ext.test", for: "ServiceNotFound")
            let metrics = try await api.ask(.get, "/metrics", token: token).text
            #expect(metrics.contains("aggregator_unavailable_apiservice{name=\"v1.ext.test\"} 1"))
            #expect(
                metrics.contains(
                    "aggregator_unavailable_apiservice_total{name=\"v1.ext.test\",reason=\"ServiceNotFound\"} 1"))
            _ = try await client.delete(Target(.apiServices, name: "v1.ext.test"), DeletionOptions())
            #expect(try await api.ask(.get, "/apis/ext.test/v1/things", token: token).code == 404)
            #expect(try await api.ask(.get, "/apis/ext.test", token: token).code == 404)
            let groups = try await api.ask(.get, "/apis", token: token, headers: ["Accept": "application/json"])
            #expect(!groups.text.contains("ext.test"))
        }
    }

    @Test func `a server that does not answer is left alone for a while`() async throws {
        let server = Extension()
        try await run(server) { api, webhook in
            try await Self.makeService(api)
            try await Self.register(api, webhook, "bad.test")
            try await Self.wait(api, "v1.bad.test", for: "FailedDiscoveryCheck")
            let asked = server.failed
            // Time enough for another look, had the condition called for one.
            try await Self.register(api, webhook)
            try await Self.wait(api, "v1.ext.test", for: "Passed")
            #expect(server.failed == asked)
        }
    }

    @Test func `a server that is not there is unavailable until it comes`() async throws {
        try await run { api, webhook in
            try await Self.register(api, webhook)
            try await Self.wait(api, "v1.ext.test", for: "ServiceNotFound")
            let token = try await Self.token(api)
            let refused = try await api.ask(.get, "/apis/ext.test/v1/things", token: token)
            #expect(refused.code == 503)
            #expect(refused.text == "service unavailable\n")
            try await Self.makeService(api)
            try await Self.wait(api, "v1.ext.test", for: "Passed")
            #expect(try await api.ask(.get, "/apis/ext.test/v1/things", token: token).code == 200)
        }
    }

    @Test func `what this server answers for has APIServices, and extension servers know whom to trust`() async throws {
        try await run { api, _ in
            for name in ["v1.", "v1.apps", "v2.autoscaling"] { try await Self.wait(api, name, for: "Local") }
            let client = api.server.client()
            let core = try await client.get(Target(.apiServices, name: "v1."))
            #expect(core.value.at("spec", "groupPriorityMinimum") == 18_000)
            _ = try await client.delete(Target(.apiServices, name: "v1.apps"), DeletionOptions())
            try await Self.wait(api, "v1.apps", for: "Local")
            let map = try await client.get(ConfigMap.self, ExtensionAuthentication.name)
            #expect(map.data["requestheader-client-ca-file"]?.contains("BEGIN CERTIFICATE") == true)
        }
    }

    @Test func `a version of custom resources has an APIService for as long as it is defined`() async throws {
        try await run { api, _ in
            let tabs = try await CronTab(api)
            try await tabs.define(CronTab.definition([CronTab.version("v1", CronTab.schema([:]))]))
            try await Self.wait(api, "v1.stable.example.com", for: "Local")
            let client = api.server.client()
            let made = try await client.get(Target(.apiServices, name: "v1.stable.example.com")).value
            #expect(made.at("spec", "groupPriorityMinimum") == 1000)
            #expect(made.at("spec", "versionPriority") == 100)
            #expect(made.at("metadata", "labels", LocalAPIService.label) == "true")
            _ = try await tabs.ask(.delete, CronTab.definitions + "/" + CronTab.name)
            try await Self.wait(api, "v1.stable.example.com", for: nil)
        }
    }
}
