import API
import APIMachinery
import Client
import ClientTestSupport
import Logging
import Support
import Synchronization
import Testing

@testable import Scheduler

/// Programs beside the cluster that have a say.
@Suite(.timeLimit(.minutes(1))) struct ExtenderTests {
    @Test func `answers are read in any case of letters`() throws {
        let answer = Array(
            #"{"nodenames":["a"],"FailedNodes":{"b":"full"},"failedAndUnresolvableNodes":{"c":"no"},"Error":""}"#.utf8)
        let filtered = try ExtenderMessages.filtered(answer)
        #expect(filtered.nodes == ["a"])
        #expect(filtered.refused["b"]?.reason == "full" && filtered.refused["b"]?.isFinal == false)
        #expect(filtered.refused["c"]?.isFinal == true)
        #expect(try ExtenderMessages.priorities(Array(#"[{"Host":"a","Score":7},{"host":"b","score":99}]"#.utf8)) == ["a": 7, "b": 10])
        #expect(throws: Fault.self) { try ExtenderMessages.filtered(Array(#"{"Error":"no"}"#.utf8)) }
        #expect(throws: Fault.self) { try ExtenderMessages.checkBound(Array("x".utf8)) }
    }

    /// Runs a scheduler with one extender that answers by verb, on nodes a, b and c.
    private func scheduling(
        _ verbs: String, _ answers: [String: String], _ body: (MemoryAPI) async throws -> Void
    ) async throws -> [String] {
        let api = MemoryAPI()
        for name in ["a", "b", "c"] {
            var node = Node(name: name)
            node.value["status"] = ["allocatable": ["cpu": "2", "memory": "4Gi", "pods": "9"]]
            try await api.create(node)
        }
        let configuration = try SchedulerConfiguration(
            text: "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
                + "extenders: [{urlPrefix: http://x, nodeCacheCapable: true, \(verbs)}]")
        let calls = Calls()
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let answer: ExtenderCall = { request throws(Fault) in
            calls.add(request)
            let verb = String(request.url.split(separator: "/").last ?? "")
            guard let answer = answers[verb] else { throw Fault(.unavailable, "nobody is there") }
            return Array(answer.utf8)
        }
        let scheduler = Scheduler(client: api, log: log, configuration: configuration, callExtender: answer)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await scheduler.run() }
            defer { group.cancelAll() }
            let pod: Value = [
                "metadata": ["name": "web", "namespace": "default"],
                "spec": ["schedulerName": "default-scheduler", "containers": [["name": "c"]]],
            ]
            try await api.create(Pod(pod))
            try await body(api)
        }
        return calls.all
    }

    private final class Calls: Sendable {
        private let calls = Mutex<[String]>([])
        var all: [String] { calls.withLock(\.self) }
        func add(_ request: ExtenderRequest) {
            calls.withLock { $0.append(request.url + " " + String(decoding: request.body, as: UTF8.self)) }
        }
    }

    private func condition(_ api: MemoryAPI) -> String {
        api.peek(Pod.self, "web", in: "default")?.status.conditions.first?.message ?? ""
    }

    @Test func `one that filters and scores has the last word`() async throws {
        let answers = [
            "f": #"{"NodeNames":["b","c"]}"#,
            "p": #"[{"Host":"b","Score":0},{"Host":"c","Score":10}]"#,
        ]
        let calls = try await scheduling("filterVerb: f, prioritizeVerb: p, weight: 50", answers) { api in
            await api.wait { $0.peek(Pod.self, "web", in: "default")?.spec.nodeName == "c" }
        }
        #expect(calls.first?.hasPrefix("http://x/f ") == true)
        #expect(calls.first?.contains(#""NodeNames":["a","b","c"]"#) == true)
    }

    @Test func `what it refuses is told in its words`() async throws {
        let answers = ["f": #"{"NodeNames":[],"FailedNodes":{"a":"too warm","b":"too warm","c":"too cold"}}"#]
        _ = try await scheduling("filterVerb: f", answers) { api in
            await api.wait { condition($0).hasPrefix("0/3 nodes are available: 1 too cold, 2 too warm.") }
        }
    }

    @Test func `one that does not answer holds the pod up, unless it may be ignored`() async throws {
        _ = try await scheduling("filterVerb: f", [:]) { api in
            await api.wait { condition($0).contains("nobody is there") }
        }
        _ = try await scheduling("filterVerb: f, ignorable: true", [:]) { api in
            await api.wait { $0.peek(Pod.self, "web", in: "default")?.spec.nodeName.isEmpty == false }
        }
    }

    @Test func `one that binds is asked to`() async throws {
        let calls = try await scheduling("bindVerb: bind", ["bind": "{}"]) { api in
            await api.wait { api in
                api.peek(all: Event.self).contains { $0.value["reason"] == "Scheduled" }
            }
            #expect(!api.journal.contains { $0.hasPrefix("bind") })
        }
        #expect(calls.count == 1 && calls[0].hasPrefix("http://x/bind "))
    }
}
