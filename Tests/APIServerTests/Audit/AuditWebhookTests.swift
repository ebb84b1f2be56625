import APIMachinery
import Support
import Synchronization
import Testing
import Wire

@testable import APIServer

/// Audit events that are sent to a server.
@Suite(.timeLimit(.minutes(5))) struct AuditWebhookTests {
    private static func line(_ id: String) -> [UInt8] { (["auditID": .string(id)] as Value).json + [UInt8(ascii: "\n")] }

    @Test(arguments: [1, 2, 3])
    func `lines become one list`(count: Int) throws {
        let list = try Value(json: AuditWebhook.list((1...count).flatMap { Self.line("\($0)") }))
        #expect(list["kind"] == "EventList" && list["apiVersion"] == "audit.k8s.io/v1")
        #expect(list["items"]?.array?.map { $0["auditID"] } == (1...count).map { .string("\($0)") })
    }

    @Test(arguments: [(4, true), (5, false)])
    func `a list that is not taken is sent again, five times in all`(failures: Int, isTaken: Bool) async throws {
        let calls = Mutex(0)
        let answer: TestWebhook.Answer = { request, _ in
            let count = calls.withLock { calls in
                calls += 1
                return calls
            }
            return (count > failures && request.headers["Authorization"] == "Bearer secret" ? 200 : 403, [])
        }
        try await TestWebhook.run(answer: answer) { server in
            let webhook = try AuditWebhook(try server.kubeconfig(), firstPause: .zero)
            do throws(Fault) {
                try await webhook.write(Self.line("a"))
                #expect(isTaken)
            } catch {
                #expect(!isTaken)
                #expect(error.code == .unavailable)
            }
            #expect(calls.withLock(\.self) == 5)
        }
    }

    @Test func `a server tells what its requests were, beside the file`() async throws {
        let lists = Mutex<[Value]>([])
        let answer: TestWebhook.Answer = { _, body in
            let list = try Value(json: body)
            lists.withLock { $0.append(list) }
            return (200, [])
        }
        let policy = try AuditPolicy(
            text: "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata, nonResourceURLs: [/version]}]}")
        try await TestWebhook.run(answer: answer) { server in
            let kubeconfig = try server.kubeconfig()
            let file = MemoryAuditSink()
            try await TestAPI.run {
                $0.audit = AuditOptions(policy: policy, .log(file), .webhook(try AuditWebhook(kubeconfig)))
            } _: { api in
                let token = try await api.token("reader")
                #expect(try await api.ask(.get, "/version", token: token).code == 200)
                let gauge = try await api.token("gauge", rules: [["nonResourceURLs": ["*"], "verbs": ["*"]]])
                let text = try await api.ask(.get, "/metrics", token: gauge).text
                #expect(text.contains("apiserver_audit_error_total{plugin=\"webhook\"} 0\n"))
                #expect(text.contains("apiserver_audit_event_total 2\n"))
            }
            // What waited for more is sent when the server stops, in one list unless the test was slow.
            #expect(file.events.count == 2)
            #expect(lists.withLock { $0.flatMap { $0["items"]?.array ?? [] } } == file.events)
        }
    }
}
