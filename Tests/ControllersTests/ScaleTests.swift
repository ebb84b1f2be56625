import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

/// What a change costs must follow from what it concerns, not from the size of the cluster.
@Suite(.timeLimit(.minutes(1))) struct ScaleTests {
    private static let (workloads, replicas) = (100, 10)

    /// That a hundred workloads of ten pods settle, and that one pod then becomes ready, makes controllers look at each
    /// workload's own objects a few times. If each pass looked at all pods it would be hundreds of thousands.
    @Test func `a change makes controllers look at its own workload and service`() async throws {
        let counting = CountingAPI()
        for number in 0..<Self.workloads { try await Self.createWorkload("web-\(number)", counting.api) }
        let controllers: [any Controller] = [DeploymentController(), ReplicaSetController(), EndpointsController()]
        try await running(controllers, on: counting) {
            await counting.api.wait { api in
                api.peek(all: Endpoints.self).count == Self.workloads
                    && api.peek(all: Deployment.self).allSatisfy { $0.status.replicas == Self.replicas }
            }
            var pod = try await counting.get(Pod.self, ObjectName(namespace: "default", name: "web-7-3"))
            (pod.status.phase, pod.status.podIP) = ("Running", "10.42.0.7")
            pod.status.conditions = [PodCondition(["type": "Ready", "status": "True"])]
            try await counting.updateStatus(pod)
            await counting.api.wait { api in
                api.peek(Deployment.self, "web-7", in: "default")?.status.readyReplicas == 1
                    && api.peek(Endpoints.self, "web-7", in: "default")?.subsets.isEmpty == false
            }
        }
        let visits = counting.visits / Self.workloads
        #expect(visits <= 20 * Self.replicas, "\(visits) objects were looked at for each workload")
    }

    /// A Deployment with its set and its pods as they are before the first one runs, and a Service of them.
    private static func createWorkload(_ name: String, _ api: MemoryAPI) async throws {
        let labels: [String: String] = ["app": "shop", "part": name]
        var deployment = Deployment(namespace: "default", name: name)
        deployment.spec.replicas = replicas
        deployment.spec.selector = MetaV1LabelSelector(["matchLabels": Value(labels)])
        deployment.spec.template.metadata.labels = labels
        deployment = try await api.create(deployment)
        let decision = RolloutDecision(deployment: deployment, sets: [], hasOldPods: false)
        guard case .create(let new)? = decision.changes.first else {
            Issue.record("a Deployment begins with a set")
            return
        }
        let set = try await api.create(new)
        let made = ReplicaSetDecision(set: set, pods: [], now: Timestamp(seconds: 1_000_000))
        for number in 0..<replicas {
            var pod = made.newPod
            pod.metadata.name = "\(name)-\(number)"
            try await api.create(pod)
        }
        var service = Service(namespace: "default", name: name)
        service.spec.selector = labels
        try await api.create(service)
    }
}
