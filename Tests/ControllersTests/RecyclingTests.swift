import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Synchronization
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct RecyclingTests {
    private static func volume(_ size: String = "1Gi", _ source: Value = ["hostPath": ["path": "/data"]]) -> PersistentVolume {
        var spec: Value = ["capacity": ["storage": .string(size)], "persistentVolumeReclaimPolicy": "Recycle"]
        for field in source.fields ?? Fields() { spec[field.key] = field.value }
        spec["claimRef"] = ["namespace": "default", "name": "data", "uid": "gone"]
        return PersistentVolume(["metadata": ["name": "v"], "spec": spec, "status": ["phase": "Released"]])
    }

    // MARK: The pod

    @Test func `the pod mounts the volume and empties it`() throws {
        let pod = try #require(VolumeRecycling().pod(for: Self.volume()))
        #expect(pod.objectName == ObjectName(namespace: "default", name: "recycler-for-v"))
        #expect(pod.value.at("metadata", "generateName") == nil)
        #expect(pod.value.at("spec", "volumes") == [["name": "vol", "hostPath": ["path": "/data"]]])
        #expect(pod.spec.restartPolicy == "Never")
        let container = try #require(pod.spec.containers.first)
        #expect(container.volumeMounts.first?.mountPath == "/scrub")
        #expect(container.command == ["/bin/sh"])
        let share = try #require(
            VolumeRecycling().pod(for: Self.volume("1Gi", ["nfs": ["server": "s", "path": "/p", "readOnly": true]])))
        #expect(share.value.at("spec", "volumes") == [["name": "vol", "nfs": ["server": "s", "path": "/p"]]])
        #expect(VolumeRecycling().pod(for: Self.volume("1Gi", ["local": ["path": "/data"]])) == nil)
    }

    @Test(arguments: [
        ("500Mi", 60, 300), ("2Gi", 60, 300), ("3Gi", 90, 300), ("3500Mi", 90, 300), ("20Gi", 600, 600),
        ("8Ei", 2_147_483_647, 2_147_483_647),
    ])
    func `a large volume may take longer`(size: String, onNode: Int, byNetwork: Int) {
        let rules = VolumeRecycling()
        #expect(rules.pod(for: Self.volume(size))?.spec.activeDeadlineSeconds == onNode)
        let share = Self.volume(size, ["nfs": ["server": "s", "path": "/p"]])
        #expect(rules.pod(for: share)?.spec.activeDeadlineSeconds == byNetwork)
    }

    @Test func `the pod may be another one, and its times too`() throws {
        var rules = VolumeRecycling()
        rules.hostPath = .init(
            minimum: 5, increment: .max,
            template: Pod([
                "metadata": ["namespace": "tools"],
                "spec": ["volumes": [["name": "a", "emptyDir": [:]], ["name": "b", "emptyDir": [:]]]],
            ]))
        let pod = try #require(rules.pod(for: Self.volume("2Gi")))
        #expect(pod.objectName == ObjectName(namespace: "tools", name: "recycler-for-v"))
        #expect(
            pod.value.at("spec", "volumes")
                == [["name": "a", "hostPath": ["path": "/data"]], ["name": "b", "emptyDir": [:]]])
        #expect(pod.spec.activeDeadlineSeconds == 2_147_483_647)
    }

    // MARK: What comes next

    private static func words(_ action: RecycleDecision.Action) -> String {
        switch action {
        case .wait(let note, let moment):
            ["wait", note.map { "\($0.kind.rawValue) \($0.message)" }, moment.map { "until \($0.seconds)" }]
                .compactMap(\.self).joined(separator: ", ")
        case .begin(let pod): "begin \(pod.metadata.name)"
        case .giveUp(let pod, let note): "give up\(pod == nil ? "" : " the pod"): \(note.message)"
        case .complete: "complete"
        }
    }

    private static func pod(_ uid: String, _ phase: String, isEnding: Bool = false, message: String = "") -> Pod {
        var pod = Pod(namespace: "default", name: "recycler-for-v")
        pod.metadata.uid = uid
        if isEnding { pod.metadata.deletionTimestamp = Timestamp(seconds: 1) }
        (pod.status.phase, pod.status.message) = (phase, message)
        return pod
    }

    @Test(arguments: [
        (nil, nil, [], nil, "begin recycler-for-v"),
        (nil, nil, ["default/a", "default/b"], nil, "wait, Normal Volume is used by pods: default/a,default/b"),
        (nil, nil, [], 9, "wait, until 9"),
        (pod("mine", "Running"), "mine", [], nil, "wait"),
        (pod("mine", "Succeeded"), "mine", [], nil, "complete"),
        (
            pod("mine", "Failed"), "mine", [], nil,
            "give up the pod: Recycle failed: failed to recycle volume: pod failed, pod.Status.Message unknown"
        ),
        (
            pod("mine", "Failed", message: "too slow"), "mine", [], nil,
            "give up the pod: Recycle failed: failed to recycle volume: too slow"
        ),
        (nil, "mine", [], nil, "give up: Recycle failed: failed to recycle volume: recycler pod was deleted"),
        // Of an earlier start of the controller, or forged.
        (
            pod("other", "Succeeded"), nil, [], nil,
            "give up the pod: Recycle failed: old recycler pod found, will retry later"
        ),
        (
            pod("other", "Succeeded"), "mine", [], nil,
            "give up the pod: Recycle failed: old recycler pod found, will retry later"
        ),
        (pod("other", "Running", isEnding: true), nil, [], nil, "wait"),
    ] as [(Pod?, String?, [String], Int64?, String)])
    func `a volume is emptied by a pod of its own`(
        pod: Pod?, own: String?, users: [String], pause: Int64?, outcome: String
    ) {
        let volume = Self.volume()
        let decision = RecycleDecision(
            volume: volume, wanted: VolumeRecycling().pod(for: volume), users: users, pod: pod, own: own,
            pause: pause.map { Timestamp(seconds: $0) })
        #expect(Self.words(decision.action) == outcome)
    }

    @Test func `a volume that nothing can empty fails once`() {
        var volume = Self.volume("1Gi", ["local": ["path": "/data"]])
        #expect(
            Self.words(RecycleDecision(volume: volume).action) == "give up: No recycler plugin found for the volume!")
        volume.status.phase = "Failed"
        #expect(Self.words(RecycleDecision(volume: volume).action) == "wait")
    }

    // MARK: The controller

    private static let podName = "recycler-for-v"

    private static func end(_ phase: String, _ api: MemoryAPI) async throws {
        var pod = try #require(api.peek(Pod.self, podName, in: "default"))
        pod.status.phase = phase
        try await api.updateStatus(pod)
    }

    private static func messages(_ api: MemoryAPI) -> [String] {
        api.peek(all: Event.self).filter { $0.involvedObject.kind == "PersistentVolume" }.map {
            "\($0.type) \($0.reason) \($0.message)"
        }
    }

    @Test func `a released volume is emptied and free again`() async throws {
        let api = MemoryAPI()
        var volume = Self.volume()
        volume.metadata.annotations[VolumeAnnotation.boundByController] = "yes"
        try await api.create(volume)
        // Two events of one instant have one name.
        try await running([PersistentVolumeBinder()], on: api, now: { .now }) {
            await api.wait { $0.peek(Pod.self, Self.podName, in: "default") != nil }
            #expect(api.peek(PersistentVolume.self, "v")?.status.phase == "Released")
            try await api.create(
                Event([
                    "metadata": ["name": "e", "namespace": "default"], "type": "Warning", "message": "no such image",
                    "involvedObject": ["kind": "Pod", "namespace": "default", "name": .string(Self.podName)],
                ]))
            await api.wait { Self.messages($0) == ["Warning RecyclerPod Recycler pod: no such image"] }
            try await Self.end("Succeeded", api)
            await api.wait { $0.peek(PersistentVolume.self, "v")?.status.phase == "Available" }
            #expect(api.peek(PersistentVolume.self, "v")?.spec.claimRef == nil)
            #expect(api.peek(Pod.self, Self.podName, in: "default") == nil)
            await api.wait { Self.messages($0).contains("Normal VolumeRecycled Volume recycled") }
        }
    }

    @Test func `a volume that could not be emptied says so, and is tried again later`() async throws {
        let (api, clock) = (MemoryAPI(), ManualClock())
        try await api.create(Self.volume())
        let start = Timestamp(seconds: 1_000_000)
        try await running([PersistentVolumeBinder()], on: api, clock: clock, now: { start + clock.now.offset }) {
            await api.wait { $0.peek(Pod.self, Self.podName, in: "default") != nil }
            let first = try #require(api.peek(Pod.self, Self.podName, in: "default")).metadata.uid
            try await Self.end("Failed", api)
            await api.wait { $0.peek(Pod.self, Self.podName, in: "default") == nil }
            let failed = try #require(api.peek(PersistentVolume.self, "v"))
            #expect(failed.status.phase == "Failed")
            #expect(failed.status.message.hasPrefix("Recycle failed: failed to recycle volume: "))
            await clock.waitForSleepers()
            clock.advance(by: .seconds(15))
            await api.wait { api in
                api.peek(Pod.self, Self.podName, in: "default").map { $0.metadata.uid != first } ?? false
            }
            try await Self.end("Succeeded", api)
            await api.wait { $0.peek(PersistentVolume.self, "v")?.status.phase == "Available" }
            // A claim that a person wrote keeps the volume.
            #expect(api.peek(PersistentVolume.self, "v")?.spec.claimRef?.name == "data")
        }
    }

    @Test func `a volume is left alone while pods use it, and so is one that shall be kept after all`() async throws {
        let api = MemoryAPI()
        var user = Pod(namespace: "default", name: "web")
        user.spec.nodeName = "n1"
        user.spec.volumes = [Volume(["name": "data", "persistentVolumeClaim": ["claimName": "data"]])]
        user = try await api.create(user)
        try await api.create(Self.volume())
        try await running([PersistentVolumeBinder()], on: api) {
            await api.wait {
                Self.messages($0) == ["Normal VolumeFailedRecycle Volume is used by pods: default/web"]
            }
            #expect(api.peek(Pod.self, Self.podName, in: "default") == nil)
            user.status.phase = "Succeeded"
            try await api.updateStatus(user)
            await api.wait { $0.peek(Pod.self, Self.podName, in: "default") != nil }
            var volume = try #require(api.peek(PersistentVolume.self, "v"))
            volume.spec.persistentVolumeReclaimPolicy = "Retain"
            try await api.update(volume)
            await api.wait { $0.peek(Pod.self, Self.podName, in: "default") == nil }
            #expect(api.peek(PersistentVolume.self, "v")?.status.phase == "Released")
        }
    }

    // MARK: Folders that go

    @Test func `a released volume goes with its folder`() async throws {
        let api = MemoryAPI()
        let removed = Mutex<[String]>([])
        var volume = Self.volume("1Gi", ["hostPath": ["path": "/tmp/k3s-volume/data"]])
        volume.spec.persistentVolumeReclaimPolicy = "Delete"
        try await api.create(volume)
        let binder = PersistentVolumeBinder { path throws(Fault) in removed.withLock { $0.append(path) } }
        try await running([binder], on: api) {
            await api.wait { $0.peek(PersistentVolume.self, "v") == nil }
            #expect(removed.withLock { $0 } == ["k3s-volume/data"])
        }
    }

    @Test func `a volume whose folder stays says why`() async throws {
        let api = MemoryAPI()
        var volume = Self.volume("1Gi", ["hostPath": ["path": "/tmp/k3s-volume/data"]])
        volume.spec.persistentVolumeReclaimPolicy = "Delete"
        try await api.create(volume)
        let binder = PersistentVolumeBinder { _ throws(Fault) in throw Fault(.conflict, "something is mounted there") }
        try await running([binder], on: api) {
            await api.wait { $0.peek(PersistentVolume.self, "v")?.status.phase == "Failed" }
            await api.wait { Self.messages($0).contains { $0 == "Warning VolumeFailedDelete conflict: something is mounted there" } }
        }
    }
}
