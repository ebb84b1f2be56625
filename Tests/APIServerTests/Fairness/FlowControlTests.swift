import API
import APIMachinery
import APIServer
import Client
import Support
import Synchronization
import Testing
import Wire

/// Priority and fairness as clients have it, over HTTP.
@Suite(.timeLimit(.minutes(5))) struct FlowControlTests {
    private static let maps = "/api/v1/namespaces/default/configmaps"
    private static let all: Value = ["apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]]

    /// A body that begins and goes on when it is told to.
    private static func held() -> (body: AsyncThrowingStream<[UInt8], any Error>, end: @Sendable ([UInt8]) -> Void) {
        let (stream, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        continuation.yield([UInt8(ascii: "{")])
        return (
            stream,
            { rest in
                continuation.yield(rest)
                continuation.finish()
            }
        )
    }

    /// Puts the account into a level of one seat.
    private static func narrow(_ api: TestAPI, _ response: Value) async throws {
        let client = api.server.client()
        _ = try await client.create(
            Target(.priorityLevelConfigurations),
            [
                "metadata": ["name": "narrow"],
                "spec": [
                    "type": "Limited",
                    "limited": [
                        "nominalConcurrencyShares": 0, "borrowingLimitPercent": 0, "limitResponse": response,
                    ],
                ],
            ], WriteOptions())
        _ = try await client.create(
            Target(.flowSchemas),
            [
                "metadata": ["name": "narrow"],
                "spec": [
                    "priorityLevelConfiguration": ["name": "narrow"], "matchingPrecedence": 10,
                    "rules": [
                        [
                            "subjects": [
                                ["kind": "ServiceAccount", "serviceAccount": ["namespace": "default", "name": "writer"]]
                            ],
                            "resourceRules": [
                                ["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]]
                            ],
                        ]
                    ],
                ],
            ], WriteOptions())
    }

    /// Somebody who looks at the figures.
    private struct Gauge: Sendable {
        let api: TestAPI
        let token: String

        init(_ api: TestAPI) async throws {
            self.api = api
            token = try await api.token("gauge", rules: [["nonResourceURLs": ["*"], "verbs": ["*"]]])
        }

        var text: String { get async throws { try await api.ask(.get, "/metrics", token: token).text } }

        /// Of the schema `narrow`.
        func read(_ name: String, _ more: String = "") async throws -> String? {
            let line = "apiserver_flowcontrol_\(name){flow_schema=\"narrow\",priority_level=\"narrow\"\(more)}"
            return try await text.split(separator: "\n").first { $0.hasPrefix(line) }
                .flatMap { $0.split(separator: " ").last.map(String.init) }
        }
    }

    /// A level of one seat, which is taken, with one place in its queue.
    private struct Narrow: Sendable {
        let api: TestAPI
        /// Of the account that is let in by the level.
        let token: String
        let gauge: Gauge
        /// Lets the request that has the seat end.
        let free: @Sendable () -> Void
    }

    private func withTakenSeat(
        _ change: (inout APIServerOptions) throws -> Void = { _ in },
        _ test: @escaping @Sendable (Narrow) async throws -> Void
    ) async throws {
        try await TestAPI.run(change) { api in
            let token = try await api.token("writer", rules: [Self.all])
            try await Self.narrow(api, ["type": "Queue", "queuing": ["queues": 1, "handSize": 1, "queueLengthLimit": 1]])
            let (body, end) = Self.held()
            async let first = api.stream(.post, Self.maps, token: token, body: body)
            let gauge = try await Gauge(api)
            while try await gauge.read("current_executing_requests") != "1" {}
            try await test(
                Narrow(api: api, token: token, gauge: gauge) { end(Array(#""metadata":{"name":"a"}}"#.utf8)) })
            #expect(try await first.status.code == 201)
        }
    }

    @Test func `answers name the schema and the level by which they were let in`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("writer", rules: [Self.all])
            let answer = try await api.send(.get, Self.maps, token: token)
            let client = api.server.client()
            let schema = try await client.get(Target(.flowSchemas, name: "service-accounts"))
            let level = try await client.get(Target(.priorityLevelConfigurations, name: "workload-low"))
            #expect(answer.headers["X-Kubernetes-PF-FlowSchema-UID"] == schema.uid)
            #expect(answer.headers["X-Kubernetes-PF-PriorityLevel-UID"] == level.uid)
            #expect(answer.headers["Content-Type"] == "application/json")
        }
    }

    @Test func `who finds no seat is told to come again, and others are not harmed`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("writer", rules: [Self.all])
            let other = try await api.token("other", rules: [Self.all])
            try await Self.narrow(api, ["type": "Reject"])
            let (body, end) = Self.held()
            async let first = api.stream(.post, Self.maps, token: token, body: body)
            let gauge = try await Gauge(api)
            while try await gauge.read("current_executing_requests") != "1" {}
            let refused = try await api.send(.get, Self.maps + "/x", token: token)
            #expect(refused.status.code == 429)
            #expect(refused.headers["Retry-After"] == "1")
            #expect(refused.headers["X-Kubernetes-PF-FlowSchema-UID"] != nil)
            #expect(try await api.ask(.get, Self.maps, token: other).code == 200)
            end(Array(#""metadata":{"name":"a"}}"#.utf8))
            #expect(try await first.status.code == 201)
            #expect(try await api.ask(.get, Self.maps + "/a", token: token).code == 200)
            let refusals = try await gauge.read("rejected_requests_total", ",reason=\"concurrency-limit\"")
            #expect(refusals == "1")
        }
    }

    @Test func `who waits comes in when a seat is free`() async throws {
        try await withTakenSeat { narrow in
            let (api, token, gauge) = (narrow.api, narrow.token, narrow.gauge)
            async let second = api.ask(.get, Self.maps + "/a", token: token)
            while try await gauge.read("current_inqueue_requests") != "1" {}
            // The queue holds one.
            #expect(try await api.ask(.get, Self.maps + "/a", token: token).code == 429)
            // A watch needs a seat to begin.
            let path = Self.maps + "?watch=true&timeoutSeconds=3000"
            #expect(try await api.send(.get, path, token: token).status.code == 429)
            narrow.free()
            #expect(try await second.code == 200)
            // It gives the seat back when it has begun, whatever it begins with.
            for more in ["", "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"] {
                let watch = try await api.send(.get, path + more, token: token)
                #expect(watch.status.code == 200)
                #expect(watch.headers["X-Kubernetes-PF-FlowSchema-UID"] != nil)
                #expect(watch.headers["X-Kubernetes-PF-PriorityLevel-UID"] != nil)
                while try await gauge.read("current_executing_requests") != "0" {}
                #expect(try await api.ask(.get, Self.maps + "/a", token: token).code == 200)
            }
            #expect(try await gauge.read("request_execution_seconds_count", ",type=\"watch\"") == "2")
        }
    }

    @Test func `who waits too long is refused`() async throws {
        try await withTakenSeat { $0.requestTimeout = .seconds(8) } _: { narrow in
            let answer = try await narrow.api.ask(.get, Self.maps + "/a", token: narrow.token)
            #expect(answer.code == 429)
            narrow.free()
        }
    }

    @Test func `who waits is shown to those who may look`() async throws {
        try await withTakenSeat { narrow in
            let (api, token, gauge) = (narrow.api, narrow.token, narrow.gauge)
            async let second = api.ask(.get, Self.maps + "/a", token: token)
            while try await gauge.read("current_inqueue_requests") != "1" {}
            func rows(_ dump: String, by token: String) async throws -> [[String]] {
                let path = "/debug/api_priority_and_fairness/" + dump
                let text = try await api.ask(.get, path, token: token).text
                return text.split(separator: "\n").map { line in
                    line.split(separator: ",", omittingEmptySubsequences: false).map { String($0.drop { $0 == " " }) }
                }
            }
            let levels = try await rows("dump_priority_levels", by: gauge.token)
            #expect(levels[0].prefix(3) == ["PriorityLevelName", "ActiveQueues", "IsIdle"])
            #expect(levels.contains(["narrow", "1", "false", "false", "1", "1", "1", "0", "0", "0"]))
            let queues = try await rows("dump_queues", by: gauge.token)
            #expect(queues[0].prefix(3) == ["PriorityLevelName", "Index", "PendingRequests"])
            let own = queues.filter { $0[0] == "narrow" }
            #expect(own.count == 1)
            #expect(own.first?.dropFirst() == ["0", "1", "0", "0", "0.00000000ss", "1", "1", "1.00000000ss"])
            #expect(queues.filter { $0[0] == "workload-low" }.map { $0[1] } == (0..<128).map(String.init))
            #expect(!queues.contains { $0[0] == "exempt" })
            let waiting = try await rows("dump_requests?includeRequestDetails=1", by: gauge.token)
            #expect(waiting.count == 2)
            #expect(waiting[1].prefix(4) == ["narrow", "narrow", "0", "0"])
            #expect(waiting[1].suffix(5) == ["default", "a", "v1", "configmaps", ""])
            let path = "/debug/api_priority_and_fairness/dump_requests"
            #expect(try await api.ask(.get, path, token: token).code == 403, "not everybody may look")
            narrow.free()
            #expect(try await second.code == 200)
        }
    }

    @Test func `without priority levels requests are counted`() async throws {
        try await TestAPI.run {
            $0.sharesFairly = false
            $0.writesAtOnce = 1
        } _: { api in
            let token = try await api.token("writer", rules: [Self.all])
            let (body, end) = Self.held()
            async let first = api.stream(.post, Self.maps, token: token, body: body)
            let gauge = try await Gauge(api)
            while !(try await gauge.text.contains("inflight_requests{request_kind=\"mutating\"} 1\n")) {}
            let refused = try await api.send(.delete, Self.maps + "/x", token: token)
            #expect(refused.status.code == 429)
            #expect(refused.headers["Retry-After"] == "1")
            let read = try await api.send(.get, Self.maps, token: token)
            #expect(read.status.code == 200)
            #expect(read.headers["X-Kubernetes-PF-FlowSchema-UID"] == nil)
            end(Array(#""metadata":{"name":"a"}}"#.utf8))
            #expect(try await first.status.code == 201)
            #expect(try await api.ask(.delete, Self.maps + "/a", token: token).code == 200)
        }
    }

    @Test(arguments: [
        (GroupVersionResource.flowSchemas, "catch-all", "matchingPrecedence"),
        (.priorityLevelConfigurations, "catch-all", "limited"),
    ])
    func `what every cluster must have is not changed, nor gone for long`(
        resource: GroupVersionResource, name: String, field: String
    ) async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let target = Target(resource, name: name)
            let right = try await client.get(target).value
            var wrong = right
            wrong[path: ["spec", field]] = field == "limited" ? ["nominalConcurrencyShares": 6] : 9_999
            let status = await #expect(throws: Status.self) { try await client.update(target, wrong, WriteOptions()) }
            #expect(status?.code == 422)
            #expect(status?.message.contains("spec of '\(name)' must equal the fixed value") == true)
            _ = try await client.delete(target, DeletionOptions())
            while true {
                if let made = try? await client.get(target), made.uid != right.at("metadata", "uid")?.string {
                    #expect(made.value["spec"] == right["spec"])
                    break
                }
                await Task.yield()
            }
        }
    }

    @Test func `the standard objects are kept, and schemas say whether they hold`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            _ = try await client.delete(Target(.priorityLevelConfigurations, name: "system"), DeletionOptions())
            while (try? await client.get(Target(.priorityLevelConfigurations, name: "system"))) == nil {
                try await Task.sleep(for: .milliseconds(5))
            }
            try await Self.narrow(api, ["type": "Reject"])
            func dangling() async throws -> Value? {
                let schema = try await client.get(Target(.flowSchemas, name: "narrow")).value
                return schema.at("status", "conditions")?.array?.first?["status"]
            }
            while try await dangling() != "False" { try await Task.sleep(for: .milliseconds(5)) }
            _ = try await client.delete(Target(.priorityLevelConfigurations, name: "narrow"), DeletionOptions())
            while try await dangling() != "True" { try await Task.sleep(for: .milliseconds(5)) }
        }
    }
}
