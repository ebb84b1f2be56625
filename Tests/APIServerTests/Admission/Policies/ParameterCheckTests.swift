import API
import APIMachinery
import APIServer
import Client
import Testing

/// Who may write policies that look at other objects.
@Suite(.timeLimit(.minutes(5))) struct ParameterCheckTests {
    private static let writes: Value = [
        "apiGroups": ["admissionregistration.k8s.io"], "resources": ["*"], "verbs": ["create", "update"],
    ]

    private static func policy(_ kind: String, _ label: String = "a") -> Value {
        [
            "metadata": ["name": "p", "labels": ["l": .string(label)]],
            "spec": [
                "paramKind": ["apiVersion": "v1", "kind": .string(kind)],
                "matchConstraints": [
                    "resourceRules": [
                        ["operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]]
                    ]
                ],
                "validations": [["expression": "true", "messageExpression": "string(params.data)"]],
            ],
        ]
    }

    private static func binding(_ name: String, in namespace: String) -> Value {
        [
            "metadata": ["name": .string(name)],
            "spec": [
                "policyName": "p", "validationActions": ["Deny"],
                "paramRef": [
                    "name": .string(name), "namespace": .string(namespace), "parameterNotFoundAction": "Deny",
                ],
            ],
        ]
    }

    /// Jane may write policies, get all ConfigMaps, and the Secret `mine`.
    private func withJane(_ body: (LocalClient, _ admin: LocalClient) async throws -> Void) async throws {
        let server = try await TestAPI.open()
        await server.bootstrap()
        let admin = server.client()
        let rules: Value = [
            Self.writes, ["apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]],
            ["apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["mine"]],
        ]
        _ = try await admin.create(
            Target(.clusterRoles), ["metadata": ["name": "jane"], "rules": rules], WriteOptions())
        _ = try await admin.create(
            Target(.clusterRoleBindings),
            [
                "metadata": ["name": "jane"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "jane"],
                "subjects": [["apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"]],
            ], WriteOptions())
        try await body(server.client(as: User(name: "jane", groups: ["dev"])), admin)
        await server.close()
    }

    private func refusal(_ body: () async throws -> Void) async throws -> String {
        let status = await #expect(throws: Status.self) { try await body() }
        #expect(status?.code == 422)
        return status?.details?.causes.first.map { "\($0.field): \($0.message)" } ?? ""
    }

    @Test func `a policy may see what its writer may`() async throws {
        let policies = Target(.validatingAdmissionPolicies)
        try await withJane { jane, admin in
            let why = try await refusal { _ = try await jane.create(policies, Self.policy("Secret"), WriteOptions()) }
            #expect(
                why == "spec.paramKind: Forbidden: user &{jane  [dev] map[]} must have \"get\" permission on all objects "
                    + "of the referenced paramKind (kind=Secret, apiVersion=v1)")
            _ = try await jane.create(policies, Self.policy("ConfigMap"), WriteOptions())
            var made = try await admin.create(policies, Self.named("q", Self.policy("Secret")), WriteOptions()).value
            // What is there already is no news.
            made[path: ["metadata", "labels", "l"]] = "b"
            let name = Target(.validatingAdmissionPolicies, name: "q")
            made = try await jane.update(name, made, WriteOptions()).value
            made[path: ["spec", "paramKind", "kind"]] = "Nothing"
            let news = made
            _ = try await refusal { _ = try await jane.update(name, news, WriteOptions()) }
        }
    }

    private static func named(_ name: String, _ object: Value) -> Value {
        var named = object
        named[path: ["metadata", "name"]] = .string(name)
        return named
    }

    @Test func `a binding may show what its writer may see`() async throws {
        let bindings = Target(.validatingAdmissionPolicyBindings)
        try await withJane { jane, admin in
            // Of which kind the parameter will be is not known: it could be any.
            _ = try await refusal { _ = try await jane.create(bindings, Self.binding("mine", in: "a"), WriteOptions()) }
            _ = try await admin.create(
                Target(.validatingAdmissionPolicies), Self.policy("Secret"), WriteOptions())
            _ = try await jane.create(bindings, Self.binding("mine", in: "a"), WriteOptions())
            let why = try await refusal {
                _ = try await jane.create(bindings, Self.binding("other", in: "a"), WriteOptions())
            }
            #expect(
                why == "spec.paramRef: Forbidden: user &{jane  [dev] map[]} does not have \"get\" permission on the "
                    + "object referenced by paramRef")
            // Who selects learns what there is: that is a list.
            var selecting = Self.binding("mine", in: "a")
            selecting[path: ["metadata", "name"]] = "selecting"
            selecting[path: ["spec", "paramRef", "name"]] = nil
            selecting[path: ["spec", "paramRef", "selector"]] = .emptyObject
            selecting[path: ["spec", "paramRef", "parameterNotFoundAction"]] = "Deny"
            let wish = selecting
            let listed = try await refusal { _ = try await jane.create(bindings, wish, WriteOptions()) }
            #expect(listed.contains("does not have \"list\" permission"))
        }
    }
}
