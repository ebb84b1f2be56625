import API
import APIMachinery
import Client
import ClientTestSupport
import Testing

@testable import Controllers

/// Who belongs to whom, as the loops of ReplicaSets and Deployments settle it.
@Suite(.timeLimit(.minutes(1))) struct DependentsTests {
    @Test func `a set adopts the pods that it selects, and lets go the ones that it does not`() async throws {
        let api = MemoryAPI()
        try await api.create(Self.pod("old", ["app": "web"]))
        try await api.create(Self.pod("other", ["app": "other"]))
        try await api.create(Self.pod("over", ["app": "web"], phase: "Succeeded"))
        try await running([ReplicaSetController()], on: api) {
            try await api.create(Self.set("web", replicas: 2))
            await api.wait { Self.pods(of: "web", $0).count == 2 && Self.pods(of: "web", $0).contains("old") }
            // Adopted as well, and then there is one too many.
            try await api.create(Self.pod("new", ["app": "web"]))
            await api.wait { $0.journal.contains { $0.hasPrefix("delete pods") } }

            var pod = try #require(api.peek(Pod.self, Self.pods(of: "web", api)[0], in: "default"))
            pod.metadata.labels = ["app": "aside"]
            pod = try await api.update(pod)
            await api.wait { api in
                Self.pods(of: "web", api).count == 2 && !Self.pods(of: "web", api).contains(pod.metadata.name)
            }
            #expect(api.peek(Pod.self, pod.metadata.name, in: "default")?.metadata.controller == nil)
            #expect(api.peek(Pod.self, "over", in: "default")?.metadata.controller == nil)
            #expect(api.peek(Pod.self, "other", in: "default")?.metadata.controller == nil)
        }
    }

    @Test func `a set that begins to select a pod adopts it`() async throws {
        let api = MemoryAPI()
        try await api.create(Self.pod("old", ["app": "other"]))
        let set = try await api.create(Self.set("web", replicas: 0))
        try await running([ReplicaSetController()], on: api) {
            let selector: Value = ["spec": ["selector": ["matchLabels": ["app": "other"]]]]
            try await api.patch(ReplicaSet.self, set.objectName, .merge(selector))
            await api.wait { $0.journal.contains("delete pods default/old") }
        }
    }

    @Test func `a Deployment that recreates waits until the last pod of the old template is gone`() async throws {
        let api = MemoryAPI()
        var deployment = Deployment(namespace: "default", name: "web")
        deployment.spec.replicas = 1
        deployment.spec.strategy.type = "Recreate"
        deployment.spec.selector = MetaV1LabelSelector(["matchLabels": ["app": "web"]])
        deployment.spec.template.metadata.labels = ["app": "web"]
        deployment.spec.template.spec = PodSpec(["containers": [["name": "c", "image": "one"]]])
        try await api.create(deployment)
        try await running([DeploymentController(), ReplicaSetController()], on: api) {
            await api.wait { $0.peek(all: Pod.self).count == 1 }
            var pod = try #require(api.peek(all: Pod.self).first)
            pod.spec.nodeName = "n1"
            pod = try await api.update(pod)

            deployment = try await api.get(Deployment.self, deployment.objectName)
            deployment.spec.template.spec = PodSpec(["containers": [["name": "c", "image": "two"]]])
            try await api.update(deployment)
            await api.wait { $0.peek(all: Pod.self).first?.metadata.deletionTimestamp != nil }
            await api.wait { $0.peek(all: ReplicaSet.self).first?.status.replicas == 0 }
            #expect(api.peek(all: ReplicaSet.self).count == 1, "the old pod has a node to end on")
            try await api.delete(Pod.self, pod.objectName, DeletionOptions(gracePeriodSeconds: 0))
            await api.wait { api in
                api.peek(all: Pod.self).first?.spec.containers.first?.image == "two"
            }
        }
    }

    private static func pods(of set: String, _ api: MemoryAPI) -> [String] {
        api.peek(all: Pod.self).filter { $0.metadata.controller?.name == set }.map(\.metadata.name)
    }

    private static func pod(_ name: String, _ labels: [String: String], phase: String = "Pending") -> Pod {
        var pod = Pod(namespace: "default", name: name)
        pod.metadata.labels = labels
        pod.status.phase = phase
        return pod
    }

    private static func set(_ name: String, replicas: Int) -> ReplicaSet {
        var set = ReplicaSet(namespace: "default", name: name)
        set.spec.replicas = replicas
        set.spec.selector = MetaV1LabelSelector(["matchLabels": ["app": .string(name)]])
        set.spec.template.metadata.labels = ["app": name]
        return set
    }
}
