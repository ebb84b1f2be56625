import Host
import Testing

/// The roles that people bind their users to.
@Suite(.serialized) struct DefaultRolesTests {
    private static func review(_ verb: String, _ resource: String, group: String = "") -> String {
        """
        apiVersion: authorization.k8s.io/v1
        kind: SubjectAccessReview
        spec:
          user: jane
          resourceAttributes: {namespace: default, verb: \(verb), group: "\(group)", resource: \(resource)}
        """
    }

    @Test(.timeLimit(.minutes(2))) func `a user bound to edit may do what edit says, and no more`() async throws {
        try await TestServer.with { server in
            let bound = try await server.kubectl("create", "rolebinding", "jane", "--clusterrole=edit", "--user=jane")
            #expect(bound.status.isSuccess, "\(bound.errorText)")
            func isAllowed(_ review: String) async throws -> Bool {
                try await server.kubectl("create", "-o", "jsonpath={.status.allowed}", input: review).text == "true"
            }
            // The role is put together after the server said that it is ready.
            while try await !isAllowed(Self.review("list", "pods")) { try await Task.sleep(for: .milliseconds(50)) }
            #expect(try await isAllowed(Self.review("create", "deployments", group: "apps")))
            #expect(try await isAllowed(Self.review("list", "secrets")))
            #expect(try await !isAllowed(Self.review("create", "roles", group: "rbac.authorization.k8s.io")))
            #expect(try await !isAllowed(Self.review("list", "nodes")))
        }
    }
}
