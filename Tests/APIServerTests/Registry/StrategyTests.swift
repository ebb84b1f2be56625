import API
import APIMachinery
import Client
import Testing

@testable import APIServer

/// What the server makes of objects of a kind when they are written.
@Suite(.timeLimit(.minutes(5))) struct StrategyTests {
    private static let target = Target(.deployments, namespace: "default", name: "web")

    @Test func `the generation of a Deployment counts its annotations too`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let deployment: Value = [
                "metadata": ["name": "web", "annotations": ["a": "1"]],
                "spec": [
                    "replicas": 0, "selector": ["matchLabels": ["app": "web"]],
                    "template": [
                        "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "c", "image": "i"]]],
                    ],
                ],
            ]
            _ = try await client.create(Target(.deployments, namespace: "default"), deployment, WriteOptions())
            func generation(_ target: Target, _ patch: Value) async throws -> Value? {
                try await client.patch(target, .merge(patch), WriteOptions()).value.at("metadata", "generation")
            }
            #expect(try await generation(Self.target, ["metadata": ["labels": ["l": "1"]]]) == 1)
            #expect(try await generation(Self.target, ["metadata": ["annotations": ["a": "2"]]]) == 2)
            #expect(try await generation(Self.target, ["spec": ["replicas": 2]]) == 3)
            var status = Self.target
            status.subresource = "status"
            let report: Value = ["metadata": ["annotations": ["a": "3"]], "status": ["replicas": 2]]
            #expect(try await generation(status, report) == 3)
        }
    }

    @Test func `what a closed feature gate stands before is dropped from a pod`() async throws {
        let client = try await TestAPI.open().client()
        try await client.create(Namespace(name: "default"))
        try await client.create(ServiceAccount(namespace: "default", name: "default"))
        let sources: Value = [
            ["clusterTrustBundle": ["name": "roots", "path": "roots.pem"]],
            ["podCertificate": ["signerName": "example.com/one", "keyType": "ED25519", "credentialBundlePath": "own.pem"]],
            ["configMap": ["name": "conf"]],
        ]
        let pod: Value = [
            "metadata": ["name": "web"],
            "spec": [
                "containers": [["name": "c", "image": "i"]], "automountServiceAccountToken": false,
                "volumes": [["name": "all", "projected": ["sources": sources]], ["name": "plain", "emptyDir": [:]]],
            ],
        ]
        let made = try await client.create(Target(.pods, namespace: "default"), pod, WriteOptions()).value
        let volumes = made.at("spec", "volumes")?.array
        #expect(volumes?.first?.at("projected", "sources") == [[:], [:], ["configMap": ["name": "conf"]]])
        #expect(volumes?.last?["emptyDir"] != nil)
    }

    /// The annotation's text, the pod's own profile, and what the container has in the end.
    @Test(arguments: [
        ("localhost/foo", nil, ["type": "Localhost", "localhostProfile": "foo"]),
        ("runtime/default", nil, ["type": "RuntimeDefault"]), ("unconfined", nil, ["type": "Unconfined"]),
        // The pod as a whole has it already.
        ("runtime/default", ["type": "RuntimeDefault"], nil),
    ] as [(String, Value?, Value?)])
    func `an old annotation becomes the profile of its container`(text: String, whole: Value?, profile: Value?) {
        let key = "container.apparmor.security.beta.kubernetes.io/c"
        var pod: Value = [
            "metadata": ["name": "p", "annotations": [key: .string(text)]],
            "spec": ["containers": [["name": "c", "image": "i"]]],
        ]
        if let whole { pod[path: ["spec", "securityContext", "appArmorProfile"]] = whole }
        let warnings = AppArmorAnnotation.apply(to: &pod)
        let container = pod.at("spec", "containers")?.array?.first
        #expect(container?.at("securityContext", "appArmorProfile") == profile)
        let warning = "metadata.annotations[\(key)]: deprecated since v1.30; use the \"appArmorProfile\" field instead"
        #expect(warnings == (profile == nil ? [] : [warning]))
        let made = pod
        let more = AppArmorAnnotation.apply(to: &pod)
        #expect(more.isEmpty && pod == made, "what is there stays")
    }

    private static let sources: [String: Value] = [
        "claim": ["kind": "PersistentVolumeClaim", "name": "old"],
        "snapshot": ["apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "old"],
        "image": ["apiGroup": "example.com", "kind": "Image", "name": "disk"],
    ]

    /// Names of ``sources`` in the two fields: what was sent, and what is kept.
    @Test(arguments: [
        ("claim", nil, "claim", "claim"), ("snapshot", nil, "snapshot", "snapshot"),
        (nil, "snapshot", "snapshot", "snapshot"), (nil, "image", "image", "image"),
        // What was never valid there is passed over.
        ("image", nil, nil, nil), ("image", "claim", "claim", "claim"), (nil, nil, nil, nil),
    ] as [(String?, String?, String?, String?)])
    func `a claim says in both fields what its volume begins with`(
        source: String?, reference: String?, keptSource: String?, keptReference: String?
    ) async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            var spec: Value = ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]
            spec["dataSource"] = source.flatMap { Self.sources[$0] }
            spec["dataSourceRef"] = reference.flatMap { Self.sources[$0] }
            let claims = Target(.persistentVolumeClaims, namespace: "default")
            let object: Value = ["metadata": ["name": "data"], "spec": spec]
            let made = try await client.create(claims, object, WriteOptions()).value
            #expect(made.at("spec", "dataSource") == keptSource.flatMap { Self.sources[$0] })
            #expect(made.at("spec", "dataSourceRef") == keptReference.flatMap { Self.sources[$0] })
            // A client that knows but one of the fields changes nothing.
            guard source == nil || reference == nil else { return }
            var name = claims
            name.name = "data"
            let again = try await client.update(name, object, WriteOptions()).value
            #expect(again["spec"] == made["spec"])
        }
    }

    @Test(arguments: [DeletionOptions.Propagation.foreground, .orphan])
    func `an event goes at once, whatever shall become of what depends on it`(
        propagation: DeletionOptions.Propagation
    ) async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let events = Target(.events, namespace: "default")
            let event: Value = ["metadata": ["name": "e"], "involvedObject": ["namespace": "default"]]
            _ = try await client.create(events, event, WriteOptions())
            let target = Target(.events, namespace: "default", name: "e")
            _ = try await client.delete(target, DeletionOptions(propagation: propagation))
            let status = await #expect(throws: Status.self) { try await client.get(target) }
            #expect(status?.isNotFound == true)
        }
    }

    @Test func `who may report of a volume attachment changes nothing else of it`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let attachment: Value = [
                "metadata": ["name": "a"],
                "spec": ["attacher": "d.x", "nodeName": "n", "source": ["persistentVolumeName": "v"]],
            ]
            _ = try await client.create(Target(.volumeAttachments), attachment, WriteOptions())
            let target = Target(.volumeAttachments, name: "a", subresource: "status")
            let marks: Value = ["labels": ["st": "x"], "annotations": ["st": "x"], "finalizers": ["z.z/z"]]
            let changed = try await client.patch(
                target, .merge(["metadata": marks, "status": ["attached": true]]), WriteOptions()).value
            #expect(changed.at("status", "attached") == true)
            for key in ["labels", "annotations", "finalizers"] { #expect(changed.at("metadata", key) == nil, "\(key)") }
        }
    }

    @Test func `a service that is balanced no longer has no balancer's address`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let service: Value = [
                "metadata": ["name": "s"], "spec": ["type": "LoadBalancer", "ports": [["port": 80]]],
            ]
            _ = try await client.create(Target(.services, namespace: "default"), service, WriteOptions())
            let target = Target(.services, namespace: "default", name: "s")
            var status = target
            status.subresource = "status"
            let address: Value = ["status": ["loadBalancer": ["ingress": [["ip": "192.0.2.1"]]]]]
            _ = try await client.patch(status, .merge(address), WriteOptions())
            let still = try await client.patch(target, .merge(["metadata": ["labels": ["a": "b"]]]), WriteOptions()).value
            #expect(still.at("status", "loadBalancer", "ingress")?.array?.count == 1)
            let plain = try await client.patch(target, .merge(["spec": ["type": "ClusterIP"]]), WriteOptions()).value
            #expect(plain.at("status", "loadBalancer", "ingress") == nil)
        }
    }
}
