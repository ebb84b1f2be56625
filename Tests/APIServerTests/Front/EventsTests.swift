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

    @Test func `a flag that is not there counts as false`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("a", rules: [Self.all])
            try await api.server.client().create(Node(name: "n1"))
            let list = try await api.ask(.get, "/api/v1/nodes?fieldSelector=spec.unschedulable%3Dfalse", token: token)
            #expect(try Value(json: Array(list.text.utf8))["items"]?.array?.count == 1)
        }
    }
}
