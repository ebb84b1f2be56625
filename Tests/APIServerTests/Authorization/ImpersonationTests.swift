import APIMachinery
import Client
import Testing
import Wire

@testable import APIServer

@Suite(.timeLimit(.minutes(5))) struct ImpersonationTests {
    private static let admin = User(name: "admin")

    struct Case: Sendable {
        var headers: HTTPHeaders
        var user: User
        /// What must be allowed, as `NAMESPACE/RESOURCE/NAME`.
        var access: [String]
    }

    @Test(arguments: [
        Case(
            headers: ["Impersonate-User": "jane"], user: User(name: "jane", groups: ["system:authenticated"]),
            access: ["/users/jane"]),
        Case(
            headers: ["impersonate-user": "jane", "Impersonate-Group": "a", "IMPERSONATE-GROUP": "b"],
            user: User(name: "jane", groups: ["a", "b", "system:authenticated"]),
            access: ["/users/jane", "/groups/a", "/groups/b"]),
        Case(
            headers: ["Impersonate-User": "jane", "Impersonate-Group": "system:unauthenticated"],
            user: User(name: "jane", groups: ["system:unauthenticated"]),
            access: ["/users/jane", "/groups/system:unauthenticated"]),
        Case(
            headers: ["Impersonate-User": "system:serviceaccount:ns:sa"],
            user: User(
                name: "system:serviceaccount:ns:sa",
                groups: ["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"]),
            access: ["ns/serviceaccounts/sa"]),
        Case(
            headers: ["Impersonate-User": "system:anonymous"],
            user: User(name: "system:anonymous", groups: ["system:unauthenticated"]),
            access: ["/users/system:anonymous"]),
        Case(
            headers: [
                "Impersonate-User": "jane", "Impersonate-Uid": "7", "Impersonate-Extra-Scopes": "x",
                "Impersonate-Extra-acme.com%2Fproject": "y", "Impersonate-Extra-scopes": "z",
            ],
            user: User(
                name: "jane", uid: "7", groups: ["system:authenticated"],
                extra: ["scopes": ["x", "z"], "acme.com/project": ["y"]]),
            access: [
                "/users/jane", "/userextras/acme.com/project/y", "/userextras/scopes/x", "/userextras/scopes/z", "/uids/7",
            ]),
    ])
    func `headers say whom a request is taken for, and what that takes`(example: Case) throws {
        let impersonation = try #require(try Impersonation(example.headers))
        #expect(impersonation.user == example.user)
        let access = impersonation.access(for: Self.admin)
        #expect(access.map { "\($0.namespace)/\($0.combinedResource)/\($0.name)" } == example.access)
        #expect(access.allSatisfy { $0.verb == "impersonate" && $0.user == Self.admin })
    }

    @Test func `a request without these headers is its sender's`() throws {
        #expect(try Impersonation(["Host": "x"]) == nil)
        #expect(try Impersonation(["Impersonate-User": ""]) == nil)
    }

    @Test(arguments: ["Impersonate-Group", "Impersonate-Uid", "Impersonate-Extra-x"])
    func `nothing is added to nobody`(header: String) {
        var headers = HTTPHeaders()
        headers.add(header, "x")
        let status = #expect(throws: Status.self) { try Impersonation(headers) }
        #expect(status?.code == 400)
    }

    @Test func `who may be another is judged as that other`() async throws {
        try await TestAPI.run { api in
            let reads: Value = ["apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]]
            let impersonates: Value = [
                "apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"], "resourceNames": ["reader"],
            ]
            _ = try await api.token("reader", rules: [reads])
            let token = try await api.token("actor", rules: [impersonates])
            let path = "/api/v1/namespaces/default"
            let reader: HTTPHeaders = ["Impersonate-User": "system:serviceaccount:default:reader"]
            #expect(try await api.ask(.get, path, token: token).code == 403)
            #expect(try await api.ask(.get, path, token: token, headers: reader).code == 200)
            let whoami = try await api.ask(
                .post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", token: token, headers: reader,
                body: ["apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"])
            #expect(whoami.code == 201)
            #expect(whoami.text.contains(#""username":"system:serviceaccount:default:reader""#))
            let masters: HTTPHeaders = [
                "Impersonate-User": "system:serviceaccount:default:reader", "Impersonate-Group": "system:masters",
            ]
            let refused = try await api.ask(.get, path, token: token, headers: masters)
            #expect(refused.code == 403)
            #expect(
                refused.text.contains(
                    #"groups \"system:masters\" is forbidden: User \"system:serviceaccount:default:actor\" cannot impersonate resource \"groups\" in API group \"\" at the cluster scope"#
                ))
        }
    }
}
