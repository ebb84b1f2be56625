import API
import APIMachinery
import Client
import Testing
import Wire

@testable import APIServer

/// KEP-5284.
@Suite struct ConstrainedImpersonationTests {
    private static let list = RequestInfo(method: "GET", path: "/api/v1/namespaces/ns/pods", isWatch: false)

    private static func ways(_ user: String, from sender: User = User(name: "me"), _ more: HTTPHeaders = [:]) throws -> [String] {
        var headers: HTTPHeaders = ["Impersonate-User": user]
        for (name, value) in more { headers.add(name, value) }
        return try #require(try Impersonation(headers)).ways(for: sender, doing: list).map { way in
            way.access.map { "\($0.verb) \($0.group)/\($0.combinedResource) \($0.namespace)/\($0.name)" }.joined(separator: ", ")
        }
    }

    @Test func `a user's name, groups and all are asked for, and what is done`() throws {
        #expect(
            try Self.ways("jane", ["Impersonate-Group": "devs", "Impersonate-Uid": "7"]) == [
                "impersonate-on:user-info:list /pods ns/, impersonate:user-info authentication.k8s.io/users /jane, "
                    + "impersonate:user-info authentication.k8s.io/groups /devs, impersonate:user-info authentication.k8s.io/uids /7",
                "impersonate /users /jane, impersonate /groups /devs, impersonate authentication.k8s.io/uids /7",
            ])
    }

    @Test func `accounts and nodes come alone, and nobody becomes a master in a narrow way`() throws {
        #expect(
            try Self.ways("system:serviceaccount:ns:a")[0]
                == "impersonate-on:serviceaccount:list /pods ns/, impersonate:serviceaccount authentication.k8s.io/serviceaccounts ns/a")
        #expect(
            try Self.ways("system:node:n1")[0]
                == "impersonate-on:arbitrary-node:list /pods ns/, impersonate:arbitrary-node authentication.k8s.io/nodes /n1")
        for (user, group) in [("system:serviceaccount:ns:a", "g"), ("system:node:n1", "g"), ("jane", "system:masters")] {
            #expect(try Self.ways(user, ["Impersonate-Group": group]).count == 1)
        }
    }

    @Test(arguments: [
        ("Impersonate-Group", ""), ("Impersonate-Extra-", "x"), ("Impersonate-Extra-plain", "x"),
        ("Impersonate-Extra-a%zz", "b"), ("Impersonate-Extra-example.com%2Fa%20b", "x"),
        ("Impersonate-Extra-example.com%2fa", ""), ("Impersonate-Extra-example.com%2F%41", "x"),
    ])
    func `in a narrow way nothing is said that says nothing`(header: String, value: String) throws {
        #expect(try Self.ways("jane", [header: value]).count == 1)
        #expect(try Self.ways("jane", ["Impersonate-Extra-example.com%2fa": "x"]).count == 2)
    }

    @Test func `a right for all groups or all extras suffices for many`() throws {
        var headers: HTTPHeaders = ["Impersonate-Group": "a"]
        for group in ["b", "c", "d"] { headers.add("Impersonate-Group", group) }
        let ways = try Self.ways("jane", headers)
        #expect(ways.count == 3)
        #expect(ways[0].hasSuffix("impersonate:user-info authentication.k8s.io/groups /*"))
        #expect(ways[1].hasSuffix("impersonate:user-info authentication.k8s.io/groups /d"))
        for value in ["1", "2", "3", "4"] { headers.add("Impersonate-Extra-example.com%2fa", value) }
        let more = try Self.ways("jane", headers)
        #expect(more.count == 5)
        #expect(more[0].hasSuffix("/groups /*, impersonate:user-info authentication.k8s.io/userextras/* /*"))
    }

    @Test(arguments: ["system:serviceaccount:default:BAD_", "system:serviceaccount:De:a", "system:node:BAD_", "system:node:"])
    func `who is only called like an account or a node is neither`(name: String) throws {
        let ways = try Self.ways(name)
        #expect(ways.count == 2)
        #expect(ways[0].hasSuffix("impersonate:user-info authentication.k8s.io/users /\(name)"))
        #expect(ways[1] == "impersonate /users /\(name)")
        let user = try #require(try Impersonation(["Impersonate-User": name])).user
        #expect(user.groups == ["system:authenticated"])
    }

    @Test func `an account on a node may be allowed to act as its own node`() throws {
        let extra = ["authentication.kubernetes.io/node-name": ["n1"]]
        let agent = User(name: "system:serviceaccount:ns:agent", extra: extra)
        #expect(
            try Self.ways("system:node:n1", from: agent)[0]
                == "impersonate-on:associated-node:list /pods ns/, impersonate:associated-node authentication.k8s.io/nodes /*")
        #expect(try Self.ways("system:node:n2", from: agent).count == 2)
        #expect(try Self.ways("system:node:n1", from: User(name: "me", extra: extra)).count == 2)
    }

    @Test func `narrow rights suffice for what they name, and for nothing else`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token(
                "agent",
                rules: [
                    [
                        "apiGroups": ["authentication.k8s.io"], "resources": ["nodes"], "resourceNames": ["n1"],
                        "verbs": ["impersonate:arbitrary-node"],
                    ],
                    ["apiGroups": [""], "resources": ["nodes"], "verbs": ["impersonate-on:arbitrary-node:get"]],
                ])
            _ = try await api.server.client().create(Target(.nodes), ["metadata": ["name": "n1"]], WriteOptions())
            let asNode: HTTPHeaders = ["Impersonate-User": "system:node:n1"]
            #expect(try await api.ask(.get, "/api/v1/nodes/n1", token: token, headers: asNode).code == 200)
            #expect(try await api.ask(.get, "/api/v1/nodes", token: token, headers: asNode).code == 403)
            #expect(try await api.ask(.get, "/api/v1/nodes/n1", token: token, headers: ["Impersonate-User": "system:node:n2"]).code == 403)
            #expect(try await api.ask(.get, "/api/v1/nodes/n1", token: token).code == 403)
        }
    }
}
