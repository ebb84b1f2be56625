import API
import APIMachinery
import Client

/// The flow schemas and priority levels that every cluster has (Kubernetes documentation, "Mandatory Configuration
/// Objects" and "Suggested Configuration Objects").
enum StandardFlows {
    /// An object as it should be.
    struct Wanted: Sendable {
        var resource: GroupVersionResource
        var name: String
        var spec: Value
        /// Whether it is kept whatever its owner says.
        var isMandatory: Bool

        var kind: GroupVersionKind {
            GroupVersionKind(
                group: resource.group, version: resource.version,
                kind: resource == .flowSchemas ? "FlowSchema" : "PriorityLevelConfiguration")
        }

        /// As much of a spec as its users may not set: not what the level `exempt` counts for.
        func fixed(_ spec: Value) -> Value {
            var spec = spec
            if self.spec["exempt"] != nil { spec["exempt"] = nil }
            return spec
        }
    }

    /// The object of that name that every cluster must have as it is.
    static func mandatory(_ resource: GroupVersionResource, _ name: String) -> Wanted? {
        all.first { $0.isMandatory && $0.resource == resource && $0.name == name }
    }

    static let all: [Wanted] = levels + schemas

    // MARK: Levels

    private static let levels: [Wanted] = [
        level(
            "exempt", ["type": "Exempt", "exempt": ["nominalConcurrencyShares": 0, "lendablePercent": 0]],
            isMandatory: true),
        limited("catch-all", shares: 5, lendable: 0, queues: nil, isMandatory: true),
        limited("system", shares: 30, lendable: 33, queues: (64, 6)),
        limited("node-high", shares: 40, lendable: 25, queues: (64, 6)),
        limited("leader-election", shares: 10, lendable: 0, queues: (16, 4)),
        limited("workload-high", shares: 40, lendable: 50, queues: (128, 6)),
        limited("workload-low", shares: 100, lendable: 90, queues: (128, 6)),
        limited("global-default", shares: 20, lendable: 50, queues: (128, 6)),
    ]

    private static func level(_ name: String, _ spec: Value, isMandatory: Bool) -> Wanted {
        Wanted(resource: .priorityLevelConfigurations, name: name, spec: spec, isMandatory: isMandatory)
    }

    private static func limited(
        _ name: String, shares: Int64, lendable: Int64, queues: (count: Int64, hand: Int64)?, isMandatory: Bool = false
    ) -> Wanted {
        var response: Value = ["type": "Reject"]
        if let queues {
            response = [
                "type": "Queue",
                "queuing": [
                    "queues": .integer(queues.count), "handSize": .integer(queues.hand), "queueLengthLimit": 50,
                ],
            ]
        }
        return level(
            name,
            [
                "type": "Limited",
                "limited": [
                    "nominalConcurrencyShares": .integer(shares), "lendablePercent": .integer(lendable),
                    "limitResponse": response,
                ],
            ], isMandatory: isMandatory)
    }

    // MARK: Schemas

    private static let everybody = [group("system:unauthenticated"), group("system:authenticated")]
    private static let controllers: Value = user("system:kube-controller-manager")
    private static let scheduler: Value = user("system:kube-scheduler")
    private static let nodes: Value = group("system:nodes")
    private static let systemAccounts: Value = account("*")
    private static let electing = ["get", "create", "update"]

    private static let schemas: [Wanted] = [
        schema("exempt", "exempt", 1, nil, [group("system:masters")], everything, isMandatory: true),
        schema(
            "probes", "exempt", 2, nil, everybody,
            ["nonResourceRules": [["verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]]]]),
        schema(
            "system-leader-election", "leader-election", 100, .user, [controllers, scheduler, systemAccounts],
            resources([rule(electing, "coordination.k8s.io", ["leases"])])),
        schema(
            "endpoint-controller", "workload-high", 150, .user,
            [controllers, account("endpoint-controller"), account("endpointslicemirroring-controller")],
            resources([rule(electing, "", ["endpoints"])])),
        schema(
            "workload-leader-election", "leader-election", 200, .user, [systemAccounts],
            resources([
                rule(electing, "", ["endpoints", "configmaps"]), rule(electing, "coordination.k8s.io", ["leases"]),
            ])),
        schema(
            "system-node-high", "node-high", 400, .user, [nodes],
            resources([
                rule(["*"], "", ["nodes", "nodes/status"], isClusterScoped: true),
                rule(["*"], "coordination.k8s.io", ["leases"]),
            ])),
        schema("system-nodes", "system", 500, .user, [nodes], everything),
        schema("kube-controller-manager", "workload-high", 800, .namespace, [controllers], everything),
        schema("kube-scheduler", "workload-high", 800, .namespace, [scheduler], everything),
        schema("kube-system-service-accounts", "workload-high", 900, .namespace, [systemAccounts], everything),
        schema("service-accounts", "workload-low", 9000, .user, [group("system:serviceaccounts")], everything),
        schema("global-default", "global-default", 9900, .user, everybody, everything),
        schema("catch-all", "catch-all", 10_000, .user, everybody, everything, isMandatory: true),
    ]

    private static func schema(
        _ name: String, _ level: String, _ precedence: Int64, _ distinguisher: FlowSchema.Distinguisher?,
        _ subjects: [Value], _ rules: Value, isMandatory: Bool = false
    ) -> Wanted {
        var rules = rules
        rules["subjects"] = .array(subjects)
        var spec: Value = [
            "priorityLevelConfiguration": ["name": .string(level)], "matchingPrecedence": .integer(precedence),
            "rules": [rules],
        ]
        if let distinguisher { spec["distinguisherMethod"] = ["type": .string(distinguisher.rawValue)] }
        return Wanted(resource: .flowSchemas, name: name, spec: spec, isMandatory: isMandatory)
    }

    private static let everything: Value = [
        "resourceRules": [rule(["*"], "*", ["*"], isClusterScoped: true)],
        "nonResourceRules": [["verbs": ["*"], "nonResourceURLs": ["*"]]],
    ]

    private static func resources(_ rules: [Value]) -> Value { ["resourceRules": .array(rules)] }

    private static func rule(
        _ verbs: [String], _ group: String, _ resources: [String], isClusterScoped: Bool = false
    ) -> Value {
        var rule: Value = [
            "verbs": Value(verbs), "apiGroups": [.string(group)], "resources": Value(resources), "namespaces": ["*"],
        ]
        if isClusterScoped { rule["clusterScope"] = true }
        return rule
    }

    private static func user(_ name: String) -> Value { ["kind": "User", "user": ["name": .string(name)]] }
    private static func group(_ name: String) -> Value { ["kind": "Group", "group": ["name": .string(name)]] }
    private static func account(_ name: String) -> Value {
        ["kind": "ServiceAccount", "serviceAccount": ["namespace": "kube-system", "name": .string(name)]]
    }
}
