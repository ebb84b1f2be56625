import API
import APIMachinery
import Client
import PKI
import Support
import Testing

@testable import APIServer

/// What the user of a node may not do, in a whole server.
@Suite struct NodeRestrictionTests {
    private static let token = Target(.serviceAccounts, namespace: "default", name: "default", subresource: "token")

    private func withNode(
        _ body: (_ node: LocalClient, _ admin: LocalClient) async throws -> Void
    ) async throws {
        let server = try await TestAPI.open { $0.admission.enabled = ["NodeRestriction"] }
        await server.bootstrap()
        let admin = server.client()
        try await admin.create(ServiceAccount(namespace: "default", name: "default"))
        _ = try await admin.create(Target(.nodes), ["metadata": ["name": "n"]], WriteOptions())
        try await body(server.client(as: .node("n")), admin)
        await server.close()
    }

    private func refusal(_ body: () async throws -> Void) async throws -> String {
        let status = await #expect(throws: Status.self) { try await body() }
        #expect(status?.code == 403)
        return status?.message ?? ""
    }

    @Test(arguments: [
        (
            ["metadata": ["ownerReferences": [["apiVersion": "v1", "kind": "Node", "name": "a", "uid": "b"]]]],
            "is not allowed to modify ownerReferences"
        ),
        (
            ["spec": ["configSource": ["configMap": ["name": "a", "namespace": "b", "kubeletConfigKey": "k"]]]],
            "is not allowed to update configSource to a new non-nil configSource"
        ),
    ] as [(Value, String)])
    func `a node has neither owners nor settings that it named itself`(change: Value, why: String) async throws {
        try await withNode { node, admin in
            let target = Target(.nodes, name: "n")
            let message = try await refusal { _ = try await node.patch(target, .merge(change), WriteOptions()) }
            #expect(message == "nodes \"n\" is forbidden: node \"n\" \(why)")
            _ = try await admin.patch(target, .merge(change), WriteOptions())
            // What others set it leaves.
            _ = try await node.patch(target, .merge(["metadata": ["labels": ["a": "b"]]]), WriteOptions())
        }
    }

    @Test(arguments: [
        ("kubernetes.io/kube-apiserver-client-kubelet", "system:node:n", true),
        ("kubernetes.io/kubelet-serving", "system:node:n", true),
        ("kubernetes.io/kube-apiserver-client-kubelet", "system:node:m", false),
        ("kubernetes.io/kubelet-serving", "system:node:m", false), ("example.com/own", "anybody", true),
    ])
    func `a node asks for no certificate of another`(signer: String, name: String, isAllowed: Bool) async throws {
        try await withNode { node, _ in
            let request = try NodeRequest.value("c", signer: signer, name: name)
            func create() async throws {
                _ = try await node.create(Target(.certificateSigningRequests), request, WriteOptions())
            }
            guard !isAllowed else { return try await create() }
            #expect(
                try await refusal(create)
                    == "certificatesigningrequests.certificates.k8s.io \"c\" is forbidden: can only create a node CSR "
                    + "with CN=system:node:n")
        }
    }

    /// A pod of the node whose volumes lead to tokens in every way.
    private static func makePod(_ admin: LocalClient) async throws -> String {
        _ = try await admin.create(
            Target(.csiDrivers),
            ["metadata": ["name": "inline"], "spec": ["tokenRequests": [["audience": "from-inline"]]]], WriteOptions())
        _ = try await admin.create(
            Target(.csiDrivers),
            ["metadata": ["name": "claimed"], "spec": ["tokenRequests": [["audience": "from-claim"]]]], WriteOptions())
        _ = try await admin.create(
            Target(.persistentVolumes),
            [
                "metadata": ["name": "v"],
                "spec": [
                    "capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"],
                    "csi": ["driver": "claimed", "volumeHandle": "h"],
                ],
            ], WriteOptions())
        _ = try await admin.create(
            Target(.persistentVolumeClaims, namespace: "default"),
            [
                "metadata": ["name": "c"],
                "spec": [
                    "volumeName": "v", "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]],
                ],
            ], WriteOptions())
        let held: Value = ["projected": ["sources": [["serviceAccountToken": ["path": "t", "audience": "held"]]]]]
        var volumes: [Value] = [
            held, ["csi": ["driver": "inline"]], ["persistentVolumeClaim": ["claimName": "c"]],
        ]
        for index in volumes.indices { volumes[index]["name"] = .string("v\(index)") }
        let pod = try await admin.create(
            Target(.pods, namespace: "default"),
            [
                "metadata": ["name": "p"],
                "spec": [
                    "nodeName": "n", "automountServiceAccountToken": false, "volumes": .array(volumes),
                    "containers": [["name": "c", "image": "i"]],
                ],
            ], WriteOptions())
        return pod.uid
    }

    @Test func `a node gets tokens for those whom the pod's volumes name, and whom it was given a right to`() async throws {
        try await withNode { node, admin in
            let uid = try await Self.makePod(admin)
            func ask(_ audiences: [String]) async throws {
                let bound: Value = ["kind": "Pod", "apiVersion": "v1", "name": "p", "uid": .string(uid)]
                let spec: Value = ["audiences": Value(audiences), "boundObjectRef": bound]
                _ = try await node.create(Self.token, ["spec": spec], WriteOptions())
            }
            for audience in ["held", "from-inline", "from-claim"] { try await ask([audience]) }
            #expect(try await refusal { try await ask(["held", "from-inline"]) }.hasSuffix("node may only request 0 or 1 audiences"))
            for (audiences, name) in [(["vault"], "vault"), ([], "")] {
                #expect(
                    try await refusal { try await ask(audiences) }
                        == "serviceaccounts \"default\" is forbidden: audience \"\(name)\" not found in pod spec volume, "
                        + "system:node:n is not authorized to request tokens for this audience")
            }
            let rule: Value = [
                "verbs": ["request-serviceaccounts-token-audience"], "apiGroups": [""], "resources": ["vault"],
                "resourceNames": ["default"],
            ]
            _ = try await admin.create(
                Target(.clusterRoles), ["metadata": ["name": "vault"], "rules": [rule]], WriteOptions())
            _ = try await admin.create(
                Target(.clusterRoleBindings),
                [
                    "metadata": ["name": "vault"],
                    "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "vault"],
                    "subjects": [["apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:nodes"]],
                ], WriteOptions())
            try await ask(["vault"])
        }
    }
}

/// A request for a certificate by which its holder is taken for a node.
enum NodeRequest {
    static func value(
        _ object: String, signer: String = "kubernetes.io/kubelet-serving", name: String = "system:node:n"
    ) throws -> Value {
        let asked = try PKI.CertificateSigningRequest(
            subject: DistinguishedName(commonName: name, organizations: ["system:nodes"]), key: .generateP256())
        let usage = signer.hasSuffix("serving") ? "server auth" : "client auth"
        return [
            "metadata": ["name": .string(object)],
            "spec": [
                "signerName": .string(signer), "usages": ["digital signature", .string(usage)],
                "request": .string(Base64.encode(PEMBlock(label: "CERTIFICATE REQUEST", bytes: asked.der).text)),
            ],
        ]
    }
}
