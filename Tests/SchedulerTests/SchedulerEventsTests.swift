import API
import APIMachinery
import Client
import ClientTestSupport
import Logging
import Testing

@testable import Scheduler

/// What the scheduler tells of pods, and when it tries again.
@Suite(.timeLimit(.minutes(1))) struct SchedulerEventsTests {
    @Test func `why a pod waits is told once, and that it was placed`() async throws {
        let api = MemoryAPI()
        try await api.create(Self.node("n1"))
        try await scheduling(api) {
            var pod = Pod(Self.pod("web"))
            pod.spec.nodeSelector = ["disk": "ssd"]
            try await api.create(pod)
            await api.wait { Self.messages("FailedScheduling", $0).count == 1 }
            #expect(
                Self.messages("FailedScheduling", api)
                    == [
                        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. "
                            + "no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
                    ])

            // A node that does not suit it is not worth a try; one that does is.
            try await api.create(Self.node("n2"))
            var node = try await api.get(Node.self, ObjectName(name: "n2"))
            node.metadata.labels["disk"] = "ssd"
            try await api.update(node)
            await api.wait { Self.messages("Scheduled", $0).count == 1 }
            #expect(Self.messages("Scheduled", api) == ["Successfully assigned default/web to n2"])
            #expect(Self.messages("FailedScheduling", api).count == 1)
        }
    }

    @Test func `a pod that waits for its volume keeps its place`() async throws {
        let api = MemoryAPI()
        try await api.create(Self.node("n1", pods: "1"))
        var storageClass = StorageClass(name: "late")
        storageClass.provisioner = "example.com/disk"
        storageClass.volumeBindingMode = "WaitForFirstConsumer"
        try await api.create(storageClass)
        var claim = PersistentVolumeClaim(namespace: "default", name: "data")
        claim.spec.storageClassName = "late"
        try await api.create(claim)
        try await scheduling(api) {
            var first = Pod(Self.pod("first"))
            first.spec.volumes = [
                Volume(["name": "v", "persistentVolumeClaim": ["claimName": "data"]])
            ]
            try await api.create(first)
            await api.wait {
                $0.peek(PersistentVolumeClaim.self, "data", in: "default")?.selectedNode == "n1"
            }
            try await api.create(Pod(Self.pod("second")))
            await api.wait { Self.condition(of: "second", $0).contains("Too many pods") }
            #expect(api.peek(Pod.self, "first", in: "default")?.spec.nodeName == "")

            try await api.create(PersistentVolume(name: "v"))
            var bound = try await api.get(PersistentVolumeClaim.self, claim.objectName)
            bound.spec.volumeName = "v"
            bound.metadata.annotations[VolumeAnnotation.bindCompleted] = "yes"
            try await api.update(bound)
            await api.wait { $0.peek(Pod.self, "first", in: "default")?.spec.nodeName == "n1" }
        }
    }

    @Test func `the more important has the less important sent away, and takes its place`() async throws {
        let api = MemoryAPI()
        try await api.create(Self.node("n1", pods: "1"))
        try await scheduling(api) {
            try await api.create(Pod(Self.pod("low")))
            await api.wait { $0.peek(Pod.self, "low", in: "default")?.spec.nodeName == "n1" }
            var important = Pod(Self.pod("high"))
            important.spec.priority = 10
            try await api.create(important)
            await api.wait { $0.peek(Pod.self, "low", in: "default")?.metadata.deletionTimestamp != nil }
            let victim = try #require(api.peek(Pod.self, "low", in: "default"))
            let condition = victim.status.conditions.first { $0.type == "DisruptionTarget" }
            #expect(condition?.reason == "PreemptionByScheduler")
            #expect(condition?.message == "default-scheduler: preempting to accommodate a higher priority pod")
            await api.wait { $0.peek(Pod.self, "high", in: "default")?.status.nominatedNodeName == "n1" }
            await api.wait { Self.messages("Preempted", $0).count == 1 }
            // A third pod does not take the room.
            try await api.create(Pod(Self.pod("third")))
            await api.wait { !Self.condition(of: "third", $0).isEmpty }
            try await api.delete(Pod.self, victim.objectName, DeletionOptions(gracePeriodSeconds: 0))
            await api.wait { $0.peek(Pod.self, "high", in: "default")?.spec.nodeName == "n1" }
            #expect(Self.condition(of: "third", api).hasPrefix("0/1 nodes are available: 1 Too many pods."))
        }
    }

    @Test func `a pod that is bound elsewhere meanwhile counts there`() async throws {
        let api = MemoryAPI()
        try await scheduling(api) {
            try await api.create(Pod(Self.pod("web")))
            await api.wait { Self.condition(of: "web", $0) == "no nodes available to schedule pods" }
            var bound = try await api.get(Pod.self, ObjectName(namespace: "default", name: "web"))
            bound.spec.nodeName = "n1"
            try await api.update(bound)
            try await api.create(Self.node("n1", pods: "1"))
            try await api.create(Pod(Self.pod("other")))
            await api.wait { Self.condition(of: "other", $0).contains("Too many pods") }
        }
    }

    private func scheduling(_ api: MemoryAPI, _ body: () async throws -> Void) async throws {
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let scheduler = Scheduler(client: api, log: log)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await scheduler.run() }
            defer { group.cancelAll() }
            try await body()
        }
    }

    private static func node(_ name: String, pods: String = "110") -> Node {
        var node = Node(name: name)
        node.value["status"] = ["allocatable": ["cpu": "2", "memory": "4Gi", "pods": .string(pods)]]
        return node
    }

    private static func pod(_ name: String) -> Value {
        [
            "metadata": ["name": .string(name), "namespace": "default"],
            "spec": ["schedulerName": "default-scheduler", "containers": [["name": "c"]]],
        ]
    }

    private static func messages(_ reason: String, _ api: MemoryAPI) -> [String] {
        api.peek(all: Event.self).map(\.value).filter { $0["reason"] == .string(reason) }
            .compactMap { $0["message"]?.string }
    }

    private static func condition(of pod: String, _ api: MemoryAPI) -> String {
        let status = api.peek(Pod.self, pod, in: "default")?.status
        return status?.conditions.first { $0.type == "PodScheduled" }?.message ?? ""
    }
}
