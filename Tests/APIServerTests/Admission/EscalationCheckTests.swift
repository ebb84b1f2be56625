import API
import APIMachinery
import APIServer
import Client
import Testing

@Suite struct EscalationCheckTests {
    private static let rbac = "rbac.authorization.k8s.io"
    private static let jane = User(name: "jane", groups: ["dev", "system:authenticated"])

    private static func role(_ name: String, _ rules: Value) -> Value { ["metadata": ["name": .string(name)], "rules": rules] }

    private static func binding(_ name: String, _ kind: String, _ role: String, user: String) -> Value {
        [
            "metadata": ["name": .string(name)],
            "roleRef": ["apiGroup": .string(rbac), "kind": .string(kind), "name": .string(role)],
            "subjects": [["apiGroup": .string(rbac), "kind": "User", "name": .string(user)]],
        ]
    }

    private static let readsPods: Value = [["apiGroups": [""], "resources": ["pods"], "verbs": ["get"]]]
    private static let deletesPods: Value = [["apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]]]

    /// Jane may write everything of RBAC, and read pods in the namespace `default`.
    private func withJane(
        extraRules: [Value] = [], _ body: (LocalClient, _ admin: LocalClient) async throws -> Void
    ) async throws {
        let server = try await TestAPI.open()
        await server.bootstrap()
        let admin = server.client()
        let writer: Value = .array(
            [["apiGroups": [.string(Self.rbac)], "resources": ["*"], "verbs": ["get", "create", "update", "patch", "delete"]]]
                + extraRules)
        _ = try await admin.create(Target(.clusterRoles), Self.role("writer", writer), WriteOptions())
        _ = try await admin.create(Target(.clusterRoles), Self.role("deleter", Self.deletesPods), WriteOptions())
        _ = try await admin.create(
            Target(.clusterRoleBindings), Self.binding("writer", "ClusterRole", "writer", user: "jane"), WriteOptions())
        _ = try await admin.create(
            Target(.roles, namespace: "default"), Self.role("reader", Self.readsPods), WriteOptions())
        _ = try await admin.create(
            Target(.roleBindings, namespace: "default"), Self.binding("reader", "Role", "reader", user: "jane"),
            WriteOptions())
        try await body(server.client(as: Self.jane), admin)
        await server.close()
    }

    private func refusal(_ body: () async throws -> Void) async throws -> String {
        let status = await #expect(throws: Status.self) { try await body() }
        #expect(status?.code == 403)
        return status?.message ?? ""
    }

    @Test func `a role may hold what its writer holds there, and no more`() async throws {
        try await withJane { jane, _ in
            let here = Target(.roles, namespace: "default")
            _ = try await jane.create(here, Self.role("mine", Self.readsPods), WriteOptions())
            let message = try await refusal {
                _ = try await jane.create(here, Self.role("more", Self.deletesPods), WriteOptions())
            }
            #expect(
                message == #"roles.rbac.authorization.k8s.io "more" is forbidden: user "jane" "#
                    + #"(groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:"#
                    + "\n" + #"{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}"#)
            // What is held in one namespace is not held in another, nor in all.
            for target in [Target(.roles, namespace: "kube-system"), Target(.clusterRoles)] {
                _ = try await refusal {
                    _ = try await jane.create(target, Self.role("far", Self.readsPods), WriteOptions())
                }
            }
        }
    }

    @Test func `an update is a grant, however it is made`() async throws {
        try await withJane { jane, _ in
            let name = Target(.roles, namespace: "default", name: "reader")
            _ = try await refusal { _ = try await jane.update(name, Self.role("reader", Self.deletesPods), WriteOptions()) }
            _ = try await refusal {
                _ = try await jane.patch(name, .merge(["rules": Self.deletesPods]), WriteOptions())
            }
            _ = try await refusal {
                _ = try await jane.update(
                    Target(.roles, namespace: "default", name: "new"), Self.role("new", Self.deletesPods), WriteOptions())
            }
        }
    }

    @Test func `what holds an object may change without its rights`() async throws {
        try await withJane { jane, _ in
            let deleter = Target(.clusterRoles, name: "deleter")
            _ = try await jane.patch(deleter, .merge(["metadata": ["finalizers": ["x.io/y"]]]), WriteOptions())
            _ = try await refusal {
                _ = try await jane.patch(deleter, .merge(["metadata": ["labels": ["x": "y"]]]), WriteOptions())
            }
        }
    }

    @Test func `who may escalate may write any role`() async throws {
        let rule: Value = ["apiGroups": [.string(Self.rbac)], "resources": ["roles", "clusterroles"], "verbs": ["escalate"]]
        try await withJane(extraRules: [rule]) { jane, _ in
            _ = try await jane.create(Target(.clusterRoles), Self.role("all", Self.deletesPods), WriteOptions())
        }
    }

    @Test func `a role is bound by who holds it, or may bind it`() async throws {
        let rule: Value = [
            "apiGroups": [.string(Self.rbac)], "resources": ["clusterroles"], "verbs": ["bind"],
            "resourceNames": ["deleter"],
        ]
        let here = Target(.roleBindings, namespace: "default")
        try await withJane { jane, _ in
            _ = try await jane.create(here, Self.binding("a", "Role", "reader", user: "joe"), WriteOptions())
            let message = try await refusal {
                _ = try await jane.create(here, Self.binding("b", "ClusterRole", "deleter", user: "joe"), WriteOptions())
            }
            #expect(message.hasPrefix(#"rolebindings.rbac.authorization.k8s.io "b" is forbidden: user "jane""#))
            let status = await #expect(throws: Status.self) {
                _ = try await jane.create(here, Self.binding("c", "ClusterRole", "none", user: "joe"), WriteOptions())
            }
            #expect(status?.message == #"clusterroles.rbac.authorization.k8s.io "none" not found"#)
        }
        try await withJane(extraRules: [rule]) { jane, _ in
            for target in [here, Target(.clusterRoleBindings)] {
                _ = try await jane.create(
                    target, Self.binding("b", "ClusterRole", "deleter", user: "joe"), WriteOptions())
            }
            _ = try await refusal {
                _ = try await jane.create(
                    here, Self.binding("c", "ClusterRole", "cluster-admin", user: "joe"), WriteOptions())
            }
        }
    }

    @Test func `roles are gathered by who holds everything`() async throws {
        var gathering = Self.role("all", [])
        gathering["aggregationRule"] = ["clusterRoleSelectors": [["matchLabels": ["x": "y"]]]]
        let role = gathering
        try await withJane { jane, admin in
            let message = try await refusal { _ = try await jane.create(Target(.clusterRoles), role, WriteOptions()) }
            #expect(message.hasSuffix("must have cluster-admin privileges to use the aggregationRule"))
            _ = try await admin.create(Target(.clusterRoles), role, WriteOptions())
            _ = try await refusal {
                _ = try await jane.patch(
                    Target(.clusterRoles, name: "all"), .merge(["aggregationRule": .null]), WriteOptions())
            }
        }
        let all: [Value] = [
            ["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]], ["nonResourceURLs": ["*"], "verbs": ["*"]],
        ]
        try await withJane(extraRules: all) { jane, _ in
            _ = try await jane.create(Target(.clusterRoles), role, WriteOptions())
        }
    }
}
