import API
import APIMachinery
import Client
import Host
import Logging
import Runtime
import Support
import Synchronization
import Testing

@testable import Kubelet

/// A kubelet in a folder of its own, on an API and a runtime that only remember.
struct KubeletWorld: Sendable {
    var client = MemoryClient()
    let runtime = FakeRuntime(images: ["docker.io/library/web:1"])
    /// Where the pods of files are; `nil` for none.
    var manifests: String?
    /// Arguments of Kubernetes' kubelet.
    var arguments: [String: String] = [:]
    /// Plug-ins that give credentials for images.
    var providers: [CredentialProvider] = []
    /// The kernel tells of processors in a folder of the world.
    var hasSystemFolder = false
    /// Where the system's services speak; `nil` for nowhere.
    var bus: String?
    /// How long their answers are waited for.
    var busPatience = SystemBus.usualPatience
    /// The API through somebody who may keep silent.
    var silence: SilentClient?
    let folder = "/tmp/k3s-kubelet-test-\(UInt32.random(in: 0...UInt32.max))"

    func makeKubelet(_ events: EventRecorder) throws -> Kubelet {
        let layout = KubeletLayout(
            root: folder + "/kubelet", podLogs: folder + "/pods", containerLogs: folder + "/containers")
        var options = KubeletOptions(
            nodeName: "n1", internalAddresses: [.v4(0x0A00_0001)], version: "v1.36.3+k3s1", layout: layout)
        options.cgroupRoot = "/" + Path.name(of: folder)
        options.staticPods = manifests
        options.systemBus = bus ?? folder + "/no-bus"
        options.busPatience = busPatience
        options.accounts = folder + "/etc"
        options.logindFolder = folder + "/logind.conf.d"
        if hasSystemFolder { options.systemDevices = folder + "/system" }
        try options.apply(arguments)
        options.credentialProviders = providers
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let client: any Client = silence ?? client
        return Kubelet(
            options, client: client, runtime: runtime, images: runtime,
            events: events, log: log)
    }

    /// Runs a kubelet while `body` runs.
    func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            let events = EventRecorder(client, component: "kubelet")
            let kubelet = try makeKubelet(events)
            group.addTask { await events.run() }
            group.addTask { try await kubelet.run {} }
            group.addTask { try await body() }
            try await group.next()
            group.cancelAll()
        }
    }

    func cleanUp() throws {
        try Files.remove(folder)
        try Cgroup("/" + Path.name(of: folder), in: try CgroupHierarchy.detect()).remove()
    }

    static func with(
        _ change: (inout KubeletWorld) -> Void = { _ in }, _ body: (KubeletWorld) async throws -> Void
    ) async throws {
        var world = KubeletWorld()
        change(&world)
        var failure: (any Error)?
        do { try await body(world) } catch { failure = error }
        do { try world.cleanUp() } catch { failure = failure ?? error }
        if let failure { throw failure }
    }

    /// A pod that is bound to the node.
    func pod(_ name: String, image: String = "web:1", policy: String = "Always") -> Pod {
        var pod = Pod(namespace: "default", name: name)
        pod.metadata.uid = "uid-" + name
        pod.spec = PodSpec([
            "nodeName": "n1", "restartPolicy": .string(policy), "terminationGracePeriodSeconds": 5,
            "dnsPolicy": "Default",
            "containers": [
                [
                    "name": .string(name), "image": .string(image), "imagePullPolicy": "IfNotPresent",
                    "terminationMessagePath": "/dev/termination-log",
                ]
            ],
        ])
        return pod
    }

    /// Suspends until the pod satisfies the condition; `nil` stands for a pod that is gone.
    func until(_ name: String, _ condition: @escaping @Sendable (Pod?) -> Bool) async throws {
        let set = try await client.observe(Pod.self)
        let wanted = ObjectName(namespace: "default", name: name)
        let (news, input) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let observation = set.observe { _ in input.yield() }
        defer { observation.cancel() }
        input.yield()
        for await _ in news where condition(set.get(Pod.self, wanted)) { return }
    }

    func delete(_ name: String, grace: Int = 5) {
        let wanted = ObjectName(namespace: "default", name: name)
        guard var pod = client.present(Pod.self, wanted) else { return }
        pod.metadata.deletionTimestamp = .now
        pod.metadata.deletionGracePeriodSeconds = grace
        client.put(pod)
    }
}

extension Pod {
    var isReady: Bool { status.conditions.contains { $0.type == "Ready" && $0.status == "True" } }
    var first: ContainerStatus? { status.containerStatuses.first }
}

@Suite(.timeLimit(.minutes(1)))
struct KubeletTests {
    private func eventually(_ condition: () -> Bool) async throws {
        while !condition() { try await Task.sleep(for: .milliseconds(10)) }
    }

    @Test func `a pod runs, is reported, and goes`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                world.client.put(world.pod("web"))
                try await world.until("web") { $0?.isReady ?? false }
                let pod = try #require(
                    world.client.present(Pod.self, ObjectName(namespace: "default", name: "web")))
                #expect(pod.status.phase == "Running" && pod.status.podIP.hasPrefix("10.42.0."))
                #expect(pod.status.hostIP == "10.0.0.1" && pod.status.qosClass == "BestEffort")
                #expect(pod.first?.containerID.hasPrefix("containerd://c") == true)
                world.delete("web")
                try await world.until("web") { $0 == nil }
                #expect(world.runtime.read { $0.containers.isEmpty && $0.sandboxes.isEmpty })
                #expect(
                    world.runtime.calls == [
                        "run web", "create web", "start web", "stop web 5", "stop web", "remove web",
                        "remove web",
                    ])
                #expect(try Files.list(world.folder + "/pods").isEmpty)
            }
        }
    }

    @Test func `a kubelet that starts while the API is silent leaves alone what runs`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                world.client.put(world.pod("web"))
                try await world.until("web") { $0?.isReady ?? false }
            }
            let calls = world.runtime.calls
            var again = world
            again.silence = SilentClient(world.client)
            again.manifests = world.folder + "/manifests"
            try Files.makeDirectory(world.folder + "/manifests")
            try Files.write(StaticPodTests.text + "\n  dnsPolicy: Default", to: world.folder + "/manifests/own.yaml")
            let (bell, other) = (Bell(), again)
            again.runtime.onStart { bell.ring() }
            try await again.run {
                // It looks at everything when it begins what is its own.
                await bell.wait()
                try await Task.sleep(for: .milliseconds(500))
                #expect(other.runtime.container(named: "web") != nil)
                #expect(!other.runtime.calls.dropFirst(calls.count).contains { $0.hasPrefix("stop") })
                // What is gone by the API leaves as soon as that says so.
                world.client.remove(Pod.self, ObjectName(namespace: "default", name: "web"))
                other.silence?.answer()
                try await eventually { other.runtime.container(named: "web") == nil }
            }
        }
    }

    @Test func `the control group of a pod that nobody else knows of goes`() async throws {
        try await KubeletWorld.with { world in
            let root = "/" + Path.name(of: world.folder)
            let hierarchy = try CgroupHierarchy.detect()
            let lost = ["/besteffort/podlost", "/burstable/podlost", "/podlost2"].map {
                Cgroup(root + "/kubepods" + $0, in: hierarchy)
            }
            for group in lost { try group.create() }
            try await world.run {
                try await eventually { lost.allSatisfy { !$0.exists } }
                #expect(Cgroup(root + "/kubepods/burstable", in: hierarchy).exists)
            }
        }
    }

    @Test func `what still runs in the control group of a pod that is gone is ended`() async throws {
        try await KubeletWorld.with { world in
            let root = "/" + Path.name(of: world.folder)
            let hierarchy = try CgroupHierarchy.detect()
            let child = Cgroup(root + "/kubepods/besteffort/poduid-web/child", in: hierarchy)
            var command = Command("/bin/sleep", ["1000"])
            command.parentDeathSignal = .kill
            let process = try await command.start()
            try await world.run {
                world.client.put(world.pod("web"))
                try await world.until("web") { $0?.isReady ?? false }
                try child.create()
                try child.add(process: process.pid)
                world.delete("web")
                try await world.until("web") { $0 == nil }
                #expect(!Cgroup(root + "/kubepods/besteffort/poduid-web", in: hierarchy).exists)
            }
            #expect(try await process.wait() == .signalled(.kill))
        }
    }

    @Test func `a container that ends is restarted at once, then with back-off`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                world.client.put(world.pod("web"))
                try await world.until("web") { $0?.isReady ?? false }
                world.runtime.exit("web", code: 3)
                try await world.until("web") { $0?.first?.restartCount == 1 && $0?.first?.ready == true }
                world.runtime.exit("web", code: 4)
                try await world.until("web") { $0?.first?.state.waiting?.reason == "CrashLoopBackOff" }
                let pod = try #require(
                    world.client.present(Pod.self, ObjectName(namespace: "default", name: "web")))
                #expect(pod.status.phase == "Running" && !pod.isReady)
                #expect(pod.first?.lastState.terminated?.exitCode == 4)
                #expect(
                    pod.first?.state.waiting?.message
                        == "back-off 10s restarting failed container=web pod=web_default(uid-web)")
            }
        }
    }

    @Test func `a container that cannot be started waits longer each time, too`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                world.client.put(world.pod("web"))
                try await world.until("web") { $0?.isReady ?? false }
                world.runtime.change { $0.broken = ["web"] }
                world.runtime.exit("web", code: 3)
                try await world.until("web") { $0?.first?.state.waiting?.reason == "CrashLoopBackOff" }
                let pod = try #require(
                    world.client.present(Pod.self, ObjectName(namespace: "default", name: "web")))
                #expect(pod.first?.restartCount == 1 && pod.first?.lastState.terminated?.reason == "StartError")
                #expect(pod.first?.state.waiting?.message.hasPrefix("back-off 10s restarting failed") == true)
            }
        }
    }

    @Test func `the next kubelet adopts what runs and restarts nothing`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                world.client.put(world.pod("web"))
                try await world.until("web") { $0?.isReady ?? false }
            }
            let before = world.runtime.calls
            try await world.run {
                world.client.put(world.pod("other"))
                try await world.until("other") { $0?.isReady ?? false }
            }
            #expect(world.runtime.calls == before + ["run other", "create other", "start other"])
            // A pod that went while no kubelet ran leaves as soon as one does.
            world.client.remove(Pod.self, ObjectName(namespace: "default", name: "web"))
            try await world.run {
                world.client.put(world.pod("third"))
                try await world.until("third") { $0?.isReady ?? false }
                world.delete("other", grace: 1)
                try await world.until("other") { $0 == nil }
            }
        }
    }

    @Test func `a job's pod succeeds and keeps its container until it is deleted`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                world.client.put(world.pod("web", policy: "Never"))
                try await world.until("web") { $0?.isReady ?? false }
                world.runtime.exit("web", code: 0)
                try await world.until("web") { $0?.status.phase == "Succeeded" }
                #expect(world.runtime.container(named: "web") != nil)
                world.delete("web")
                try await world.until("web") { $0 == nil }
                #expect(world.runtime.read { $0.containers.isEmpty && $0.sandboxes.isEmpty })
            }
        }
    }

    @Test func `an image that cannot be pulled makes the container wait`() async throws {
        try await KubeletWorld.with { world in
            world.runtime.change { $0.refusedPulls = ["docker.io/library/nothing:latest"] }
            try await world.run {
                world.client.put(world.pod("web", image: "nothing"))
                try await world.until("web") { $0?.first?.state.waiting?.reason == "ErrImagePull" }
                try await world.until("web") { $0?.first?.state.waiting?.reason == "ImagePullBackOff" }
                let pod = try #require(
                    world.client.present(Pod.self, ObjectName(namespace: "default", name: "web")))
                #expect(pod.status.phase == "Pending")
                world.delete("web")
                try await world.until("web") { $0 == nil }
            }
        }
    }

    @Test func `images are pulled one after the other, and none for a pod that is gone`() async throws {
        try await KubeletWorld.with {
            $0.arguments = ["serialize-image-pulls": "true"]
        } _: { world in
            let bell = Bell()
            world.runtime.change { $0.whilePulling = { await bell.wait() } }
            try await world.run {
                let events = try await world.client.observe(Event.self)
                for name in ["one", "two", "three"] {
                    world.client.put(world.pod(name, image: name))
                    try await eventually {
                        events.list(namespace: "default").map { Event($0) }.contains {
                            $0.reason == "Pulling" && $0.involvedObject.name == name
                        }
                    }
                }
                world.delete("two", grace: 1)
                try await world.until("two") { $0 == nil }
                #expect(world.runtime.calls.filter { $0.hasPrefix("pull") } == ["pull docker.io/library/one:latest"])
                bell.ring()
                try await world.until("one") { $0?.isReady ?? false }
                bell.ring()
                try await world.until("three") { $0?.isReady ?? false }
                let pulls = world.runtime.calls.filter { $0.hasPrefix("pull") }
                #expect(pulls == ["one", "three"].map { "pull docker.io/library/\($0):latest" })
            }
        }
    }

    @Test func `the image of a volume is pulled by its own policy before the container starts`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                var pod = world.pod("web")
                pod.spec.volumes = [
                    Volume(["name": "data", "image": ["reference": "artifact:2", "pullPolicy": "Always"]])
                ]
                pod.spec.containers[0].volumeMounts = [VolumeMount(["name": "data", "mountPath": "/data"])]
                world.client.put(pod)
                try await world.until("web") { $0?.isReady ?? false }
                #expect(
                    world.runtime.calls == [
                        "run web", "pull docker.io/library/artifact:2", "create web", "start web",
                    ])
                let id = try #require(world.runtime.container(named: "web")?.id)
                let mount = world.runtime.read { $0.configs[id]?.mounts.first { $0.containerPath == "/data" } }
                #expect(mount?.image?.userSpecifiedImage == "artifact:2" && mount?.readonly == true)
                world.delete("web")
                try await world.until("web") { $0 == nil }
            }
        }
    }

    @Test func `a container whose volume's image cannot be pulled waits for it`() async throws {
        try await KubeletWorld.with { world in
            world.runtime.change { $0.refusedPulls = ["docker.io/library/nothing:latest"] }
            try await world.run {
                var pod = world.pod("web")
                pod.spec.volumes = [Volume(["name": "data", "image": ["reference": "nothing", "pullPolicy": "Always"]])]
                pod.spec.containers[0].volumeMounts = [VolumeMount(["name": "data", "mountPath": "/data"])]
                world.client.put(pod)
                try await world.until("web") { $0?.first?.state.waiting?.reason == "ImagePullBackOff" }
                world.delete("web")
                try await world.until("web") { $0 == nil }
            }
        }
    }

    @Test func `a pod that asks for what is not built waits, and an event says so`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                var pod = world.pod("web")
                pod.spec.containers = (0...PodAdmission.mostContainers).map { number in
                    var container = pod.spec.containers[0]
                    container.name = "c\(number)"
                    return container
                }
                world.client.put(pod)
                let events = try await world.client.observe(Event.self)
                let (news, input) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
                let observation = events.observe { _ in input.yield() }
                defer { observation.cancel() }
                for await _ in news {
                    let told = events.list(namespace: "default").map { Event($0) }
                    guard let event = told.first(where: { $0.reason == "FailedCreatePodSandBox" }) else { continue }
                    #expect(event.message.contains("no pod of more than 1000 containers"))
                    break
                }
                try await world.until("web") { $0?.status.phase == "Pending" }
                #expect(world.runtime.calls.isEmpty)
            }
        }
    }

    @Test func `a pod that has no room fails, and a critical one gets room`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                func asking(_ name: String, _ part: Int, priority: Int? = nil) -> Pod {
                    var pod = world.pod(name)
                    // Parts of the whole machine, whatever that is.
                    pod.spec.containers[0].resources.requests = ["cpu": "\(Machine.processorCount * part)m"]
                    pod.spec.priority = priority
                    return pod
                }
                world.client.put(asking("web", 600))
                try await world.until("web") { $0?.isReady ?? false }
                world.client.put(asking("late", 600))
                try await world.until("late") { $0?.status.phase == "Failed" }
                let late = world.client.present(Pod.self, ObjectName(namespace: "default", name: "late"))
                #expect(late?.status.reason == "OutOfcpu")
                #expect(late?.status.message.hasPrefix("Pod was rejected: Node didn't have enough resource: cpu, ") == true)
                world.client.put(asking("core", 600, priority: 2_000_000_000))
                try await world.until("core") { $0?.isReady ?? false }
                try await world.until("web") { $0?.status.phase == "Failed" }
                let web = world.client.present(Pod.self, ObjectName(namespace: "default", name: "web"))
                #expect(web?.status.reason == "Preempting")
                #expect(web?.status.conditions.contains { $0.type == "DisruptionTarget" } == true)
                #expect(!world.runtime.calls.contains("run late"))
            }
        }
    }

    @Test func `what the API knows no more has no part of the node, though it still ends`() async throws {
        try await KubeletWorld.with { world in
            let (end, released) = AsyncStream.makeStream(of: Void.self)
            world.runtime.change { $0.whileStopping = { for await _ in end {} } }
            try await world.run {
                defer { released.finish() }
                for name in ["web", "late"] {
                    var pod = world.pod(name)
                    pod.spec.containers[0].resources.requests = ["cpu": "\(Machine.processorCount * 600)m"]
                    pod.spec.containers[0].ports = [ContainerPort(["containerPort": 80, "hostPort": 80])]
                    world.client.put(pod)
                    try await world.until(name) { $0?.isReady == true || $0?.status.phase == "Failed" }
                    let placed = world.client.present(Pod.self, ObjectName(namespace: "default", name: name))
                    #expect(placed?.isReady == true, "\(name): \(placed?.status.message ?? "")")
                    world.client.remove(Pod.self, ObjectName(namespace: "default", name: name))
                }
            }
        }
    }

    @Test func `a pod that fills its volume beyond its size is evicted`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                var pod = world.pod("web")
                pod.spec.volumes = [Volume(["name": "data", "emptyDir": ["sizeLimit": "64Ki"]])]
                pod.spec.containers[0].volumeMounts = [VolumeMount(["name": "data", "mountPath": "/data"])]
                world.client.put(pod)
                try await world.until("web") { $0?.isReady ?? false }
                let volume = world.folder + "/kubelet/pods/uid-web/volumes/kubernetes.io~empty-dir/data"
                try Files.write(Array(repeating: 1, count: 100_000), to: volume + "/file")
                // Makes the node look now.
                world.client.remove(Node.self, ObjectName(name: "n1"))
                try await world.until("web") { $0?.status.phase == "Failed" }
                let status = try #require(world.client.present(Pod.self, pod.objectName)).status
                #expect(status.reason == "Evicted" && status.conditions.allSatisfy { $0.type != "DisruptionTarget" })
                #expect(status.message == "Usage of EmptyDir volume \"data\" exceeds the limit \"64Ki\". ")
            }
        }
    }
}
