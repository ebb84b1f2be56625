import APIMachinery
import Synchronization
import Testing
import Wire

@testable import APIServer

/// Custom resources in several versions.
@Suite(.timeLimit(.minutes(3))) struct ConversionTests {
    private static let one = CronTab.schema(["host": ["type": "string"], "port": ["type": "integer"]])
    private static let two = CronTab.schema(["hostPort": ["type": "string"]])
    private static let base = "/apis/stable.example.com"

    private static func path(_ version: String) -> String { "\(base)/\(version)/namespaces/default/crontabs" }

    /// What a conversion webhook of an operator does: `host` and `port` in v1 are `hostPort` in v2.
    static func convert(_ review: Value) -> Value {
        let wanted = review.at("request", "desiredAPIVersion")?.string ?? ""
        let objects = (review.at("request", "objects")?.array ?? []).map { object in
            var new = object
            new["apiVersion"] = .string(wanted)
            let spec = object["spec"] ?? .emptyObject
            if wanted.hasSuffix("/v2") {
                new["spec"] = ["hostPort": .string("\(spec["host"]?.string ?? ""):\(spec["port"]?.integer ?? 0)")]
            } else {
                let parts = (spec["hostPort"]?.string ?? ":").split(separator: ":").map(String.init)
                new["spec"] = ["host": .string(parts[0]), "port": .integer(Int64(parts[1]) ?? 0)]
            }
            return new
        }
        return [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
            "response": [
                "uid": review.at("request", "uid") ?? "", "result": ["status": "Success"],
                "convertedObjects": .array(objects),
            ],
        ]
    }

    static func definition(storing version: String, _ hook: TestWebhook?) -> Value {
        var spec = Value.emptyObject
        if let hook {
            spec["conversion"] = [
                "strategy": "Webhook",
                "webhook": ["clientConfig": hook.clientConfig("/convert"), "conversionReviewVersions": ["v1"]],
            ]
        }
        return CronTab.definition(
            [
                CronTab.version("v1", one, isStored: version == "v1"),
                CronTab.version("v2", hook == nil ? one : two, isStored: version == "v2"),
            ], spec)
    }

    @Test func `without a webhook a version is a name, and what it does not know is gone`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            try await tabs.define(Self.definition(storing: "v1", nil))
            _ = try await tabs.ask(
                .post, Self.path("v2"), CronTab.object("a", ["host": "x", "port": 1], version: "v2"))
            let first = try await tabs.ask(.get, Self.path("v1") + "/a").value
            let second = try await tabs.ask(.get, Self.path("v2") + "/a").value
            #expect(first["apiVersion"] == "stable.example.com/v1")
            #expect(second["apiVersion"] == "stable.example.com/v2")
            #expect(first["spec"] == second["spec"])
            #expect(first["metadata"] == second["metadata"])
            let versions = try await tabs.ask(.get, Self.base).value
            #expect(versions.at("preferredVersion", "version") == "v2")
        }
    }

    @Test func `a thousand objects survive a change of the stored version, and show in each`() async throws {
        let calls = Mutex(0)
        try await TestWebhook.run(answer: { _, body in
            calls.withLock { $0 += 1 }
            return (200, Self.convert(try Value(json: body)).json)
        }) { hook in
            try await TestAPI.run { api in
                let tabs = try await CronTab(api)
                try await tabs.define(Self.definition(storing: "v1", hook))
                try await Self.fill(tabs, count: 1000)
                #expect(calls.withLock(\.self) == 0)
                let storing: Value = [
                    ["op": "replace", "path": "/spec/versions/0/storage", "value": false],
                    ["op": "replace", "path": "/spec/versions/1/storage", "value": true],
                ]
                let changed = try await tabs.ask(
                    .patch, CronTab.definitions + "/" + CronTab.name, storing,
                    ["Content-Type": "application/json-patch+json"])
                #expect(changed.value.at("status", "storedVersions") == ["v1", "v2"])
                try await Self.check(tabs)
                try await Self.migrate(tabs)
                // Nothing is left in the old form: reading in the new one needs no webhook.
                calls.withLock { $0 = 0 }
                try await Self.check(tabs, versions: ["v2"])
                #expect(calls.withLock(\.self) == 0)
                try await Self.check(tabs)
            }
        }
    }

    private static func fill(_ tabs: CronTab, count: Int) async throws {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    var created = 0
                    for index in stride(from: worker, to: count, by: 8) {
                        let spec: Value = ["host": .string("h\(index)"), "port": .integer(Int64(index))]
                        let object = CronTab.object("tab-\(index)", spec)
                        if try await tabs.ask(.post, path("v1"), object).code == 201 { created += 1 }
                    }
                    return created
                }
            }
            let created = try await group.reduce(0, +)
            #expect(created == count)
        }
    }

    /// Every object in each version, by pages since an answer of the test's client has a limit.
    private static func check(_ tabs: CronTab, versions: [String] = ["v1", "v2"]) async throws {
        for version in versions {
            var seen = 0
            var token = ""
            repeat {
                let list = try await tabs.ask(.get, path(version) + "?limit=250&continue=" + token).value
                for object in list["items"]?.array ?? [] {
                    let number = (object.at("metadata", "name")?.string ?? "").dropFirst("tab-".count)
                    let spec: Value =
                        version == "v1"
                        ? ["host": .string("h\(number)"), "port": .integer(Int64(number) ?? 0)]
                        : ["hostPort": .string("h\(number):\(number)")]
                    #expect(object["spec"] == spec)
                    #expect(object["apiVersion"] == .string("stable.example.com/" + version))
                    seen += 1
                }
                token = list.at("metadata", "continue")?.string ?? ""
            } while !token.isEmpty
            #expect(seen == 1000)
        }
    }

    /// As people do it: each object is written as it is.
    private static func migrate(_ tabs: CronTab) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    for index in stride(from: worker, to: 1000, by: 8) {
                        let object = try await tabs.ask(.get, path("v2") + "/tab-\(index)").value
                        let before = object.at("metadata", "resourceVersion")
                        let after = try await tabs.ask(.put, path("v2") + "/tab-\(index)", object)
                        #expect(after.code == 200)
                        #expect(after.value.at("metadata", "resourceVersion") != before)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `fields are selected by in the version in which they are asked for`() async throws {
        try await TestWebhook.run(answer: { _, body in (200, Self.convert(try Value(json: body)).json) }) { hook in
            try await TestAPI.run { api in
                let tabs = try await CronTab(api)
                var definition = Self.definition(storing: "v1", hook)
                for (index, field) in [".spec.host", ".spec.hostPort"].enumerated() {
                    var versions = definition.at("spec", "versions")?.array ?? []
                    versions[index]["selectableFields"] = [["jsonPath": .string(field)]]
                    definition[path: ["spec", "versions"]] = .array(versions)
                }
                try await tabs.define(definition)
                let start = try await tabs.ask(.get, Self.path("v2")).value.at("metadata", "resourceVersion")?.string
                for (name, host) in [("a", "x"), ("b", "y"), ("c", "x")] {
                    _ = try await tabs.ask(
                        .post, Self.path("v1"), CronTab.object(name, ["host": .string(host), "port": 1]))
                }
                let merge: HTTPHeaders = ["Content-Type": "application/merge-patch+json"]
                _ = try await tabs.ask(.patch, Self.path("v1") + "/a", ["spec": ["host": "y"]], merge)
                _ = try await tabs.ask(.patch, Self.path("v1") + "/b", ["spec": ["host": "x"]], merge)
                _ = try await tabs.ask(.patch, Self.path("v1") + "/c", ["metadata": ["labels": ["l": "1"]]], merge)
                _ = try await tabs.ask(.delete, Self.path("v1") + "/c")
                for (version, field) in [("v1", "spec.host%3Dx"), ("v2", "spec.hostPort%3Dx:1")] {
                    let selected = "?fieldSelector=" + field
                    let list = try await tabs.ask(.get, Self.path(version) + selected).value
                    #expect(list["items"]?.array?.map { $0.at("metadata", "name") } == ["b"], "\(version)")
                    let watch = "\(selected)&watch=true&timeoutSeconds=1&resourceVersion=\(start ?? "")"
                    let text = try await tabs.ask(.get, Self.path(version) + watch).value.string ?? ""
                    let events = text.split(separator: "\n").compactMap { try? Value(json: Array($0.utf8)) }
                    #expect(
                        events.map { event in
                            let name = event.at("object", "metadata", "name")?.string ?? ""
                            return "\(event["type"]?.string ?? "") \(name)"
                        } == ["ADDED a", "ADDED c", "DELETED a", "ADDED b", "MODIFIED c", "DELETED c"], "\(version)")
                    // What leaves the selection is shown as it was in it.
                    #expect(events.allSatisfy { $0.at("object", "spec") == list["items"]?.array?.first?["spec"] })
                }
                let wrong = try await tabs.ask(.get, Self.path("v2") + "?fieldSelector=spec.host%3Dx")
                #expect(wrong.code == 400)
                _ = try await tabs.ask(.delete, Self.path("v2") + "?fieldSelector=spec.hostPort%3Dx:1")
                let left = try await tabs.ask(.get, Self.path("v1")).value["items"]?.array
                #expect(left?.map { $0.at("metadata", "name") } == ["a"])
            }
        }
    }

    @Test func `a conversion that fails is told, and does not keep the definition from going`() async throws {
        try await TestWebhook.run(answer: { _, body in
            let uid = try Value(json: body).at("request", "uid") ?? ""
            let answer: Value = [
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
                "response": ["uid": uid, "result": ["status": "Failure", "message": "no such luck"]],
            ]
            return (200, answer.json)
        }) { hook in
            try await TestAPI.run { api in
                let tabs = try await CronTab(api)
                try await tabs.define(Self.definition(storing: "v1", hook))
                _ = try await tabs.ask(.post, Self.path("v1"), CronTab.object("a", ["host": "x", "port": 1]))
                let answer = try await tabs.ask(.get, Self.path("v2") + "/a")
                #expect(answer.code == 500)
                #expect(
                    answer.value["message"]?.string?.contains(
                        "conversion webhook for stable.example.com/v1, Kind=CronTab failed: no such luck") == true)
                _ = try await tabs.ask(.delete, CronTab.definitions + "/" + CronTab.name)
                try await tabs.wait(CronTab.name) { $0 == nil }
            }
        }
    }
}
