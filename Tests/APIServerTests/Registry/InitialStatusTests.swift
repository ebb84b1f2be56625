import API
import APIMachinery
import APIServer
import Client
import Testing
import Wire

/// What a new object says of its status before anybody has written it: programs read `status.replicas` at once.
@Suite(.timeLimit(.minutes(5))) struct InitialStatusTests {
    private struct Case: Sendable, CustomTestStringConvertible {
        var apiVersion: String
        var kind: String
        var spec: Value
        var status: Value

        var testDescription: String { "\(apiVersion) \(kind)" }
    }

    private static let template: Value = [
        "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "c", "image": "i"]]],
    ]
    private static let selector: Value = ["matchLabels": ["app": "web"]]
    private static let workload: Value = ["selector": selector, "template": template]

    private static let cases = [
        Case(
            apiVersion: "v1", kind: "Pod", spec: ["containers": [["name": "c", "image": "i"]]],
            status: ["phase": "Pending", "qosClass": "BestEffort"]),
        Case(apiVersion: "v1", kind: "Namespace", spec: [:], status: ["phase": "Active"]),
        Case(
            apiVersion: "v1", kind: "Node", spec: [:],
            status: [
                "daemonEndpoints": ["kubeletEndpoint": ["Port": 0]],
                "nodeInfo": [
                    "architecture": "", "bootID": "", "containerRuntimeVersion": "", "kernelVersion": "",
                    "kubeProxyVersion": "", "kubeletVersion": "", "machineID": "", "operatingSystem": "",
                    "osImage": "", "systemUUID": "",
                ],
            ]),
        Case(
            apiVersion: "v1", kind: "Service", spec: ["ports": [["port": 80]], "selector": ["app": "web"]],
            status: ["loadBalancer": [:]]),
        Case(
            apiVersion: "v1", kind: "ReplicationController", spec: ["selector": ["app": "web"], "template": template],
            status: ["replicas": 0]),
        Case(apiVersion: "v1", kind: "ResourceQuota", spec: [:], status: [:]),
        Case(
            apiVersion: "v1", kind: "PersistentVolumeClaim",
            spec: ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
            status: ["phase": "Pending"]),
        Case(apiVersion: "apps/v1", kind: "Deployment", spec: workload, status: [:]),
        Case(apiVersion: "apps/v1", kind: "ReplicaSet", spec: workload, status: ["replicas": 0]),
        Case(
            apiVersion: "apps/v1", kind: "StatefulSet", spec: workload,
            status: ["availableReplicas": 0, "replicas": 0]),
        Case(
            apiVersion: "apps/v1", kind: "DaemonSet", spec: workload,
            status: [
                "currentNumberScheduled": 0, "desiredNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0,
            ]),
        Case(apiVersion: "batch/v1", kind: "Job", spec: ["template": job], status: [:]),
        Case(
            apiVersion: "batch/v1", kind: "CronJob",
            spec: ["schedule": "@daily", "jobTemplate": ["spec": ["template": job]]], status: [:]),
        Case(
            apiVersion: "autoscaling/v1", kind: "HorizontalPodAutoscaler", spec: scaling,
            status: ["currentReplicas": 0, "desiredReplicas": 0]),
        Case(
            apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", spec: scaling,
            status: ["desiredReplicas": 0]),
        Case(
            apiVersion: "networking.k8s.io/v1", kind: "Ingress",
            spec: ["defaultBackend": ["service": ["name": "web", "port": ["number": 80]]]],
            status: ["loadBalancer": [:]]),
        Case(
            apiVersion: "policy/v1", kind: "PodDisruptionBudget", spec: ["selector": selector],
            status: ["currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0]),
        Case(
            apiVersion: "storage.k8s.io/v1", kind: "VolumeAttachment",
            spec: ["attacher": "example.com", "nodeName": "n", "source": ["persistentVolumeName": "v"]],
            status: ["attached": false]),
        Case(
            apiVersion: "flowcontrol.apiserver.k8s.io/v1", kind: "PriorityLevelConfiguration",
            spec: ["type": "Limited", "limited": ["nominalConcurrencyShares": 1, "limitResponse": ["type": "Reject"]]],
            status: [:]),
        Case(
            apiVersion: "admissionregistration.k8s.io/v1", kind: "ValidatingAdmissionPolicy",
            spec: ["matchConstraints": ["resourceRules": [rule]], "validations": [["expression": "true"]]],
            status: [:]),
    ]

    private static let job: Value = [
        "spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "i"]]]
    ]
    private static let scaling: Value = [
        "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web"], "maxReplicas": 3,
    ]
    private static let rule: Value = [
        "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"],
    ]

    @Test func `a new object has the status that Go programs would write for it, and nobody owns it`() async throws {
        let server = try await TestAPI.open()
        await server.bootstrap()
        let client = server.client()
        try await client.create(ServiceAccount(namespace: "default", name: "default"))
        for each in Self.cases {
            let kind = GroupVersionKind(apiVersion: each.apiVersion, kind: each.kind)
            let definition = try #require(BuiltinResources.shared.definition(of: kind), "\(kind)")
            let target = Target(definition.resource, namespace: definition.isNamespaced ? "default" : "")
            let name = kind.kind.lowercased() + "-" + kind.version
            let sent: Value = [
                "apiVersion": .string(each.apiVersion), "kind": .string(each.kind),
                "metadata": ["name": .string(name)], "spec": each.spec,
            ]
            let made = try await client.create(target, sent, WriteOptions(fieldManager: "tester"))
            #expect(made.value["status"] == each.status, "\(kind.kind)")
            #expect(!made.managedFields.value.description.contains("f:status"), "\(kind.kind)")
            // An update that says nothing of the status leaves it.
            var silent = made.value
            silent["status"] = nil
            let later = try await client.update(Target(definition.resource, made.objectName), silent, WriteOptions())
            #expect(later.value["status"] == each.status, "\(kind.kind)")
        }
        await server.close()
    }

    @Test func `what a client says of the status of a new object is not believed`() async throws {
        let server = try await TestAPI.open()
        await server.bootstrap()
        let made = try await server.client().create(
            Target(.deployments, namespace: "default"),
            ["metadata": ["name": "web"], "spec": Self.workload, "status": ["replicas": 3]], WriteOptions())
        #expect(made.value["status"] == .emptyObject)
        await server.close()
    }

    @Test func `in protobuf the empty status is there too`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token(
                "maker", rules: [["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]])
            let path = "/apis/apps/v1/namespaces/default/replicasets"
            let sent: Value = [
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": ["name": "web"], "spec": Self.workload,
            ]
            let answer = try await api.send(
                .post, path, token: token, headers: ["Accept": ProtobufEnvelope.mediaType], body: sent)
            let bytes = try await answer.body.collect(limit: 1 << 20)
            let made = try ProtobufEnvelope.decode(bytes) { BuiltinResources.shared.definition(of: $0)?.type }
            #expect(made["status"] == ["replicas": 0])
        }
    }

    @Test func `a volume notes when its phase changed, whoever changes it`() async throws {
        let server = try await TestAPI.open()
        await server.bootstrap()
        let client = server.client()
        let made = try await client.create(
            Target(.persistentVolumes),
            [
                "metadata": ["name": "disk"],
                "spec": [
                    "capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"], "nfs": ["server": "s", "path": "/exports"],
                ],
            ], WriteOptions())
        #expect(made.value.at("status", "phase") == "Pending")
        #expect(made.value.at("status", "lastPhaseTransitionTime")?.string != nil)
        let target = Target(.persistentVolumes, name: "disk", subresource: "status")
        var sent = made.value
        sent["status"] = ["phase": "Pending", "message": "patience"]
        let waiting = try await client.update(target, sent, WriteOptions())
        let first = made.value.at("status", "lastPhaseTransitionTime")
        #expect(waiting.value.at("status", "lastPhaseTransitionTime") == first)
        sent = waiting.value
        sent["status"] = ["phase": "Available", "lastPhaseTransitionTime": "2001-01-01T00:00:00Z"]
        let changed = try await client.update(target, sent, WriteOptions())
        #expect(changed.value.at("status", "lastPhaseTransitionTime") == "2001-01-01T00:00:00Z")
        sent = changed.value
        sent["status"] = ["phase": "Bound", "lastPhaseTransitionTime": "2001-01-01T00:00:00Z"]
        let bound = try await client.update(target, sent, WriteOptions())
        #expect(bound.value.at("status", "lastPhaseTransitionTime")?.string != "2001-01-01T00:00:00Z")
        await server.close()
    }
}
