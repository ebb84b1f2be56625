import API
import APIMachinery
import Client
import Testing

@testable import APIServer

/// Objects as people and controllers write them every day go through, with what the server has to add to them.
@Suite(.timeLimit(.minutes(5))) struct EverydayObjectsTests {
    private static let objects = """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: once}
        spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}
        ---
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: nightly}
        spec:
          schedule: "@daily"
          timeZone: Europe/Zurich
          jobTemplate: {spec: {template: {spec: {restartPolicy: OnFailure, containers: [{name: c, image: i}]}}}}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: balanced}
        spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 80}], selector: {app: web}}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: headless}
        spec: {clusterIP: None, selector: {app: web}}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: elsewhere}
        spec: {type: ExternalName, externalName: example.com}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: on-host}
        spec:
          hostNetwork: true
          hostPID: true
          nodeName: node
          tolerations: [{operator: Exists}]
          containers:
          - {name: c, image: i, ports: [{containerPort: 9100}], securityContext: {privileged: true}}
          volumes: [{name: root, hostPath: {path: /}}]
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: database}
        spec:
          serviceName: headless
          selector: {matchLabels: {app: db}}
          template:
            metadata: {labels: {app: db}}
            spec: {containers: [{name: c, image: i, volumeMounts: [{name: data, mountPath: /data}]}]}
          volumeClaimTemplates:
          - metadata: {name: data}
            spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
        """

    private func make(_ client: any Client) async throws {
        _ = try await client.create(ServiceAccount(namespace: "default", name: "default"))
        for object in try YAML.documents(Self.objects) {
            let kind = GroupVersionKind(
                apiVersion: object["apiVersion"]?.string ?? "", kind: object["kind"]?.string ?? "")
            let definition = try #require(BuiltinResources.shared.definition(of: kind))
            let target = Target(definition.resource, namespace: "default")
            let made = try await client.create(target, object, WriteOptions())
            let again = Target(definition.resource, made.objectName)
            let kept = try await client.update(again, made.value, WriteOptions())
            #expect(kept.value == made.value, "\(kind.kind)")
        }
    }

    @Test func `what people write every day is taken, and may be sent back`() async throws {
        let server = try await TestAPI.open()
        await server.bootstrap()
        let client = server.client()
        try await make(client)
        let job = try await client.get(Job.self, ObjectName(namespace: "default", name: "once"))
        #expect(
            job.value.at("spec", "selector", "matchLabels") == [
                "batch.kubernetes.io/controller-uid": .string(job.metadata.uid)
            ])
        #expect(job.value.at("spec", "template", "metadata", "labels", "job-name") == "once")
        await server.close()
    }

    @Test func `a service loses what went with its type when it gets another`() async throws {
        let server = try await TestAPI.open()
        await server.bootstrap()
        let client = server.client()
        try await make(client)
        let name = ObjectName(namespace: "default", name: "balanced")
        let target = Target(.services, name)
        let made = try await client.get(target).value
        let port = try #require(made.at("spec", "healthCheckNodePort")?.integer)
        #expect((30_000...32_767).contains(port))
        func retype(_ spec: Value) async throws -> Value {
            try await client.patch(target, .merge(["spec": spec]), WriteOptions()).value
        }
        let inner = try await retype(["type": "ClusterIP"])
        for key in ["healthCheckNodePort", "externalTrafficPolicy", "allocateLoadBalancerNodePorts"] {
            #expect(inner.at("spec", key) == nil, "\(key)")
        }
        #expect(inner.at("spec", "ports")?.array?.first?["nodePort"] == nil)
        // The port is free again.
        let other: Value = [
            "metadata": ["name": "other"],
            "spec": ["type": "NodePort", "ports": [["port": 80, "nodePort": .integer(port)]]],
        ]
        _ = try await client.create(Target(.services, namespace: "default"), other, WriteOptions())
        for wish: Value in [["clusterIP": "10.43.0.77"], ["ipFamilies": ["IPv4"]], ["ipFamilyPolicy": "SingleStack"]] {
            var spec = wish
            (spec["type"], spec["externalName"]) = ("ExternalName", "example.com")
            let named: Value = ["metadata": ["name": "named"], "spec": spec]
            await #expect(throws: Status.self, "\(wish)") {
                try await client.create(Target(.services, namespace: "default"), named, WriteOptions())
            }
        }
        let outer = try await retype(["type": "ExternalName", "externalName": "example.com", "ports": .null])
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            #expect(outer.at("spec", key) == nil, "\(key)")
        }
        let back = try await retype(["type": "NodePort", "externalName": .null, "ports": [["port": 80]]])
        #expect(back.at("spec", "clusterIP")?.string?.hasPrefix("10.43.") == true)
        #expect(back.at("spec", "externalTrafficPolicy") == "Cluster")
        await server.close()
    }

    @Test func `what was wrong before may stay, and nothing else`() throws {
        let definition = try #require(BuiltinResources.shared.definition(of: .configMaps))
        let rules = BuiltinKinds.kind(definition, PlainStrategy()).validation
        let old: Value = ["metadata": ["name": "a", "namespace": "default"], "data": ["a/b": "x"]]
        var new = old
        new[path: ["data", "c"]] = "y"
        #expect(rules.validate(old).count == 1)
        #expect(rules.validate(new, replacing: old, AdmissionNotes()) == [])
        new[path: ["data", "c/d"]] = "y"
        #expect(rules.validate(new, replacing: old, AdmissionNotes()).map(\.field) == ["data[c/d]"])
    }
}
