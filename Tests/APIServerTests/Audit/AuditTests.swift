import API
import APIMachinery
import APIServer
import Client
import Support
import Testing
import Wire

/// What is written down of requests over HTTP and of calls in the process.
@Suite(.timeLimit(.minutes(5))) struct AuditTests {
    private static let maps = "/api/v1/namespaces/default/configmaps"
    private static let all: Value = ["apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]]
    private static let account = "system:serviceaccount:default:writer"

    /// Runs the server with a policy for what the account does; gives what was written down of it.
    private func events(
        _ level: String, _ rest: String = "", _ body: @escaping @Sendable (TestAPI, String) async throws -> Void
    ) async throws -> [Value] {
        let sink = MemoryAuditSink()
        let policy = try AuditPolicy(
            text: """
                apiVersion: audit.k8s.io/v1
                kind: Policy
                \(rest)
                rules:
                - level: \(level)
                  users: ["\(Self.account)"]
                - level: Metadata
                  nonResourceURLs: [/version]
                """)
        try await TestAPI.run {
            $0.audit = AuditOptions(policy: policy, .log(sink))
        } _: { api in
            try await body(api, try await api.token("writer", rules: [Self.all]))
        }
        return sink.events
    }

    private static func stages(_ events: [Value]) -> [String] {
        events.map { "\($0["verb"]?.string ?? "") \($0["stage"]?.string ?? "") \($0.at("responseStatus", "code") ?? .null)" }
    }

    @Test func `a request is written down when it comes and when it is answered`() async throws {
        let events = try await events("Metadata") { api, token in
            let answer = try await api.send(
                .post, Self.maps, token: token, headers: ["Audit-ID": "my-id", "X-Forwarded-For": "192.0.2.7", "User-Agent": "test"],
                body: ["metadata": ["name": "a"]])
            #expect(answer.headers["Audit-ID"] == "my-id")
            _ = try await answer.body.collect(limit: 1 << 20)
        }
        #expect(Self.stages(events) == ["create RequestReceived null", "create ResponseComplete 201"])
        let event = try #require(events.last)
        #expect(event["level"] == "Metadata")
        #expect(event["auditID"] == "my-id")
        #expect(event["requestURI"] == .string(Self.maps))
        #expect(event.at("user", "username") == .string(Self.account))
        #expect(event["sourceIPs"] == ["192.0.2.7", "127.0.0.1"])
        #expect(event["userAgent"] == "test")
        #expect(
            event["objectRef"]
                == ["resource": "configmaps", "namespace": "default", "name": "a", "apiVersion": "v1"])
        #expect(event.at("annotations", "authorization.k8s.io/decision") == "allow")
        #expect(event.at("annotations", "authorization.k8s.io/reason")?.string?.contains("ClusterRole \"writer\"") == true)
        #expect(event["requestObject"] == nil)
        #expect(event["requestReceivedTimestamp"]?.string?.count == "2026-01-31T12:00:00.000000Z".count)
    }

    @Test func `objects are written down where the policy says so, without what it omits`() async throws {
        let object: Value = ["metadata": ["name": "a"], "data": ["k": "v"]]
        let events = try await events("RequestResponse", "omitStages: [RequestReceived]\nomitManagedFields: true") { api, token in
            _ = try await api.ask(.post, Self.maps, token: token, body: object)
            _ = try await api.ask(.get, Self.maps, token: token)
            _ = try await api.ask(
                .patch, Self.maps + "/a", token: token, headers: ["Content-Type": "application/merge-patch+json"],
                body: ["data": ["k": "w"]])
            _ = try await api.ask(.get, Self.maps + "/none", token: token)
            _ = try await api.ask(.delete, Self.maps + "/a", token: token)
        }
        #expect(events.map { $0["verb"]?.string } == ["create", "list", "patch", "get", "delete"])
        #expect(events[0]["requestObject"] == object)
        #expect(events[0].at("responseObject", "data", "k") == "v")
        #expect(events[0].at("responseObject", "metadata", "managedFields") == nil)
        #expect(events[1].at("responseObject", "items")?.array?.contains { $0.at("data", "k") == "v" } == true)
        #expect(events[2]["requestObject"] == ["data": ["k": "w"]])
        #expect(events[3].at("responseStatus", "reason") == "NotFound")
        #expect(events[3].at("responseObject", "kind") == "Status")
        #expect(events[4].at("responseStatus", "status") == "Success")
    }

    @Test func `a watch is written down when it begins and when it ends`() async throws {
        let events = try await events("Metadata", "omitStages: [RequestReceived]") { api, token in
            _ = try await api.ask(.get, Self.maps + "?watch=true&timeoutSeconds=1", token: token)
        }
        #expect(Self.stages(events) == ["watch ResponseStarted 200", "watch ResponseComplete 200"])
    }

    @Test func `who is not let in is written down as well`() async throws {
        let events = try await events("Metadata", "omitStages: [RequestReceived]") { api, token in
            let refused = try await api.ask(.get, "/api/v1/secrets", token: token)
            let unknown = try await api.ask(.get, "/version", token: "none")
            #expect(refused.code == 403 && unknown.code == 401)
        }
        #expect(Self.stages(events) == ["list ResponseComplete 403", "get ResponseStarted 401"])
        #expect(events[0].at("annotations", "authorization.k8s.io/decision") == "forbid")
        #expect(events[1]["user"] == .emptyObject)
        #expect(events[1].at("responseStatus", "reason") == "Unauthorized")
        #expect(events[1].at("responseStatus", "message") == "Authentication failed, attempted: bearer")
    }

    @Test func `of who is not known one stage is written down`() async throws {
        let events = try await events("Metadata") { api, _ in
            _ = try await api.ask(.get, "/version", token: "none")
        }
        #expect(Self.stages(events) == ["get ResponseStarted 401"])
    }

    @Test func `calls in the process are written down like requests`() async throws {
        let sink = MemoryAuditSink()
        let policy = try AuditPolicy(
            text: "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Request, users: ['system:kube-scheduler']}]}")
        let server = try await TestAPI.open { $0.audit = AuditOptions(policy: policy, .log(sink)) }
        _ = try? await server.client(as: .scheduler).create(ConfigMap(namespace: "default", name: "a"))
        await server.close()
        #expect(Self.stages(sink.events) == ["create RequestReceived null", "create ResponseComplete 403"])
        #expect(sink.events.last?["requestURI"] == "/api/v1/namespaces/default/configmaps")
        #expect(sink.events.last?.at("requestObject", "kind") == "ConfigMap")
    }

    @Test func `every answer has an id, written down or not`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("writer", rules: [Self.all])
            let given = try await api.send(.get, Self.maps, token: token, headers: ["Audit-ID": "my-id"])
            #expect(given.headers["Audit-ID"] == "my-id")
            let own = try await api.send(.get, Self.maps, token: token)
            let refused = try await api.send(.get, Self.maps, token: "wrong")
            #expect(refused.status.code == 401)
            let ids = [own, refused].compactMap { $0.headers["Audit-ID"] }
            #expect(Set(ids).count == 2 && ids.allSatisfy { $0.utf8.count == 36 }, "\(ids)")
        }
    }
}
