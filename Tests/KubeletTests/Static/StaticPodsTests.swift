import API
import APIMachinery
import APIServer
import Client
import Datastore
import Host
import Logging
import PKI
import Runtime
import Support
import Testing

@testable import Kubelet

/// A kubelet with a folder of pods.
@Suite(.timeLimit(.minutes(1))) struct StaticPodsTests {
    private static func with(
        isSilent: Bool = false, _ body: (KubeletWorld, String) async throws -> Void
    ) async throws {
        try await KubeletWorld.with {
            $0.manifests = $0.folder + "/manifests"
            if isSilent { $0.silence = SilentClient($0.client) }
        } _: { world in
            try await body(world, world.folder + "/manifests")
        }
    }

    private static func text(_ name: String = "web", _ image: String = "web:1") -> String {
        StaticPodTests.text.replacing("name: web}", with: "name: \(name)}").replacing("web:1", with: image)
            .replacing("main", with: name) + "\n  dnsPolicy: Default"
    }

    @Test func `a file runs as a pod, which the API shows, and goes with it`() async throws {
        try await Self.with { world, folder in
            try Files.makeDirectory(folder)
            try Files.write(Self.text(), to: folder + "/web.yaml")
            try Files.write("nonsense", to: folder + "/.hidden")
            try await world.run {
                try await world.until("web-n1") { $0?.isReady ?? false }
                let name = ObjectName(namespace: "default", name: "web-n1")
                let mirror = try #require(world.client.present(Pod.self, name))
                #expect(mirror.isMirror && mirror.status.phase == "Running")
                #expect(mirror.metadata.annotations["kubernetes.io/config.seen"].flatMap { Timestamp($0) } != nil)
                let uid = try #require(world.runtime.container(named: "web")?.labels[PodLabels.podUID])
                #expect(uid == mirror.metadata.annotations["kubernetes.io/config.hash"])
                // Another one comes while it runs.
                try Files.write(Self.text("other"), to: folder + "/other.yaml")
                try await world.until("other-n1") { $0?.isReady ?? false }
                try Files.remove(folder + "/web.yaml")
                try await world.until("web-n1") { $0 == nil }
                #expect(world.runtime.container(named: "web") == nil)
            }
        }
    }

    @Test func `a mirror that somebody deletes comes again, and the pod runs on`() async throws {
        try await Self.with { world, folder in
            try Files.makeDirectory(folder)
            try Files.write(Self.text(), to: folder + "/web.yaml")
            try await world.run {
                try await world.until("web-n1") { $0?.isReady ?? false }
                let name = ObjectName(namespace: "default", name: "web-n1")
                let uid = try #require(world.client.present(Pod.self, name)).metadata.uid
                world.delete("web-n1")
                try await world.until("web-n1") { $0.map { $0.metadata.uid != uid && $0.isReady } ?? false }
                world.client.remove(Pod.self, name)
                try await world.until("web-n1") { $0?.isReady ?? false }
                #expect(world.runtime.calls == ["run web-n1", "create web", "start web"])
            }
        }
    }

    @Test func `a changed file is another pod, which begins when the first has left`() async throws {
        try await Self.with { world, folder in
            world.runtime.change { $0.images.insert("docker.io/library/web:2") }
            try Files.makeDirectory(folder)
            try Files.write(Self.text(), to: folder + "/web.yaml")
            try await world.run {
                try await world.until("web-n1") { $0?.isReady ?? false }
                try Files.write(Self.text("web", "web:2"), to: folder + "/web.yaml")
                try await world.until("web-n1") { $0.map { $0.first?.image == "web:2" && $0.isReady } ?? false }
            }
            let calls = world.runtime.calls
            let leaving = try #require(calls.firstIndex(of: "remove web-n1"))
            let coming = try #require(calls.lastIndex(of: "run web-n1"))
            #expect(leaving < coming && calls.count { $0 == "run web-n1" } == 2)
        }
    }

    @Test func `the same file once more begins its pod anew`() async throws {
        try await Self.with { world, folder in
            try Files.makeDirectory(folder)
            try Files.write(Self.text(), to: folder + "/web.yaml")
            try await world.run {
                try await world.until("web-n1") { $0?.isReady ?? false }
                try Files.rename(folder + "/web.yaml", to: folder + "/.web.yaml")
                try await world.until("web-n1") { $0 == nil }
                try Files.rename(folder + "/.web.yaml", to: folder + "/web.yaml")
                try await world.until("web-n1") { $0?.isReady ?? false }
                #expect(world.runtime.calls.count { $0 == "start web" } == 2)
            }
        }
    }

    @Test func `what changed while no kubelet ran is made so by the next one`() async throws {
        try await Self.with { world, folder in
            try Files.makeDirectory(folder)
            try Files.write(Self.text(), to: folder + "/web.yaml")
            try Files.write(Self.text("stays"), to: folder + "/stays.yaml")
            try await world.run {
                try await world.until("web-n1") { $0?.isReady ?? false }
                try await world.until("stays-n1") { $0?.isReady ?? false }
            }
            try Files.remove(folder + "/web.yaml")
            let before = world.runtime.calls.filter { $0.hasSuffix("stays") || $0.hasSuffix("stays-n1") }
            try await world.run {
                try await world.until("web-n1") { $0 == nil }
                try await world.until("stays-n1") { $0?.isReady ?? false }
            }
            #expect(world.runtime.container(named: "web") == nil)
            #expect(world.runtime.calls.filter { $0.hasSuffix("stays") || $0.hasSuffix("stays-n1") } == before)
        }
    }

    @Test func `it runs though the API is silent, and is shown when that answers`() async throws {
        try await Self.with(isSilent: true) { world, folder in
            try Files.makeDirectory(folder)
            try Files.write(Self.text(), to: folder + "/web.yaml")
            let bell = Bell()
            world.runtime.onStart { bell.ring() }
            try await world.run {
                await bell.wait()
                #expect(world.runtime.calls == ["run web-n1", "create web", "start web"])
                #expect(world.client.writes.allSatisfy { $0.hasSuffix("/events") })
                world.silence?.answer()
                try await world.until("web-n1") { $0?.isReady ?? false }
            }
        }
    }

    @Test func `a file that is no pod harms nothing, and the node's events tell of it`() async throws {
        try await Self.with { world, folder in
            try Files.makeDirectory(folder)
            try Files.write("kind: Pod", to: folder + "/bad.yaml")
            try Files.write(Self.text(), to: folder + "/web.yaml")
            try await world.run {
                try await world.until("web-n1") { $0?.isReady ?? false }
                let events = try await world.client.observe(Event.self)
                let (news, input) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
                let observation = events.observe { _ in input.yield() }
                defer { observation.cancel() }
                for await _ in news {
                    let told = events.list(namespace: nil).map { Event($0) }.filter { $0.reason == "FailedValidation" }
                    guard let event = told.first else { continue }
                    #expect(event.involvedObject.kind == "Node" && event.message.contains("/bad.yaml: couldn't parse"))
                    break
                }
            }
        }
    }

    // MARK: The rules of the real API

    @Test func `the API lets a node make and remove the mirrors of its pods`() async throws {
        let server = try await APIServer.open(
            APIServerOptions(
                durable: MemoryDatastore(), volatile: MemoryDatastore(), clientAuthorities: [],
                serviceAccountKeys: [try PrivateKey.generateP256()],
                serviceCIDR: try #require(IPPrefix("10.43.0.0/16")),
                advertiseAddress: try #require(IPAddress("127.0.0.1")), advertisePort: 6443,
                version: ["gitVersion": "v1.36.3+k3s1"]))
        await server.bootstrap()
        try await server.client().create(Node(name: "n1"))
        let client = server.client(as: User(name: "system:node:n1", groups: ["system:nodes"]))
        let (table, log) = (PodTable(), Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let keeper = MirrorKeeper(client, node: "n1", table: table, log: log)
        let pods = try await client.observe(Pod.self, ObservationScope(fieldSelector: "spec.nodeName=n1"))
        let (news, input) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let observation = pods.observe { change in
            if let mirror = table.take(change).mirror { keeper.add(mirror) }
            input.yield()
        }
        defer { observation.cancel() }
        let pod = try StaticPod.read(Array(Self.text().utf8), file: "/web.yaml", node: "n1")
        table.run(StoredObject(received: pod.value))
        keeper.add(pod.objectName)
        func until(_ condition: (Pod?) -> Bool) async {
            for await _ in news where condition(pods.get(Pod.self, pod.objectName)) { return }
        }
        try await withThrowingTaskGroup { group in
            group.addTask { await keeper.run() }
            await until { $0 != nil }
            let uid = try #require(pods.get(Pod.self, pod.objectName)).metadata.uid
            #expect(uid != pod.metadata.uid)
            // As kubectl deletes it.
            try await server.client().delete(Pod.self, pod.objectName)
            await until { $0.map { $0.metadata.uid != uid && $0.metadata.deletionTimestamp == nil } ?? false }
            table.end(pod.metadata.uid)
            for uid in table.remove(pod.metadata.uid) { Issue.record("\(uid) begins") }
            keeper.add(pod.objectName)
            await until { $0 == nil }
            group.cancelAll()
        }
        await server.close()
    }
}
