import API
import APIMachinery
import APIServer
import Client
import Support
import Testing

@testable import Controllers

/// StatefulSets and DaemonSets on a whole server: in the names of their accounts, with all that the API asks of what they
/// write.
@Suite(.timeLimit(.minutes(2))) struct WorkloadServerTests {
    @Test func `a stateful set is served, rolled out and undone, with the rights of its account`() async throws {
        try await withServer { server in
            let client = server.client()
            try await running(server, "statefulset-controller", [StatefulSetController()]) {
                _ = try await client.create(
                    Target(.statefulSets, namespace: "default"), Self.statefulSet, WriteOptions())
                let name = ObjectName(namespace: "default", name: "web")
                let made = try await wait(for: StatefulSet.self, name, client) { Self.isSettled($0, image: nil) }
                let set = try #require(made)
                #expect(set.status.replicas == 2 && set.status.collisionCount == 0)
                #expect(set.status.currentRevision == set.status.updateRevision)
                let pod = try await client.get(Pod.self, ObjectName(namespace: "default", name: "web-1"))
                #expect(pod.metadata.labels["apps.kubernetes.io/pod-index"] == "1")
                #expect(pod.spec.hostname == "web-1" && pod.spec.subdomain == "peers")
                let claim = try await client.get(
                    PersistentVolumeClaim.self, ObjectName(namespace: "default", name: "data-web-1"))
                #expect(claim.metadata.ownerReferences.map(\.kind) == ["StatefulSet"])

                let revision = try await client.get(
                    ControllerRevision.self, ObjectName(namespace: "default", name: set.status.currentRevision))
                // Byte by byte what kubectl makes of the set, and compares with this.
                let template = String(decoding: set.spec.template.value.json, as: UTF8.self)
                let data = String(decoding: try #require(revision.data).json, as: UTF8.self)
                #expect(data == "{\"spec\":{\"template\":{\"$patch\":\"replace\"," + template.dropFirst() + "}}")

                let change: Value = ["spec": ["containers": [["name": "c", "image": "two"]]]]
                try await client.patch(StatefulSet.self, name, .strategicMerge(["spec": ["template": change]]))
                try await wait(for: StatefulSet.self, name, client) { Self.isSettled($0, image: "two") }
                try await client.patch(StatefulSet.self, name, .strategicMerge(try #require(revision.data)))
                let undone = try await wait(for: StatefulSet.self, name, client) {
                    Self.isSettled($0, image: "one")
                }
                #expect(undone?.spec.template == set.spec.template)
                #expect(undone?.status.currentRevision == set.status.currentRevision)

                // Claims go with the pods that are scaled away.
                let policy: Value = ["whenDeleted": "Retain", "whenScaled": "Delete"]
                try await client.patch(
                    StatefulSet.self, name,
                    .merge(["spec": ["replicas": 1, "persistentVolumeClaimRetentionPolicy": policy]]))
                try await wait(for: StatefulSet.self, name, client) { $0?.status.replicas == 1 }
                let condemned = try await client.get(PersistentVolumeClaim.self, claim.objectName)
                #expect(condemned.metadata.ownerReferences.map(\.kind) == ["Pod"])
            }
        }
    }

    /// The conformance spec "ControllerRevision should manage the lifecycle of a ControllerRevision".
    @Test func `revisions may be changed, copied and taken away, and no pod is the worse for it`() async throws {
        try await withServer { server in
            let client = server.client()
            try await client.create(Node(name: "a"))
            // A node begins with a taint that only the node lifecycle takes away.
            try await client.patch(Node.self, ObjectName(name: "a"), .merge(["spec": ["taints": .null]]))
            try await running(server, "daemon-set-controller", [DaemonSetController()]) {
                _ = try await client.create(Target(.daemonSets, namespace: "default"), Self.daemonSet, WriteOptions())
                let name = ObjectName(namespace: "default", name: "agent")
                let made = try await wait(for: DaemonSet.self, name, client) { $0?.status.numberAvailable == 1 }
                let set = try #require(made)
                #expect(set.metadata.annotations["deprecated.daemonset.template.generation"] == "1")
                let pod = try #require(try await client.list(Pod.self).first)
                let first = try #require(try await client.list(ControllerRevision.self).first)
                #expect(first.metadata.labels["controller-revision-hash"] == pod.metadata.labels["controller-revision-hash"])
                #expect(pod.metadata.labels["pod-template-generation"] == "1")

                try await client.patch(
                    ControllerRevision.self, first.objectName, .merge(["metadata": ["labels": ["mine": "patched"]]]))
                var copy = ControllerRevision(namespace: "default", name: "agent-copy")
                copy.metadata.labels = ["app": "agent", "controller-revision-hash": "copy"]
                copy.metadata.ownerReferences = [set.controllerReference]
                copy.data = first.data
                copy.revision = first.revision + 1
                try await client.create(copy)
                try await client.delete(ControllerRevision.self, first.objectName)

                let change: Value = ["spec": ["template": ["spec": ["terminationGracePeriodSeconds": 1]]]]
                let untouched = try #require(try await client.list(Pod.self).first)
                #expect(untouched.metadata.uid == pod.metadata.uid)
                try await client.patch(DaemonSet.self, name, .strategicMerge(change))
                let updated = try await wait(for: DaemonSet.self, name, client) { daemon in
                    guard let status = daemon?.status else { return false }
                    return status.observedGeneration == 2 && status.updatedNumberScheduled == 1
                        && status.numberAvailable == 1
                }
                #expect(updated?.metadata.annotations["deprecated.daemonset.template.generation"] == "2")
                let revisions = try await client.list(ControllerRevision.self)
                #expect(revisions.map(\.revision).sorted() == [2, 3])
            }
        }
    }

    @Test func `a deployment whose set cannot be made says so`() async throws {
        try await withServer { server in
            let client = server.client()
            // With the hash the set's name is longer than names may be.
            let name = ObjectName(namespace: "default", name: String(repeating: "a", count: 250))
            try await running(server, "deployment-controller", [DeploymentController()]) {
                var deployment = Deployment(namespace: name.namespace, name: name.name)
                deployment.spec.selector = MetaV1LabelSelector(["matchLabels": ["app": "web"]])
                deployment.spec.template.metadata.labels = ["app": "web"]
                deployment.spec.template.spec = PodSpec(["containers": [["name": "c", "image": "one"]]])
                try await client.create(deployment)
                let told = try await wait(for: Deployment.self, name, client) { !($0?.status.conditions.isEmpty ?? true) }
                let condition = told?.status.conditions.first { $0.type == "Progressing" }
                #expect(condition?.status == "False" && condition?.reason == "ReplicaSetCreateError")
                #expect(condition?.message.hasPrefix("Failed to create new replica set \"aaa") == true)
            }
        }
    }

    private static func isSettled(_ set: StatefulSet?, image: String?) -> Bool {
        guard let set, set.status.observedGeneration == set.metadata.generation else { return false }
        let isMeant = image == nil || set.spec.template.spec.containers.first?.image == image
        return isMeant && set.status.readyReplicas == set.spec.replicas && set.status.updatedReplicas == set.spec.replicas
            && set.status.currentRevision == set.status.updateRevision
    }

    /// Runs controllers in the name of their account, beside nodes that are well.
    private func running(
        _ server: APIServer, _ account: String, _ controllers: [any Controller], _ body: () async throws -> Void
    ) async throws {
        let now: @Sendable () -> Timestamp = { .now }
        try await ControllersTests.running([WellNodes()], on: server.client(), now: now) {
            try await ControllersTests.running(controllers, on: server.controllerClient(account), now: now) {
                try await body()
            }
        }
    }

    private static let statefulSet: Value = [
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": ["name": "web", "namespace": "default"],
        "spec": [
            "replicas": 2, "serviceName": "peers", "selector": ["matchLabels": ["app": "web"]],
            "persistentVolumeClaimRetentionPolicy": ["whenDeleted": "Delete", "whenScaled": "Retain"],
            "template": [
                "metadata": ["labels": ["app": "web"]],
                "spec": ["containers": [["name": "c", "image": "one"]]],
            ],
            "volumeClaimTemplates": [
                [
                    "metadata": ["name": "data"],
                    "spec": [
                        "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]],
                    ],
                ]
            ],
        ],
    ]

    private static let daemonSet: Value = [
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": ["name": "agent", "namespace": "default"],
        "spec": [
            "selector": ["matchLabels": ["app": "agent"]],
            "template": [
                "metadata": ["labels": ["app": "agent"]],
                "spec": ["containers": [["name": "c", "image": "one"]]],
            ],
        ],
    ]
}
