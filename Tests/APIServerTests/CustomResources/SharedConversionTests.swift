import APIMachinery
import Synchronization
import Testing
import Wire

@testable import APIServer

@Suite(.timeLimit(.minutes(2))) struct SharedConversionTests {
    private static let form = SharedConversions.Form(fingerprint: "f", version: "v2", isDeletion: false)
    private static let object = StoredObject(received: ["metadata": ["name": "a"]])

    @Test func `one makes a form, the others take it`() async {
        let conversions = SharedConversions()
        guard case .make = conversions.claim(Self.form) else {
            Issue.record("the first makes it")
            return
        }
        let count = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    switch conversions.claim(Self.form) {
                    case .make: false
                    case .wait: await conversions.wait(for: Self.form) === Self.object
                    case .take(let object): object === Self.object
                    }
                }
            }
            await Task.yield()
            conversions.settle(Self.form, Self.object)
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(count == 10)
    }

    @Test func `when the one fails the next makes it`() async {
        let conversions = SharedConversions()
        _ = conversions.claim(Self.form)
        async let waiting = conversions.wait(for: Self.form)
        conversions.settle(Self.form, nil)
        #expect(await waiting == nil)
        guard case .make = conversions.claim(Self.form) else {
            Issue.record("nobody else makes it")
            return
        }
    }

    private static let base = "/apis/stable.example.com"

    private static func path(_ version: String) -> String { "\(base)/\(version)/namespaces/default/crontabs" }

    /// Changes the version alone, and says so in a label.
    private static func convert(_ body: [UInt8]) throws -> [UInt8] {
        let review = try Value(json: body)
        let wanted = review.at("request", "desiredAPIVersion")?.string ?? ""
        let objects = (review.at("request", "objects")?.array ?? []).map { object in
            var new = object
            new["apiVersion"] = .string(wanted)
            new[path: ["metadata", "labels", "converted"]] = "yes"
            return new
        }
        let answer: Value = [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
            "response": [
                "uid": review.at("request", "uid") ?? "", "result": ["status": "Success"],
                "convertedObjects": .array(objects),
            ],
        ]
        return answer.json
    }

    private static func run(
        _ calls: Counter = Counter(), _ body: @escaping @Sendable (CronTab) async throws -> Void
    ) async throws {
        try await TestWebhook.run(answer: { _, body in
            calls.add()
            return (200, try convert(body))
        }) { hook in
            try await TestAPI.run { api in
                let tabs = try await CronTab(api)
                let schema = CronTab.schema(["host": ["type": "string"]])
                try await tabs.define(
                    CronTab.definition(
                        [CronTab.version("v1", schema), CronTab.version("v2", schema, isStored: false)],
                        [
                            "conversion": [
                                "strategy": "Webhook",
                                "webhook": [
                                    "clientConfig": hook.clientConfig("/convert"), "conversionReviewVersions": ["v1"],
                                ],
                            ]
                        ]))
                try await body(tabs)
            }
        }
    }

    private final class Counter: Sendable {
        private let count = Mutex(0)
        func add() { count.withLock { $0 += 1 } }
        var value: Int { count.withLock(\.self) }
    }

    @Test func `a change is converted once for all who watch it`() async throws {
        let calls = Counter()
        try await Self.run(calls) { tabs in
            let watch = Self.path("v2") + "?watch=true&timeoutSeconds=2&resourceVersion=0"
            try await withThrowingTaskGroup(of: String.self) { group in
                // Each has begun before the object comes.
                var answers: [HTTPClientResponse] = []
                for _ in 0..<6 { answers.append(try await tabs.api.send(.get, watch, token: tabs.token)) }
                _ = try await tabs.ask(.post, Self.path("v1"), CronTab.object("a", ["host": "x"]))
                for answer in answers {
                    group.addTask {
                        String(decoding: try await answer.body.collect(limit: 1 << 20), as: UTF8.self)
                    }
                }
                for try await text in group {
                    #expect(text.contains("stable.example.com/v2") && text.contains("\"converted\":\"yes\""))
                }
            }
        }
        #expect(calls.value == 1)
    }

    @Test func `who deletes a collection is shown it in the version asked for`() async throws {
        try await Self.run { tabs in
            _ = try await tabs.ask(.post, Self.path("v1"), CronTab.object("a", ["host": "x"]))
            let answer = try await tabs.ask(.delete, Self.path("v2"))
            let items = answer.value["items"]?.array ?? []
            #expect(items.map { $0["apiVersion"] } == ["stable.example.com/v2"])
            #expect(items.first?.at("metadata", "labels", "converted") == "yes")
        }
    }
}
