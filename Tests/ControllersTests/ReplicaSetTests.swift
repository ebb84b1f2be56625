import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

@Suite struct ReplicaSetTests {
    private let now = Timestamp(seconds: 1_000_000)

    @Test func `a set has as many pods as it asks for`() {
        var (set, pods): (ReplicaSet, [Pod]) = (set(replicas: 1), [])
        Conversation(
            """
            set replicas=3
            decide
            ----
            create 3

            pod a Running node=n1 ready=100
            pod b Running node=n1
            pod c Pending
            decide
            ----
            nothing

            # Not placed goes first, then not ready.
            set replicas=1
            decide
            ----
            delete c b

            # Pods that are over or on their way out do not count.
            pod d Failed node=n1
            pod e Running node=n1 deleting=yes
            set replicas=3
            decide
            ----
            nothing

            # Equals: the cheaper one, then the one that was ready for a shorter time.
            none
            pod a Running node=n1 ready=5000
            pod b Running node=n1 ready=10
            pod c Running node=n1 ready=5000 cost=-1
            set replicas=1
            decide
            ----
            delete c b
            """
        ).check { command in
            let options = options(command)
            switch command[0] {
            case "set": set.spec.replicas = options["replicas"].flatMap { Int($0) }
            case "pod": pods.append(pod(command[1], phase: command[2], options))
            case "none": pods = []
            default:
                switch ReplicaSetDecision(set: set, pods: pods.map { PodOutline($0) }, now: now).action {
                case nil: return ["nothing"]
                case .create(let count): return ["create \(count)"]
                case .delete(let pods): return ["delete " + pods.map(\.name.name).joined(separator: " ")]
                }
            }
            return []
        }
    }

    @Test func `a ready pod is available after its time, and the set looks again then`() {
        var set = set(replicas: 2)
        set.spec.minReadySeconds = 30
        let pods = [
            pod("a", phase: "Running", ["ready": "40", "node": "n"]),
            pod("b", phase: "Running", ["ready": "10", "node": "n"]),
        ]
        let decision = ReplicaSetDecision(set: set, pods: pods.map { PodOutline($0) }, now: now)
        let status = decision.status(failure: nil)
        #expect(status.readyReplicas == 2)
        #expect(status.availableReplicas == 1)
        #expect(decision.nextDeadline == .seconds(20))
    }

    @Test func `a pod is outlined anew when it has changed`() throws {
        let outlines = PodOutlines()
        func stored(_ phase: String, at revision: Int64) throws -> StoredObject {
            var value = pod("a", phase: phase, [:]).value
            value[path: ["metadata", "uid"]] = "u"
            return try StoredObject(logged: value.json, revision: revision)
        }
        let name = ObjectName(namespace: "default", name: "web")
        let first = try stored("Pending", at: 1)
        #expect(outlines.of(name, [first]).map(\.phase) == ["Pending"])
        #expect(outlines.of(name, [first]).map(\.isActive) == [true])
        #expect(outlines.of(name, [try stored("Failed", at: 2)]).map(\.isActive) == [false])
        outlines.forget(name)
        #expect(outlines.of(name, []).isEmpty)
    }

    @Test func `outlines are those of the pods that are there, whichever came, changed or went`() throws {
        let (outlines, name) = (PodOutlines(), ObjectName(namespace: "default", name: "web"))
        var random = SeededRandom(seed: 7)
        var (present, revision): ([String: StoredObject], Int64) = ([:], 0)
        for _ in 0..<300 {
            let pod = "p\(Int.random(in: 0..<8, using: &random))"
            revision += 1
            let phase = ["Pending", "Running", "Failed"][Int.random(in: 0..<3, using: &random)]
            var value = self.pod(pod, phase: phase, [:]).value
            value[path: ["metadata", "uid"]] = .string("\(pod)-\(revision)")
            present[pod] = Bool.random(using: &random) ? nil : try StoredObject(logged: value.json, revision: revision)
            let pods = present.sorted { $0.key < $1.key }.map(\.value)
            #expect(outlines.of(name, pods) == pods.map { PodOutline(Pod($0)) })
        }
    }

    @Test func `a refusal is told once, and forgotten when it is over`() {
        var set = set(replicas: 1)
        let failure = ReplicaSetFailure(reason: "FailedCreate", message: "exceeded quota")
        set.status = ReplicaSetDecision(set: set, pods: [], now: now).status(failure: failure)
        #expect(set.status.conditions.map(\.reason) == ["FailedCreate"])
        let later = ReplicaSetDecision(set: set, pods: [], now: now + .seconds(60))
        #expect(later.status(failure: failure) == set.status)
        #expect(later.status(failure: nil).conditions.isEmpty)
    }

    @Test func `a new pod is the set's own`() {
        let pod = ReplicaSetDecision(set: set(replicas: 1), pods: [], now: now).newPod
        #expect(pod.metadata.generateName == "web-")
        #expect(pod.metadata.labels == ["app": "web"])
        #expect(pod.metadata.controller?.uid == "rs")
    }

    @Test func `a ReplicationController keeps its pods as a set does, and its status has the same fields`() async throws {
        let api = MemoryAPI()
        var controller = ReplicationController(namespace: "default", name: "web")
        controller.spec.replicas = 2
        controller.spec.selector = ["app": "web"]
        var template = PodTemplateSpec()
        template.metadata.labels = ["app": "web"]
        controller.spec.template = template
        var orphan = Pod(namespace: "default", name: "orphan")
        orphan.metadata.labels = ["app": "web"]
        try await api.create(orphan)
        try await running([ReplicationControllerController()], on: api) {
            controller = try await api.create(controller)
            await api.wait { $0.peek(ReplicationController.self, "web", in: "default")?.status.replicas == 2 }
            let pods = api.peek(all: Pod.self)
            #expect(pods.map(\.metadata.name).first == "orphan", "adopted")
            #expect(pods.allSatisfy { $0.metadata.controller?.kind == "ReplicationController" })
            #expect(pods.allSatisfy { $0.metadata.controller?.apiVersion == "v1" })
            controller = try await api.get(ReplicationController.self, controller.objectName)
            #expect(controller.value.at("status", "terminatingReplicas") == nil, "it has no such field")
            controller.spec.replicas = 0
            try await api.update(controller)
            await api.wait { $0.peek(ReplicationController.self, "web", in: "default")?.status.replicas == 0 }
            #expect(api.peek(all: Pod.self).isEmpty)
        }
    }

    @Test(arguments: [
        ("rs", "web", false, Ownership.owned), ("rs", "other", false, .release), ("", "web", false, .adopt),
        ("", "other", false, .foreign), ("x", "web", false, .foreign), ("", "web", true, .foreign),
        ("rs", "other", true, .owned),
    ])
    func `ownership follows the selector`(
        controller: String, app: String, isDeleting: Bool, expected: Ownership
    ) {
        var metadata: Value = ["name": "a", "uid": "1", "labels": ["app": .string(app)]]
        if !controller.isEmpty {
            metadata["ownerReferences"] = [["uid": .string(controller), "controller": true]]
        }
        let object = StoredObject(received: ["metadata": metadata])
        guard let requirement = try? LabelSelector("app=web") else {
            Issue.record("the selector is right")
            return
        }
        #expect(
            Ownership(of: object, ownerUID: "rs", selector: requirement, ownerIsDeleting: isDeleting)
                == expected)
    }

    private func set(replicas: Int) -> ReplicaSet {
        var set = ReplicaSet(namespace: "default", name: "web")
        set.metadata.uid = "rs"
        set.spec.replicas = replicas
        set.spec.template.metadata.labels = ["app": "web"]
        return set
    }

    private func pod(_ name: String, phase: String, _ options: [String: String]) -> Pod {
        var pod = Pod(namespace: "default", name: name)
        pod.metadata.uid = name
        pod.metadata.labels = ["app": "web"]
        pod.metadata.creationTimestamp = now + .seconds(-10_000)
        pod.status.phase = phase
        pod.spec.nodeName = options["node"] ?? ""
        if options["deleting"] != nil { pod.metadata.deletionTimestamp = now }
        if let cost = options["cost"] { pod.metadata.annotations[PodRanking.costAnnotation] = cost }
        if let seconds = options["ready"].flatMap({ Int($0) }) {
            var condition = PodCondition()
            condition.type = "Ready"
            condition.status = "True"
            condition.lastTransitionTime = now + .seconds(-seconds)
            pod.status.conditions = [condition]
        }
        return pod
    }
}
