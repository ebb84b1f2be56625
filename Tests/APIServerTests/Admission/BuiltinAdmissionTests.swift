import API
import APIMachinery
import APIServer
import Client
import Datastore
import PKI
import Support
import Testing
import Wire

/// The built-in plug-ins in a whole server.
@Suite struct BuiltinAdmissionTests {
    private static func pod(_ name: String, _ spec: Value = [:], container: Value = [:]) -> Value {
        var spec = spec
        var container = container
        (container["name"], container["image"]) = ("c", "i")
        spec["containers"] = [container]
        return ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name)], "spec": spec]
    }

    private static let pods = Target(.pods, namespace: "default")

    /// A server whose namespace `default` has its service account.
    private func withServer(
        _ admission: AdmissionOptions = AdmissionOptions(), _ body: (APIServer, LocalClient) async throws -> Void
    ) async throws {
        var options = APIServerOptions(
            durable: MemoryDatastore(), volatile: MemoryDatastore(), clientAuthorities: [],
            serviceAccountKeys: [try PrivateKey.generateP256()],
            serviceCIDR: try #require(IPPrefix("10.43.0.0/16")),
            advertiseAddress: try #require(IPAddress("127.0.0.1")), advertisePort: 6443,
            version: ["gitVersion": "v1.36.3+k3s1"])
        options.admission = admission
        let server = try await APIServer.open(options)
        await server.bootstrap()
        let admin = server.client()
        try await admin.create(ServiceAccount(namespace: "default", name: "default"))
        try await body(server, admin)
        await server.close()
    }

    private func refusal(_ code: Int = 403, _ body: () async throws -> Void) async throws -> String {
        let status = await #expect(throws: Status.self) { try await body() }
        #expect(status?.code == code)
        return status?.message ?? ""
    }

    // MARK: Pods

    @Test func `a namespace's limits complete its pods and keep them small`() async throws {
        try await withServer { _, admin in
            _ = try await admin.create(
                Target(.limitRanges, namespace: "default"),
                [
                    "metadata": ["name": "r"],
                    "spec": ["limits": [["type": "Container", "max": ["cpu": "1"], "defaultRequest": ["cpu": "100m"]]]],
                ], WriteOptions())
            let made = try await admin.create(Self.pods, Self.pod("a"), WriteOptions()).value
            let container = try #require(made.at("spec", "containers")?.array?.first)
            #expect(container["resources"] == ["limits": ["cpu": "1"], "requests": ["cpu": "100m"]])
            // Judged after it was completed.
            #expect(made.at("status", "qosClass") == "Burstable")
            let message = try await refusal {
                let big: Value = ["resources": ["limits": ["cpu": "2"]]]
                _ = try await admin.create(Self.pods, Self.pod("b", container: big), WriteOptions())
            }
            #expect(message == "pods \"b\" is forbidden: maximum cpu usage per Container is 1, but limit is 2")
        }
    }

    @Test func `a pod waits for the account that its namespace gets, and not for another`() async throws {
        try await withServer { _, admin in
            _ = try await admin.create(Target(.namespaces), ["metadata": ["name": "new"]], WriteOptions())
            let pods = Target(.pods, namespace: "new")
            async let made = admin.create(pods, Self.pod("a"), WriteOptions())
            try await admin.create(ServiceAccount(namespace: "new", name: "default"))
            #expect(try await made.value.at("spec", "serviceAccountName") == "default")
            let message = try await refusal {
                _ = try await admin.create(pods, Self.pod("b", ["serviceAccountName": "mine"]), WriteOptions())
            }
            #expect(
                message == "pods \"b\" is forbidden: error looking up service account new/mine: "
                    + "serviceaccount \"mine\" not found")
        }
    }

    @Test func `a runtime class brings its cost and its nodes`() async throws {
        try await withServer { _, admin in
            _ = try await admin.create(
                Target(.runtimeClasses),
                [
                    "metadata": ["name": "vm"], "handler": "vm", "overhead": ["podFixed": ["memory": "10Mi"]],
                    "scheduling": ["nodeSelector": ["vm": "yes"], "tolerations": [["key": "vm", "operator": "Exists"]]],
                ], WriteOptions())
            let made = try await admin.create(Self.pods, Self.pod("a", ["runtimeClassName": "vm"]), WriteOptions()).value
            #expect(made.at("spec", "overhead") == ["memory": "10Mi"])
            #expect(made.at("spec", "nodeSelector") == ["vm": "yes"])
            #expect(made.at("spec", "tolerations")?.array?.last?["key"] == "vm")
            var message = try await refusal {
                let spec: Value = ["runtimeClassName": "vm", "nodeSelector": ["vm": "no"]]
                _ = try await admin.create(Self.pods, Self.pod("b", spec), WriteOptions())
            }
            #expect(
                message == "pods \"b\" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; "
                    + "pod.spec.nodeSelector[vm] = no")
            message = try await refusal {
                _ = try await admin.create(Self.pods, Self.pod("b", ["runtimeClassName": "none"]), WriteOptions())
            }
            #expect(message == "pods \"b\" is forbidden: pod rejected: RuntimeClass \"none\" not found")
        }
    }

    @Test func `priorities come from classes alone`() async throws {
        try await withServer { _, admin in
            func make(_ name: String, _ value: Int64, isDefault: Bool) async throws {
                _ = try await admin.create(
                    Target(.priorityClasses),
                    ["metadata": ["name": .string(name)], "value": .integer(value), "globalDefault": .bool(isDefault)],
                    WriteOptions())
            }
            try await make("usual", 5, isDefault: true)
            #expect(
                try await refusal { try await make("other", 6, isDefault: true) }
                    == "priorityclasses.scheduling.k8s.io \"other\" is forbidden: PriorityClass usual is already marked "
                    + "as default. Only one default can exist")
            let made = try await admin.create(Self.pods, Self.pod("a"), WriteOptions()).value
            #expect(made.at("spec", "priority") == 5)
            #expect(made.at("spec", "priorityClassName") == "usual")
            #expect(
                try await refusal {
                    _ = try await admin.create(Self.pods, Self.pod("b", ["priority": 9]), WriteOptions())
                }.hasSuffix("must not be provided in pod spec; priority admission controller computed 5 from the given "
                    + "PriorityClass name"))
            #expect(
                try await refusal(422) { try await make("system-mine", 1, isDefault: false) }
                    .contains("system-mine is not a known system priority class"))
            #expect(
                try await refusal(422) { try await make("high", 1_000_000_001, isDefault: false) }
                    .contains("value: Forbidden: maximum allowed value of a user defined priority is 1000000000"))
        }
    }

    @Test func `a pod learns the zone of its node when it is bound`() async throws {
        try await withServer { _, admin in
            _ = try await admin.create(
                Target(.nodes), ["metadata": ["name": "n", "labels": ["topology.kubernetes.io/zone": "z"]]],
                WriteOptions())
            _ = try await admin.create(Self.pods, Self.pod("a"), WriteOptions())
            let binding: Value = ["metadata": ["name": "a"], "target": ["kind": "Node", "name": "n"]]
            _ = try await admin.create(
                Target(.pods, namespace: "default", name: "a", subresource: "binding"), binding, WriteOptions())
            let bound = try await admin.get(Target(.pods, namespace: "default", name: "a")).value
            #expect(bound.at("metadata", "labels", "topology.kubernetes.io/zone") == "z")
            #expect(bound.at("spec", "nodeName") == "n")
        }
    }

    @Test func `what a binding adds to its pod is good, and the pod is not judged anew`() async throws {
        try await withServer { _, admin in
            _ = try await admin.create(Self.pods, Self.pod("a"), WriteOptions())
            let place = Target(.pods, namespace: "default", name: "a", subresource: "binding")
            let bind = { (metadata: Value) in
                let target: Value = ["kind": "Node", "name": "n"]
                _ = try await admin.create(place, ["metadata": metadata, "target": target], WriteOptions())
            }
            #expect(
                try await refusal(422) { try await bind(["name": "a", "labels": ["zone": "a b"]]) }
                    .contains("metadata.labels: Invalid value: \"a b\""))
            #expect(
                try await refusal(422) { try await bind(["name": "a", "annotations": ["a b": "c"]]) }
                    .contains("metadata.annotations: Invalid value: \"a b\""))
            try await bind(["name": "a", "labels": ["zone": "z"], "annotations": ["who": "me"]])
            let bound = try await admin.get(Target(.pods, namespace: "default", name: "a"))
            #expect(bound.labels["zone"] == "z" && bound.value.at("metadata", "annotations", "who") == "me")
        }
    }

    // MARK: Other kinds

    @Test func `a new node is kept free, an ingress gets the default class, a claim grows if it can`() async throws {
        try await withServer { _, admin in
            let node = try await admin.create(Target(.nodes), ["metadata": ["name": "n"]], WriteOptions()).value
            #expect(
                node.at("spec", "taints") == [["key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"]])
            for name in ["old", "new"] {
                _ = try await admin.create(
                    Target(.ingressClasses),
                    [
                        "metadata": [
                            "name": .string(name),
                            "annotations": ["ingressclass.kubernetes.io/is-default-class": "true"],
                        ], "spec": ["controller": "example.com/c"],
                    ], WriteOptions())
            }
            let backend: Value = ["service": ["name": "s", "port": ["number": 80]]]
            let ingress = try await admin.create(
                Target(.ingresses, namespace: "default"),
                ["metadata": ["name": "i"], "spec": ["defaultBackend": backend]], WriteOptions()).value
            #expect(ingress.at("spec", "ingressClassName") == "new")
            let claim = try await admin.create(
                Target(.persistentVolumeClaims, namespace: "default"),
                [
                    "metadata": ["name": "c"],
                    "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
                ], WriteOptions()).value
            let target = Target(.persistentVolumeClaims, namespace: "default", name: "c")
            var bound = claim
            bound["status"] = ["phase": "Bound"]
            let status = Target(.persistentVolumeClaims, namespace: "default", name: "c", subresource: "status")
            _ = try await admin.update(status, bound, WriteOptions())
            let bigger = Patch.merge(["spec": ["resources": ["requests": ["storage": "2Gi"]]]])
            let message = try await refusal { _ = try await admin.patch(target, bigger, WriteOptions()) }
            #expect(
                message == "persistentvolumeclaims \"c\" is forbidden: only dynamically provisioned pvc can be resized and "
                    + "the storageclass that provisions the pvc must support resize")
        }
    }

    @Test func `who approves a certificate request must be allowed to act for its signer`() async throws {
        try await withServer { server, admin in
            let key = try PrivateKey.generateP256()
            func request(_ organization: String) throws -> Value {
                let asked = try CertificateSigningRequest(
                    subject: DistinguishedName(commonName: "jane", organizations: [organization]), key: key)
                let pem = PEMBlock(label: "CERTIFICATE REQUEST", bytes: asked.der).text
                return [
                    "metadata": ["name": .string("r-" + organization.filter(\.isLetter))],
                    "spec": [
                        "request": .string(Base64.encode(pem)), "usages": ["client auth"],
                        "signerName": "kubernetes.io/kube-apiserver-client",
                    ],
                ]
            }
            let requests = Target(.certificateSigningRequests)
            #expect(
                try await refusal { _ = try await admin.create(requests, try request("system:masters"), WriteOptions()) }
                    .hasSuffix("use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"))
            let made = try await admin.create(requests, try request("dev"), WriteOptions())
            let rule: Value = [
                "apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests/approval"],
                "verbs": ["update"],
            ]
            _ = try await admin.create(
                Target(.clusterRoles), ["metadata": ["name": "ap"], "rules": [rule]], WriteOptions())
            _ = try await admin.create(
                Target(.clusterRoleBindings),
                [
                    "metadata": ["name": "ap"],
                    "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "ap"],
                    "subjects": [["apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"]],
                ], WriteOptions())
            var approved = made.value
            approved[path: ["status", "conditions"]] = [["type": "Approved", "status": "True", "reason": "r"]]
            let wish = approved
            let target = Target(.certificateSigningRequests, name: "r-dev", subresource: "approval")
            #expect(
                try await refusal {
                    _ = try await server.client(as: User(name: "jane")).update(target, wish, WriteOptions())
                }.hasSuffix(
                    "user not permitted to approve requests with signerName \"kubernetes.io/kube-apiserver-client\""))
            _ = try await admin.update(target, wish, WriteOptions())
        }
    }

    @Test func `flags choose what runs`() async throws {
        #expect(throws: Fault.self) { try AdmissionOptions(enable: ["NoSuch"], disable: []) { _ in "" } }
        #expect(throws: Fault.self) { try AdmissionOptions(enable: ["ImagePolicyWebhook"], disable: []) { _ in "" } }
        let options = try AdmissionOptions(
            enable: ["DenyServiceExternalIPs,AlwaysPullImages"], disable: ["LimitRanger"],
            configuration: """
                kind: AdmissionConfiguration
                plugins:
                - name: PodSecurity
                  path: security.yaml
                """
        ) { path in path == "security.yaml" ? "defaults: {enforce: baseline}" : "" }
        try await withServer(options) { _, admin in
            let made = try await admin.create(Self.pods, Self.pod("a"), WriteOptions()).value
            #expect(made.at("spec", "containers")?.array?.first?["imagePullPolicy"] == "Always")
            #expect(
                try await refusal {
                    _ = try await admin.create(Self.pods, Self.pod("b", ["hostNetwork": true]), WriteOptions())
                } == "pods \"b\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)")
            #expect(
                try await refusal {
                    _ = try await admin.create(
                        Target(.services, namespace: "default"),
                        [
                            "metadata": ["name": "s"],
                            "spec": ["ports": [["port": 80]], "externalIPs": ["192.0.2.1"]],
                        ], WriteOptions())
                }.hasSuffix("Use of external IPs is denied by admission control."))
        }
    }

    @Test func `a namespace chooses the nodes of its pods`() async throws {
        let options = try AdmissionOptions(
            enable: ["PodNodeSelector"], disable: [],
            configuration: """
                kind: AdmissionConfiguration
                plugins:
                - name: PodNodeSelector
                  configuration: {podNodeSelectorPluginConfig: {clusterDefaultNodeSelector: "a=b, c=d"}}
                """
        ) { _ in "" }
        try await withServer(options) { _, admin in
            let made = try await admin.create(Self.pods, Self.pod("a"), WriteOptions()).value
            #expect(made.at("spec", "nodeSelector") == ["a": "b", "c": "d"])
            let message = try await refusal {
                _ = try await admin.create(Self.pods, Self.pod("b", ["nodeSelector": ["a": "x"]]), WriteOptions())
            }
            #expect(message.hasSuffix("pod node label selector conflicts with its namespace node label selector"))
            _ = try await admin.patch(
                Target(.namespaces, name: "default"),
                .merge(["metadata": ["annotations": ["scheduler.alpha.kubernetes.io/node-selector": "e=f"]]]),
                WriteOptions())
            let other = try await admin.create(Self.pods, Self.pod("c"), WriteOptions()).value
            #expect(other.at("spec", "nodeSelector") == ["e": "f"])
        }
    }

    @Test func `a namespace that is missing is what a pod is told of first`() async throws {
        try await withServer { _, admin in
            let status = await #expect(throws: Status.self) {
                _ = try await admin.create(Target(.pods, namespace: "none"), Self.pod("a"), WriteOptions())
            }
            #expect(status?.message == "namespaces \"none\" not found")
        }
    }

    // MARK: Nodes

    @Test func `a node changes what is its own`() async throws {
        var options = AdmissionOptions()
        options.enabled = ["NodeRestriction"]
        try await withServer(options) { server, admin in
            let node = server.client(as: .node("n"))
            let own: Value = ["metadata": ["name": "n", "labels": ["kubernetes.io/os": "linux", "free": "yes"]]]
            let made = try await node.create(Target(.nodes), own, WriteOptions())
            #expect(
                try await refusal {
                    _ = try await node.create(Target(.nodes), ["metadata": ["name": "m"]], WriteOptions())
                } == "nodes \"m\" is forbidden: node \"n\" is not allowed to modify node \"m\"")
            for (label, isAllowed) in [
                ("node-restriction.kubernetes.io/a", false), ("kubernetes.io/role", false),
                ("kubelet.kubernetes.io/a", true), ("example.com/a", true),
            ] {
                let patch = Patch.merge(["metadata": ["labels": [label: "x"]]])
                let target = Target(.nodes, name: "n")
                if isAllowed {
                    _ = try await node.patch(target, patch, WriteOptions())
                } else {
                    #expect(
                        try await refusal { _ = try await node.patch(target, patch, WriteOptions()) }
                            == "nodes \"n\" is forbidden: is not allowed to modify labels: \(label)")
                }
            }
            #expect(
                try await refusal {
                    _ = try await node.patch(
                        Target(.nodes, name: "n"), .merge(["spec": ["taints": []]]), WriteOptions())
                } == "nodes \"n\" is forbidden: node \"n\" is not allowed to modify taints")
            // A mirror of a pod that the node runs from a file.
            var mirror = Self.pod("mirror", ["nodeName": "n"])
            let plain = mirror
            let message = try await refusal { _ = try await node.create(Self.pods, plain, WriteOptions()) }
            #expect(message.contains("node \"n\" can only create mirror pods"))
            mirror[path: ["metadata", "annotations"]] = ["kubernetes.io/config.mirror": "x"]
            mirror[path: ["metadata", "ownerReferences"]] = [
                [
                    "apiVersion": "v1", "kind": "Node", "name": "n", "uid": .string(made.uid), "controller": true,
                ]
            ]
            let shown = try await node.create(Self.pods, mirror, WriteOptions())
            #expect(shown.name == "mirror")
            _ = try await admin.create(Self.pods, Self.pod("else"), WriteOptions())
            #expect(
                try await refusal {
                    _ = try await node.patch(
                        Target(.pods, namespace: "default", name: "else", subresource: "status"),
                        .merge(["status": ["phase": "Failed"]]), WriteOptions())
                }.hasSuffix("node \"n\" can only update pod status for pods with spec.nodeName set to itself"))
            #expect(
                try await refusal {
                    _ = try await node.delete(
                        Target(.pods, namespace: "default", name: "else"), DeletionOptions())
                }.hasSuffix("node \"n\" can only delete pods with spec.nodeName set to itself"))
        }
    }

    // MARK: Over HTTP

    @Test func `pod security refuses, warns, and tells of what is there already`() async throws {
        try await TestAPI.run { api in
            let everything: Value = ["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]
            let token = try await api.token("boss", rules: [everything])
            let client = api.server.client()
            func warnings(_ response: HTTPClientResponse) -> [String] { response.headers.values(of: "Warning") }

            var response = try await api.send(
                .post, "/api/v1/namespaces", token: token,
                body: ["metadata": ["name": "strict", "labels": ["pod-security.kubernetes.io/enforce": "tight"]]])
            #expect(response.status.code == 422)
            _ = try await client.create(
                Target(.namespaces),
                ["metadata": ["name": "strict", "labels": ["pod-security.kubernetes.io/warn": "baseline"]]],
                WriteOptions())
            try await client.create(ServiceAccount(namespace: "strict", name: "default"))
            response = try await api.send(
                .post, "/api/v1/namespaces/strict/pods", token: token, body: Self.pod("a", ["hostPID": true]))
            #expect(response.status.code == 201)
            #expect(
                warnings(response) == [
                    "299 - \"would violate PodSecurity \\\"baseline:latest\\\": host namespaces (hostPID=true)\""
                ])
            response = try await api.send(
                .patch, "/api/v1/namespaces/strict", token: token,
                headers: ["Content-Type": "application/merge-patch+json"],
                body: ["metadata": ["labels": ["pod-security.kubernetes.io/enforce": "baseline"]]])
            #expect(response.status.code == 200)
            #expect(
                warnings(response) == [
                    "299 - \"existing pods in namespace \\\"strict\\\" violate the new PodSecurity enforce level "
                        + "\\\"baseline:latest\\\"\"", "299 - \"a: host namespaces\"",
                ])
            let refused = try await api.ask(
                .post, "/api/v1/namespaces/strict/pods", token: token, body: Self.pod("b", ["hostPID": true]))
            #expect(refused.code == 403)
            #expect(refused.text.contains(#"pods \"b\" is forbidden: violates PodSecurity \"baseline:latest\""#))
            // What makes pods is warned of, not refused.
            let template: Value = ["metadata": ["labels": ["a": "b"]], "spec": Self.pod("x", ["hostPID": true])["spec"] ?? .null]
            response = try await api.send(
                .post, "/apis/apps/v1/namespaces/strict/deployments", token: token,
                body: [
                    "metadata": ["name": "d"],
                    "spec": ["selector": ["matchLabels": ["a": "b"]], "template": template],
                ])
            #expect(response.status.code == 201)
            #expect(warnings(response).count == 1)
        }
    }
}
