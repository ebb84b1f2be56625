import APIMachinery
import Testing

@testable import APIServer

@Suite struct RBACPolicyTests {
    private static let policy: RBACPolicy = {
        var policy = RBACPolicy()
        policy.setRole(
            ObjectName(name: "reader"),
            ["rules": [
                ["verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log"]],
                ["verbs": ["get"], "nonResourceURLs": ["/healthz", "/metrics/*"]],
            ]])
        policy.setRole(
            ObjectName(namespace: "ns", name: "named"),
            ["rules": [
                ["verbs": ["*"], "apiGroups": ["*"], "resources": ["secrets"], "resourceNames": ["mine"]],
                ["verbs": ["update"], "apiGroups": ["apps"], "resources": ["*/scale"]],
            ]])
        policy.setBinding(
            ObjectName(name: "b1"),
            ["roleRef": ["kind": "ClusterRole", "name": "reader"], "subjects": [["kind": "Group", "name": "readers"]]])
        policy.setBinding(
            ObjectName(namespace: "ns", name: "b2"),
            ["roleRef": ["kind": "Role", "name": "named"], "subjects": [["kind": "ServiceAccount", "name": "sa"]]])
        policy.setBinding(
            ObjectName(name: "b3"),
            ["roleRef": ["kind": "ClusterRole", "name": "gone"], "subjects": [["kind": "User", "name": "u"]]])
        return policy
    }()

    private static let reader = User(name: "r", groups: ["readers"])
    private static let account = User.serviceAccount(namespace: "ns", name: "sa")

    struct Case: Sendable {
        var user: User
        var method: String
        var path: String
        var isAllowed: Bool
    }

    @Test(arguments: [
        Case(user: reader, method: "GET", path: "/api/v1/pods", isAllowed: true),
        Case(user: reader, method: "GET", path: "/api/v1/namespaces/x/pods/a/log", isAllowed: true),
        Case(user: reader, method: "GET", path: "/api/v1/namespaces/x/pods/a/exec", isAllowed: false),
        Case(user: reader, method: "DELETE", path: "/api/v1/namespaces/x/pods/a", isAllowed: false),
        Case(user: reader, method: "GET", path: "/apis/apps/v1/pods", isAllowed: false),
        Case(user: reader, method: "GET", path: "/healthz", isAllowed: true),
        Case(user: reader, method: "GET", path: "/metrics/x", isAllowed: true),
        Case(user: reader, method: "GET", path: "/metrics", isAllowed: false),
        Case(user: account, method: "PUT", path: "/api/v1/namespaces/ns/secrets/mine", isAllowed: true),
        Case(user: account, method: "PUT", path: "/api/v1/namespaces/ns/secrets/other", isAllowed: false),
        Case(user: account, method: "PUT", path: "/api/v1/namespaces/other/secrets/mine", isAllowed: false),
        Case(user: account, method: "PUT", path: "/apis/apps/v1/namespaces/ns/deployments/d/scale", isAllowed: true),
        Case(user: account, method: "PUT", path: "/apis/apps/v1/namespaces/ns/deployments/d", isAllowed: false),
        Case(user: User(name: "u"), method: "GET", path: "/api/v1/pods", isAllowed: false),
    ])
    func `a rule covers exactly what it names`(example: Case) {
        let info = RequestInfo(method: example.method, path: example.path, isWatch: false)
        let decision = Self.policy.decide(AccessRequest(user: example.user, info))
        if case .allow = decision { #expect(example.isAllowed) } else { #expect(!example.isAllowed) }
    }

    @Test func `a reason names the binding, the role and the subject`() {
        let info = RequestInfo(method: "GET", path: "/api/v1/pods", isWatch: false)
        #expect(
            Self.policy.decide(AccessRequest(user: Self.reader, info))
                == .allow(reason: #"RBAC: allowed by ClusterRoleBinding "b1" of ClusterRole "reader" to Group "readers""#))
    }

    @Test func `a refusal reads as kubectl users know it`() {
        let info = RequestInfo(method: "GET", path: "/apis/apps/v1/namespaces/ns/deployments/web", isWatch: false)
        let status = Status.forbidden(AccessRequest(user: User(name: "jane"), info), reason: "")
        #expect(
            status.message
                == #"deployments.apps "web" is forbidden: User "jane" cannot get resource "deployments" in API group "apps" in the namespace "ns""#
        )
        let list = RequestInfo(method: "GET", path: "/api/v1/nodes", isWatch: false)
        #expect(
            Status.forbidden(AccessRequest(user: User(name: "jane"), list), reason: "").message
                == #"nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope"#)
    }

    @Test func `a binding that is removed counts no more`() {
        var policy = Self.policy
        policy.setBinding(ObjectName(name: "b1"), nil)
        let info = RequestInfo(method: "GET", path: "/api/v1/pods", isWatch: false)
        #expect(policy.decide(AccessRequest(user: Self.reader, info)) == .noOpinion(reason: ""))
    }

    @Test func `subjects of bindings that are gone are forgotten`() {
        var policy = Self.policy
        let before = policy.boundSubjects
        for index in 0..<100 {
            let name = ObjectName(name: "temporary")
            policy.setBinding(
                name,
                [
                    "roleRef": ["kind": "ClusterRole", "name": "reader"],
                    "subjects": [["kind": "User", "name": .string("u\(index)")]],
                ])
        }
        policy.setBinding(ObjectName(name: "temporary"), nil)
        #expect(policy.boundSubjects == before)
    }
}
