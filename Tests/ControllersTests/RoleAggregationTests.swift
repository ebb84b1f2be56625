import API
import APIMachinery
import APIServer
import Client
import ClientTestSupport
import Datastore
import PKI
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct RoleAggregationTests {
    @Test func `an aggregated role has the rules of its parts`() {
        var (role, parts): (ClusterRole, [[ClusterRole]]) = (ClusterRole(name: "all"), [[]])
        Conversation(
            """
            # By name within a selector, each rule once, never its own.
            part b get/pods list/pods
            part a list/pods watch/pods
            part all delete/pods
            decide
            ----
            write list/pods watch/pods get/pods

            # Selectors in their order.
            selector
            part A get/nodes get/pods
            decide
            ----
            write list/pods watch/pods get/pods get/nodes

            decide
            ----
            nothing

            # Rules that no part gives are taken away, and the last one too.
            none
            part a list/pods
            decide
            ----
            write list/pods

            none
            decide
            ----
            write
            """
        ).check { command in
            switch command[0] {
            case "part":
                var part = ClusterRole(name: command[1])
                part.rules = command.dropFirst(2).map(Self.rule)
                parts[parts.count - 1].append(part)
            case "selector": parts.append([])
            case "none": parts = [[]]
            default:
                let wanted = AggregationDecision(role: role, parts: parts).wanted
                if wanted == role { return ["nothing"] }
                role = wanted
                return [(["write"] + role.rules.map { $0.verbs[0] + "/" + $0.resources[0] }).joined(separator: " ")]
            }
            return []
        }
    }

    @Test func `a role follows those that it is made of, through another one`() async throws {
        let api = MemoryAPI()
        try await api.create(Self.role("edit", labels: ["to": "admin"], selecting: ["to": "edit"]))
        try await api.create(Self.role("admin", selecting: ["to": "admin"]))
        try await running([RoleAggregator()], on: api) {
            var part = Self.role("part", labels: ["to": "edit"])
            part.rules = [Self.rule("get/pods")]
            part = try await api.create(part)
            await api.wait { $0.peek(ClusterRole.self, "admin")?.rules == part.rules }
            part.metadata.labels = [:]
            try await api.update(part)
            await api.wait { $0.peek(ClusterRole.self, "admin")?.rules == [] }
        }
        #expect(
            api.journal.dropFirst(2) == [
                "create clusterroles part", "update clusterroles edit", "update clusterroles admin",
                "update clusterroles part", "update clusterroles edit", "update clusterroles admin",
            ])
    }

    /// The real API, its bootstrap roles, and the controller as the service account that a server runs it as.
    @Test func `view, edit and admin let their users do what they say, in their namespace`() async throws {
        let server = try await APIServer.open(
            APIServerOptions(
                durable: MemoryDatastore(), volatile: MemoryDatastore(), clientAuthorities: [],
                serviceAccountKeys: [try PrivateKey.generateP256()],
                serviceCIDR: try #require(IPPrefix("10.43.0.0/16")),
                advertiseAddress: try #require(IPAddress("127.0.0.1")), advertisePort: 6443, version: [:]))
        await server.bootstrap()
        let account = User.serviceAccount(namespace: "kube-system", name: "clusterrole-aggregation-controller")
        let client = server.client(as: account, observingAs: .controllerManager)
        try await running([RoleAggregator()], on: client) {
            for role in ["view", "edit", "admin"] { try await Self.bind(role, server.client()) }
            try await Self.waitForRoles(server.client())
            for (user, verb, resource, isAllowed) in Self.expectations {
                let answer = try await Self.may(user, verb, resource, server.client())
                #expect(answer == isAllowed, "\(user) may \(verb) \(resource)")
            }
        }
        await server.close()
    }

    private static let expectations: [(user: String, verb: String, resource: GroupVersionResource, isAllowed: Bool)] = [
        ("view", "list", .pods, true), ("view", "list", .secrets, false), ("view", "create", .pods, false),
        ("edit", "list", .pods, true), ("edit", "list", .secrets, true), ("edit", "create", .deployments, true),
        ("edit", "create", .roleBindings, false), ("admin", "create", .roleBindings, true),
        ("admin", "create", .deployments, true), ("admin", "create", .nodes, false),
    ]

    private static func bind(_ role: String, _ client: some Client) async throws {
        var binding = RoleBinding(namespace: "default", name: role)
        binding.value["roleRef"] = [
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(role),
        ]
        binding.value["subjects"] = [
            ["apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": .string(role)]
        ]
        try await client.create(binding)
    }

    /// Returns when `admin`, to which all others flow, has every rule of the parts.
    private static func waitForRoles(_ client: some Client) async throws {
        let roles = try await client.observe(ClusterRole.self)
        let (changes, bell) = AsyncStream.makeStream(of: Void.self)
        let observation = roles.observe { _ in bell.yield() }
        defer { observation.cancel() }
        for await _ in changes {
            let rules = ["view", "edit", "admin"].map { name in
                let part = roles.get(ClusterRole.self, ObjectName(name: "system:aggregate-to-" + name))
                return part?.rules ?? []
            }
            let present = roles.get(ClusterRole.self, ObjectName(name: "admin"))?.rules ?? []
            if Set(rules.joined()).isSubset(of: present), !rules[0].isEmpty { return }
        }
    }

    private static func may(
        _ user: String, _ verb: String, _ resource: GroupVersionResource, _ client: some Client
    ) async throws -> Bool {
        let review = GroupVersionResource(
            group: "authorization.k8s.io", version: "v1", resource: "subjectaccessreviews")
        let attributes: Value = [
            "namespace": "default", "verb": .string(verb), "group": .string(resource.group),
            "resource": .string(resource.resource),
        ]
        let answer = try await client.create(
            Target(review),
            [
                "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
                "spec": ["user": .string(user), "resourceAttributes": attributes],
            ], WriteOptions())
        return answer.value.at("status", "allowed") == true
    }

    private static func role(
        _ name: String, labels: [String: String] = [:], selecting: [String: String]? = nil
    ) -> ClusterRole {
        var role = ClusterRole(name: name)
        role.metadata.labels = labels
        if let selecting {
            var selector = MetaV1LabelSelector()
            selector.matchLabels = selecting
            role.aggregationRule = AggregationRule()
            role.aggregationRule?.clusterRoleSelectors = [selector]
        }
        return role
    }

    /// `get/pods`
    private static func rule(_ text: String) -> PolicyRule {
        let words = text.split(separator: "/").map(String.init)
        var rule = PolicyRule()
        (rule.verbs, rule.apiGroups, rule.resources) = ([words[0]], [""], [words[1]])
        return rule
    }
}
