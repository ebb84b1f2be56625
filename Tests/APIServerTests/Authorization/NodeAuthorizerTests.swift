import API
import APIMachinery
import Client
import Testing

@testable import APIServer

/// What a node may do with the objects of pods that are, and are not, its own.
@Suite struct NodeAuthorizerTests {
    private static let pod: Value = [
        "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "web", "namespace": "shop"],
        "spec": [
            "nodeName": "n1", "serviceAccountName": "seller", "imagePullSecrets": [["name": "pull"]],
            "containers": [
                [
                    "name": "c", "image": "i",
                    "env": [["name": "A", "valueFrom": ["secretKeyRef": ["name": "key", "key": "k"]]]],
                    "envFrom": [["configMapRef": ["name": "settings"]]],
                ]
            ],
            "volumes": [
                ["name": "v", "persistentVolumeClaim": ["claimName": "data"]],
                ["name": "p", "projected": ["sources": [["configMap": ["name": "kube-root-ca.crt"]]]]],
                ["name": "e", "ephemeral": ["volumeClaimTemplate": ["spec": [:]]]],
            ],
        ],
    ]

    struct Case: Sendable, CustomTestStringConvertible {
        var verb: String
        var target: Target
        var isAllowed: Bool
        var node = "n1"
        var testDescription: String { "\(node) \(verb) \(target)" }
    }

    private static func target(_ resource: GroupVersionResource, _ name: String, in namespace: String = "shop") -> Target {
        Target(resource, namespace: namespace, name: name)
    }

    static let cases: [Case] = [
        Case(verb: "get", target: target(.secrets, "key"), isAllowed: true),
        Case(verb: "get", target: target(.secrets, "pull"), isAllowed: true),
        Case(verb: "watch", target: target(.configMaps, "settings"), isAllowed: true),
        Case(verb: "list", target: target(.configMaps, "kube-root-ca.crt"), isAllowed: true),
        Case(verb: "get", target: target(.persistentVolumeClaims, "data"), isAllowed: true),
        Case(verb: "get", target: target(.persistentVolumeClaims, "web-e"), isAllowed: true),
        Case(verb: "create", target: Target(.serviceAccounts, ObjectName(namespace: "shop", name: "seller"), subresource: "token"), isAllowed: true),
        Case(verb: "get", target: target(.secrets, "other"), isAllowed: false),
        Case(verb: "list", target: target(.secrets, ""), isAllowed: false),
        Case(verb: "get", target: target(.secrets, "key", in: "else"), isAllowed: false),
        Case(verb: "get", target: target(.secrets, "key"), isAllowed: false, node: "n2"),
        Case(verb: "create", target: Target(.serviceAccounts, ObjectName(namespace: "shop", name: "boss"), subresource: "token"), isAllowed: false),
        Case(verb: "delete", target: target(.secrets, "key"), isAllowed: false),
        Case(verb: "update", target: target(.leases, "n1", in: "kube-node-lease"), isAllowed: true),
        Case(verb: "update", target: target(.leases, "n2", in: "kube-node-lease"), isAllowed: false),
        Case(verb: "list", target: target(.pods, "", in: ""), isAllowed: true),
        Case(verb: "create", target: target(.deployments, ""), isAllowed: false),
    ]

    @Test(arguments: cases) func `a node reaches what its pods refer to, and no more`(_ one: Case) {
        let pods = FixedSet(Self.pod)
        let authorizer = NodeAuthorizer(
            role: BuiltinTypes.rbacObjects().first { $0.at("metadata", "name") == "system:node" } ?? [:], pods: pods,
            volumes: FixedSet(), attachments: FixedSet())
        let request = AccessRequest(user: .node(one.node), verb: one.verb, one.target)
        let isAllowed = if case .allow = authorizer.decide(request) { true } else { false }
        #expect(isAllowed == one.isAllowed)
    }
}
