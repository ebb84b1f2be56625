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
            "resourceClaims": [["name": "a", "resourceClaimName": "gpu"], ["name": "b", "resourceClaimTemplateName": "t"]],
        ],
        "status": ["resourceClaimStatuses": [["name": "b", "resourceClaimName": "web-b-x"]]],
    ]

    private static let mirror: Value = [
        "metadata": [
            "name": "static-n1", "namespace": "shop", "annotations": ["kubernetes.io/config.mirror": "x"],
        ],
        "spec": ["nodeName": "n1", "volumes": [["name": "s", "secret": ["secretName": "stolen"]]]],
    ]

    private static let authorizer = NodeAuthorizer(
        role: BuiltinTypes.rbacObjects().first { $0.at("metadata", "name") == "system:node" } ?? [:],
        objects: NodeAuthorizer.Objects(
            pods: FixedSet(pod, mirror),
            claims: FixedSet(["metadata": ["name": "data", "namespace": "shop"], "spec": ["volumeName": "pv1"]]),
            volumes: FixedSet(
                [
                    "metadata": ["name": "pv1"],
                    "spec": [
                        "claimRef": ["name": "data", "namespace": "shop"],
                        "csi": [
                            "nodePublishSecretRef": ["name": "mount", "namespace": "storage"],
                            "controllerPublishSecretRef": ["name": "control", "namespace": "storage"],
                        ],
                    ],
                ],
                [
                    "metadata": ["name": "pv2"],
                    "spec": ["claimRef": ["name": "other", "namespace": "shop"]],
                ]),
            attachments: FixedSet(["metadata": ["name": "at1"], "spec": ["nodeName": "n1"]]),
            slices: FixedSet(["metadata": ["name": "sl1"], "spec": ["nodeName": "n1"]])))

    struct Case: Sendable, CustomTestStringConvertible {
        var verb: String
        var target: Target
        var isAllowed: Bool
        var node = "n1"
        var fields = ""
        var testDescription: String { "\(node) \(verb) \(target) \(fields)" }

        init(
            _ verb: String, _ resource: GroupVersionResource, _ name: String = "", in namespace: String = "shop",
            _ subresource: String? = nil, by node: String = "n1", where fields: String = "", isAllowed: Bool
        ) {
            self.verb = verb
            target = Target(resource, ObjectName(namespace: namespace, name: name), subresource: subresource)
            self.isAllowed = isAllowed
            self.node = node
            self.fields = fields
        }
    }

    static let cases: [Case] = [
        Case("get", .secrets, "key", isAllowed: true),
        Case("get", .secrets, "pull", isAllowed: true),
        Case("watch", .configMaps, "settings", isAllowed: true),
        Case("list", .configMaps, "kube-root-ca.crt", isAllowed: true),
        Case("get", .persistentVolumeClaims, "data", isAllowed: true),
        Case("get", .persistentVolumeClaims, "web-e", isAllowed: true),
        Case("create", .serviceAccounts, "seller", "token", isAllowed: true),
        Case("get", .serviceAccounts, "seller", isAllowed: true),
        Case("get", .serviceAccounts, "boss", isAllowed: false),
        Case("create", .serviceAccounts, "boss", "token", isAllowed: false),
        Case("get", .secrets, "other", isAllowed: false),
        Case("list", .secrets, isAllowed: false),
        Case("get", .secrets, "key", in: "else", isAllowed: false),
        Case("get", .secrets, "key", by: "n2", isAllowed: false),
        Case("delete", .secrets, "key", isAllowed: false),
        Case("get", .secrets, "stolen", isAllowed: false),
        // Volumes and what they are mounted with.
        Case("get", .persistentVolumes, "pv1", in: "", isAllowed: true),
        Case("get", .persistentVolumes, "pv2", in: "", isAllowed: false),
        Case("get", .persistentVolumes, "pv1", in: "", by: "n2", isAllowed: false),
        Case("list", .persistentVolumes, "pv1", in: "", isAllowed: false),
        Case("get", .secrets, "mount", in: "storage", isAllowed: true),
        Case("get", .secrets, "control", in: "storage", isAllowed: false),
        Case("get", .secrets, "mount", in: "storage", by: "n2", isAllowed: false),
        Case("patch", .persistentVolumeClaims, "data", "status", isAllowed: true),
        Case("patch", .persistentVolumeClaims, "data", isAllowed: false),
        Case("get", .volumeAttachments, "at1", in: "", isAllowed: true),
        Case("get", .volumeAttachments, "at1", in: "", by: "n2", isAllowed: false),
        // Devices.
        Case("get", .resourceClaims, "gpu", isAllowed: true),
        Case("get", .resourceClaims, "web-b-x", isAllowed: true),
        Case("get", .resourceClaims, "elsewhere", isAllowed: false),
        Case("create", .resourceSlices, in: "", isAllowed: true),
        Case("update", .resourceSlices, "sl1", in: "", isAllowed: true),
        Case("update", .resourceSlices, "sl1", in: "", by: "n2", isAllowed: false),
        Case("list", .resourceSlices, in: "", where: "spec.nodeName=n1", isAllowed: true),
        Case("list", .resourceSlices, in: "", isAllowed: false),
        // What bears the node's name.
        Case("update", .leases, "n1", in: "kube-node-lease", isAllowed: true),
        Case("update", .leases, "n2", in: "kube-node-lease", isAllowed: false),
        Case("create", .leases, in: "kube-node-lease", isAllowed: true),
        Case("get", .leases, "n1", in: "kube-system", isAllowed: false),
        Case("list", .leases, in: "kube-node-lease", isAllowed: false),
        Case("get", .csiNodes, "n1", in: "", isAllowed: true),
        Case("get", .csiNodes, "n2", in: "", isAllowed: false),
        // Pods and nodes.
        Case("list", .pods, in: "", where: "spec.nodeName=n1", isAllowed: true),
        Case("list", .pods, in: "", isAllowed: false),
        Case("watch", .pods, in: "", where: "spec.nodeName!=n1", isAllowed: false),
        Case("watch", .pods, in: "", where: "spec.nodeName=n2", isAllowed: false),
        Case("get", .pods, "web", isAllowed: true),
        Case("watch", .pods, "web", isAllowed: true),
        Case("get", .pods, "web", by: "n2", isAllowed: false),
        Case("create", .pods, isAllowed: true),
        Case("update", .pods, "web", isAllowed: false),
        Case("patch", .pods, "web", "status", isAllowed: true),
        Case("create", .pods, "web", "eviction", isAllowed: true),
        Case("create", .pods, "web", "exec", isAllowed: false),
        Case("get", .nodes, "n1", in: "", isAllowed: true),
        Case("watch", .nodes, "n1", in: "", isAllowed: true),
        Case("get", .nodes, "n2", in: "", isAllowed: false),
        Case("list", .nodes, in: "", isAllowed: false),
        Case("create", .nodes, in: "", isAllowed: true),
        Case("delete", .nodes, "n1", in: "", isAllowed: false),
        // What all nodes are alike to.
        Case("list", .services, in: "", isAllowed: true),
        Case("create", .deployments, isAllowed: false),
    ]

    @Test(arguments: cases) func `a node reaches what its pods refer to, and no more`(_ one: Case) {
        let request = AccessRequest(
            user: .node(one.node), verb: one.verb, one.target,
            selectors: AccessSelectors(fields: one.fields, labels: ""))
        let isAllowed = if case .allow = Self.authorizer.decide(request) { true } else { false }
        #expect(isAllowed == one.isAllowed)
    }

    @Test func `a refusal says what a node may do instead`() {
        func why(_ verb: String, _ resource: GroupVersionResource, _ name: String = "") -> AccessDecision {
            Self.authorizer.decide(AccessRequest(user: .node("n1"), verb: verb, Target(resource, name: name)))
        }
        #expect(why("list", .pods) == .noOpinion(reason: "can only list/watch pods with spec.nodeName field selector"))
        #expect(why("get", .nodes, "n2") == .noOpinion(reason: "node 'n1' cannot read 'n2', only its own Node object"))
        #expect(why("list", .nodes) == .noOpinion(reason: "node 'n1' cannot read all nodes, only its own Node object"))
        let nameless = AccessRequest(
            user: User(name: "system:node:", groups: ["system:nodes"]), verb: "get", Target(.pods, name: "web"))
        #expect(Self.authorizer.decide(nameless) == .noOpinion(reason: #"unknown node for user "system:node:""#))
    }
}
