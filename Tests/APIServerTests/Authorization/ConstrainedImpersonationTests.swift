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
