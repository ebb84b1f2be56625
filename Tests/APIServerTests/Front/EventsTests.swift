import API
import APIMachinery
import APIServer
import Client
import Testing
import Wire

/// Events are stored once and served in two versions.
@Suite(.timeLimit(.minutes(5))) struct EventsTests {
    private static let all: Value = ["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]
    private static let core = "/api/v1/namespaces/default/events"
    private static let events = "/apis/events.k8s.io/v1/namespaces/default/events"

    private static let new: Value = [
        "metadata": ["name": "e"], "eventTime": "2027-01-01T00:00:00.000001Z", "note": "said", "reason": "Because",
        "regarding": ["kind": "Pod", "namespace": "default", "name": "p"], "type": "Normal", "action": "Act",
        "reportingController": "c/x", "reportingInstance": "i",
        "series": ["count": 3, "lastObservedTime": "2027-01-01T00:01:00.000000Z"],
    ]

    @Test func `what is written in one version is read in the other, and back`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("a", rules: [Self.all])
            #expect(try await api.ask(.post, Self.events, token: token, body: Self.new).code == 201)
            let old = try Value(json: Array(try await api.ask(.get, Self.core + "/e", token: token).text.utf8))
            #expect(old["message"] == "said")
            #expect(old.at("involvedObject", "name") == "p")
            #expect(old["reportingComponent"] == "c/x")
            #expect(old.at("series", "count") == 3)
            let new = try Value(json: Array(try await api.ask(.get, Self.events + "/e", token: token).text.utf8))
            #expect(new["apiVersion"] == "events.k8s.io/v1")
            for (name, value) in Self.new.fields ?? Fields() where name != "metadata" {
                #expect(new[name] == value, "\(name)")
            }
            #expect(new["message"] == nil)
        }
    }

    @Test(arguments: [
        ("involvedObject.name=p", "regarding.name=p", 1), ("involvedObject.kind!=Pod", "regarding.kind!=Pod", 0),
        ("reportingComponent=c/x", "reportingController=c/x", 1), ("reason=Because", "reason=Because", 1),
        ("source=c/x", "type=Normal", 1), ("type=Warning", "reason=Other", 0),
    ])
    func `fields are selected by the names that each version has`(old: String, new: String, count: Int) async throws {
        try await TestAPI.run { api in
            let token = try await api.token("a", rules: [Self.all])
            _ = try await api.ask(.post, Self.events, token: token, body: Self.new)
            for (path, selector) in [(Self.core, old), (Self.events, new)] {
                let query = "?fieldSelector=" + PercentEncoding.encode(selector)
                let list = try Value(json: Array(try await api.ask(.get, path + query, token: token).text.utf8))
                #expect(list["items"]?.array?.count == count, "\(path) \(selector)")
            }
            let unknown = Self.events + "?fieldSelector=involvedObject.name%3Dp"
            #expect(try await api.ask(.get, unknown, token: token).code == 400)
        }
    }

    /// What is changed of a good event (null takes a field away), and the fields that are then wrong.
    struct Wrong: Sendable {
        var changes: Value
        var fields: [String]

        init(_ changes: Value, _ fields: [String]) {
            self.changes = changes
            self.fields = fields
        }

        static func word(_ length: Int) -> Value { .string(String(repeating: "x", count: length)) }
    }

    private static let wrongs: [Wrong] = [
        Wrong(["eventTime": .null], ["eventTime"]),
        Wrong(["reportingInstance": .null, "action": .null, "reason": .null], ["reportingInstance", "action", "reason"]),
        Wrong(["reportingController": "a b"], ["reportingController"]),
        Wrong(["reportingInstance": Wrong.word(129), "action": Wrong.word(129)], ["reportingInstance", "action"]),
        Wrong(["reason": Wrong.word(129), "note": Wrong.word(1025)], ["reason", "message"]),
        Wrong(["type": "Odd"], ["type"]),
        Wrong(["type": .null], ["type"]),
        Wrong(["deprecatedCount": 1, "deprecatedSource": ["host": "h"]], ["count", "source"]),
        Wrong(["deprecatedFirstTimestamp": "2027-01-01T00:00:00Z"], ["firstTimestamp"]),
        Wrong(["deprecatedLastTimestamp": "2027-01-01T00:00:00Z"], ["lastTimestamp"]),
        Wrong(["series": ["count": 1, "lastObservedTime": "2027-01-01T00:01:00.000000Z"]], ["series.count"]),
        Wrong(["series": ["count": 2]], ["series.lastObservedTime"]),
        Wrong(["metadata": ["name": "E_"]], ["metadata.name"]),
        Wrong(["regarding": ["kind": "Node", "name": "n"]], []),
    ]

    @Test(arguments: wrongs) func `a new event says who reports, what was done, and when`(wrong: Wrong) async throws {
        try await TestAPI.run { api in
            let token = try await api.token("a", rules: [Self.all])
            var event = Self.new
            for (key, value) in wrong.changes.fields ?? Fields() { event[key] = value == .null ? nil : value }
            let answer = try await api.ask(.post, Self.events, token: token, body: event)
            #expect(answer.code == (wrong.fields.isEmpty ? 201 : 422))
            let causes = try Value(json: Array(answer.text.utf8)).at("details", "causes")?.array ?? []
            #expect(causes.compactMap { $0["field"]?.string } == wrong.fields, "\(answer.text)")
        }
    }

    @Test func `an event that a PUT makes is a new one too`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("a", rules: [Self.all])
            var event = Self.new
            event["action"] = nil
            #expect(try await api.ask(.put, Self.events + "/e", token: token, body: event).code == 422)
            #expect(try await api.ask(.put, Self.events + "/e", token: token, body: Self.new).code == 201)
            #expect(try await api.ask(.put, Self.events + "/e", token: token, body: Self.new).code == 200)
        }
    }

    @Test func `an event of old may leave all that out, and be changed`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("a", rules: [Self.all])
            let old: Value = ["metadata": ["name": "e"], "involvedObject": ["namespace": "default"], "type": "Odd"]
            #expect(try await api.ask(.post, Self.core, token: token, body: old).code == 201)
            let patch: HTTPHeaders = ["Content-Type": "application/merge-patch+json"]
            let changes: Value = ["message": "other", "count": 2]
            #expect(try await api.ask(.patch, Self.core + "/e", token: token, headers: patch, body: changes).code == 200)
            let elsewhere: Value = ["metadata": ["name": "f"], "involvedObject": ["namespace": "other"]]
            #expect(try await api.ask(.post, Self.core, token: token, body: elsewhere).code == 422)
        }
    }

    private static let changes: [Wrong] = [
        Wrong(["series": ["count": 4, "lastObservedTime": "2027-01-01T00:02:00.000000Z"]], []),
        Wrong(["metadata": ["labels": ["a": "b"]]], []),
        Wrong(["note": "other"], ["message"]),
        Wrong(["reason": "Other", "regarding": ["name": "q"]], ["involvedObject", "reason"]),
        Wrong(["series": ["count": 1]], ["series.count"]),
        Wrong(["deprecatedCount": 3, "action": "Else"], ["count", "action"]),
        Wrong(["eventTime": "2027-01-02T00:00:00.000000Z"], ["eventTime"]),
        Wrong(["reportingController": "d/x", "type": "Warning"], ["type", "reportingController"]),
    ]

    @Test(arguments: changes)
    func `of a new event a series goes on, and nothing else changes`(wrong: Wrong) async throws {
        try await TestAPI.run { api in
            let token = try await api.token("a", rules: [Self.all])
            #expect(try await api.ask(.post, Self.events, token: token, body: Self.new).code == 201)
            let patch: HTTPHeaders = ["Content-Type": "application/merge-patch+json"]
            let answer = try await api.ask(.patch, Self.events + "/e", token: token, headers: patch, body: wrong.changes)
            #expect(answer.code == (wrong.fields.isEmpty ? 200 : 422), "\(answer.text)")
            let causes = try Value(json: Array(answer.text.utf8)).at("details", "causes")?.array ?? []
            #expect(causes.compactMap { $0["field"]?.string } == wrong.fields, "\(answer.text)")
        }
    }

    @Test func `an error names the resource as it was asked for`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("a", rules: [Self.all])
            func refusal(_ method: HTTPMethod, _ path: String, _ body: Value? = nil) async throws -> [Value?] {
                let status = try Value(json: Array(try await api.ask(method, path, token: token, body: body).text.utf8))
                return [status["message"], status.at("details", "group")]
            }
            var stale = Self.new
            stale[path: ["metadata", "resourceVersion"]] = "999999"
            _ = try await api.ask(.post, Self.events, token: token, body: Self.new)
            let modified = "the object has been modified; please apply your changes to the latest version and try again"
            let cases: [(HTTPMethod, String, Value?, String)] = [
                (.get, "/none", nil, #""none" not found"#), (.delete, "/none", nil, #""none" not found"#),
                (.post, "", Self.new, #""e" already exists"#),
            ]
            for (method, path, body, words) in cases {
                let grouped = try await refusal(method, Self.events + path, body)
                #expect(grouped == [.string("events.events.k8s.io " + words), "events.k8s.io"])
            }
            let conflict = try await refusal(.put, Self.events + "/e", stale)
            #expect(
                conflict == [
                    .string(#"Operation cannot be fulfilled on events.events.k8s.io "e": "# + modified), "events.k8s.io",
                ])
            #expect(try await refusal(.get, Self.core + "/none") == [#"events "none" not found"#, nil])
        }
    }

    @Test func `a flag that is not there counts as false`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("a", rules: [Self.all])
            try await api.server.client().create(Node(name: "n1"))
            let list = try await api.ask(.get, "/api/v1/nodes?fieldSelector=spec.unschedulable%3Dfalse", token: token)
            #expect(try Value(json: Array(list.text.utf8))["items"]?.array?.count == 1)
        }
    }
}
