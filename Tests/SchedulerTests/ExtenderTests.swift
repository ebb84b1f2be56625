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
        _ verbs: String, _ answers: [String: String], priority: Int64 = 0, knowsNodes: Bool = true,
        _ body: (MemoryAPI) async throws -> Void
    ) async throws -> [String] {
        let api = MemoryAPI()
        for name in ["a", "b", "c"] {
            var node = Node(name: name)
            node.value["status"] = ["allocatable": ["cpu": "2", "memory": "4Gi", "pods": "9"]]
            try await api.create(node)
        }
        let configuration = try SchedulerConfiguration(
            text: "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
                + "extenders: [{urlPrefix: http://x, nodeCacheCapable: \(knowsNodes), \(verbs)}]")
        // Where there are priorities, there is no room for one more.
        for name in priority > 0 ? ["a", "b", "c"] : [] {
            var spec: Value = ["nodeName": .string(name), "priority": .integer(name == "a" ? 1 : 2)]
            spec["containers"] = [["name": "c", "resources": ["requests": ["cpu": "2"]]]]
            let metadata: Value = ["name": .string("on-" + name), "namespace": "default", "uid": .string("uid-" + name)]
            try await api.create(Pod(["metadata": metadata, "spec": spec]))
        }
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
                "spec": [
                    "schedulerName": "default-scheduler", "priority": .integer(priority),
                    "containers": [["name": "c", "resources": ["requests": ["cpu": "1"]]]],
                ],
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

    // MARK: Preemption

    private static func victims(_ node: String, _ uids: String...) -> String {
        let pods = uids.map { #"{"UID":"\#($0)"}"# }.joined(separator: ",")
        return #"{"NodeNameToMetaVictims":{"\#(node)":{"Pods":[\#(pods)],"NumPDBViolations":0}}}"#
    }

    @Test func `one that has a say in preemption names who goes`() async throws {
        let calls = try await scheduling("preemptVerb: e", ["e": Self.victims("b", "uid-b")], priority: 10) { api in
            await api.wait { $0.peek(Pod.self, "web", in: "default")?.status.nominatedNodeName == "b" }
            await api.wait { $0.journal.contains { $0.hasPrefix("delete pods default/on-") } }
            #expect(!api.journal.contains("delete pods default/on-a"))
        }
        let question = try #require(calls.first)
        #expect(question.hasPrefix("http://x/e "))
        for name in ["a", "b", "c"] {
            #expect(question.contains(#""\#(name)":{"NumPDBViolations":0,"Pods":[{"UID":"uid-\#(name)"}]}"#))
        }
    }

    @Test func `one that does not know the nodes is told the pods whole`() async throws {
        let answers = ["e": Self.victims("a", "uid-a")]
        let calls = try await scheduling("preemptVerb: e", answers, priority: 10, knowsNodes: false) { api in
            await api.wait { $0.peek(Pod.self, "web", in: "default")?.status.nominatedNodeName == "a" }
        }
        #expect(calls.first?.contains(#""NodeNameToVictims":{"#) == true)
        #expect(calls.first?.contains(#""nodeName":"c""#) == true)
    }

    @Test(arguments: [
        ("{}", "no candidate node for preemption"),
        (victims("b", "uid-x"), "but the pod is not found on that node"),
        (victims("b"), "expected at least one victim pod on node \"b\""),
        (victims("z", "uid-a"), "nodeinfo not found for node name \"z\""),
        ("no JSON", "the extender's answer is no JSON"),
    ])
    func `when it names nobody, or nobody who is there, nobody goes`(answer: String, words: String) async throws {
        _ = try await scheduling("preemptVerb: e", ["e": answer], priority: 10) { api in
            await api.wait { condition($0).contains(words) }
            #expect(!api.journal.contains { $0.hasPrefix("delete") })
        }
    }

    @Test func `one that may be ignored does not keep pods from going`() async throws {
        for answers in [[:], ["e": "no JSON"], ["e": Self.victims("z", "uid-a")]] as [[String: String]] {
            _ = try await scheduling("preemptVerb: e, ignorable: true", answers, priority: 10) { api in
                await api.wait { $0.peek(Pod.self, "web", in: "default")?.status.nominatedNodeName == "a" }
            }
        }
        let empty = ["e": Self.victims("a")]
        _ = try await scheduling("preemptVerb: e, ignorable: true", empty, priority: 10) { api in
            await api.wait { condition($0).contains("no candidate node for preemption") }
        }
    }
}
