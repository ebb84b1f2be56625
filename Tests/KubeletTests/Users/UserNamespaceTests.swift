import API
import APIMachinery
import Client
import Host
import Runtime
import Support
import Testing

@testable import Kubelet

@Suite(.timeLimit(.minutes(1)))
struct UserNamespaceTests {
    private static func pod(_ world: KubeletWorld, _ name: String) -> Pod {
        var pod = world.pod(name)
        pod.spec.hostUsers = false
        pod.spec.volumes = [Volume(["name": "data", "emptyDir": [:]])]
        pod.spec.containers[0].volumeMounts = [VolumeMount(["name": "data", "mountPath": "/data"])]
        return pod
    }

    private static func handler(_ name: String, _ hasUsers: Bool) -> CRI.RuntimeHandler {
        var handler = CRI.RuntimeHandler()
        (handler.name, handler.features.userNamespaces) = (name, hasUsers)
        return handler
    }

    /// The first of the ids that the pod's sandbox, its containers and their mounts were made with.
    private static func ids(_ world: KubeletWorld, _ name: String) -> Set<UInt32> {
        world.runtime.read { state in
            let sandboxes = state.sandboxConfigs.values.filter { $0.metadata.name == name }
                .map(\.linux.securityContext.namespaceOptions.usernsOptions)
            let configs = state.configs.values.filter { $0.metadata.name == name }
            let containers = configs.map(\.linux.securityContext.namespaceOptions.usernsOptions)
            var ids = Set((sandboxes + containers).map { $0?.uids.first?.hostID ?? 0 })
            for options in (sandboxes + containers).compactMap(\.self) {
                ids.formUnion(options.gids.map(\.hostID))
                if options.mode != .pod || options.uids.count != 1 { ids.insert(0) }
            }
            for mount in configs.flatMap(\.mounts) {
                ids.formUnion((mount.uidMappings + mount.gidMappings).map(\.hostID))
                if mount.uidMappings.isEmpty || mount.gidMappings.isEmpty { ids.insert(0) }
            }
            return ids
        }
    }

    @Test func `a pod has users of its own, in all that is made for it`() async throws {
        try await KubeletWorld.with { world in
            world.runtime.change { $0.handlers = [Self.handler("", true)] }
            let file = world.folder + "/kubelet/pods/uid-one/userns"
            try await world.run {
                for name in ["one", "two"] {
                    world.client.put(Self.pod(world, name))
                    try await world.until(name) { $0?.isReady ?? false }
                }
                #expect(Self.ids(world, "one") == [65_536] && Self.ids(world, "two") == [131_072])
                let range = UserKeeper.range(try Files.read(file))
                #expect(range == UserRanges.Range(first: 65_536, length: 65_536))
                world.client.put(world.pod("plain"))
                try await world.until("plain") { $0?.isReady ?? false }
                #expect(Self.ids(world, "plain") == [0])
            }
            // The next kubelet knows what is taken, and what the pods that run have.
            try await world.run {
                world.client.put(Self.pod(world, "three"))
                try await world.until("three") { $0?.isReady ?? false }
                #expect(Self.ids(world, "three") == [196_608])
                world.runtime.exit("one", code: 1)
                try await world.until("one") { $0?.first?.restartCount == 1 && $0?.isReady == true }
                #expect(Self.ids(world, "one") == [65_536])
                world.delete("one", grace: 1)
                try await world.until("one") { $0 == nil }
                #expect(!Files.exists(file))
                world.client.put(Self.pod(world, "four"))
                try await world.until("four") { $0?.isReady ?? false }
                #expect(Self.ids(world, "four") == [65_536])
            }
        }
    }

    private static func refusal(_ world: KubeletWorld, _ name: String) async throws -> String {
        let events = try await world.client.observe(Event.self)
        while true {
            let told = events.list(namespace: "default").map { Event($0) }
            if let event = told.first(where: { $0.reason == "FailedCreatePodSandBox" && $0.involvedObject.name == name }) {
                return event.message
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    @Test func `a runtime that cannot do it is told by its name`() async throws {
        try await KubeletWorld.with { world in
            world.runtime.change { $0.handlers = [Self.handler("", false), Self.handler("kata", false)] }
            try await world.run {
                let begin = "Failed to create pod sandbox: can't set `spec.hostUsers: false`, "
                world.client.put(Self.pod(world, "web"))
                let web = try await Self.refusal(world, "web")
                #expect(web == begin + "runtime does not support user namespaces")
                for (name, rest) in [
                    ("kata", "RuntimeClass handler \"kata\" does not support user namespaces"),
                    (
                        "none",
                        "RuntimeClass handler \"none\" does not support user namespaces: the handler \"none\" is not known"
                    ),
                ] {
                    var runtimeClass = RuntimeClass(name: name)
                    runtimeClass.handler = name
                    world.client.put(runtimeClass)
                    var pod = Self.pod(world, name)
                    pod.spec.runtimeClassName = name
                    world.client.put(pod)
                    let refusal = try await Self.refusal(world, name)
                    #expect(refusal == begin + rest)
                }
                #expect(!world.runtime.calls.contains { $0.hasPrefix("run ") })
            }
        }
    }

    @Test func `ids that the machine sets aside wrongly refuse such pods alone`() async throws {
        try await KubeletWorld.with { world in
            world.runtime.change { $0.handlers = [Self.handler("", true)] }
            try Files.makeDirectory(world.folder + "/etc")
            try Files.write("kubelet:x:998:998::/:/bin/false\n", to: world.folder + "/etc/passwd")
            try Files.write("kubelet:65536:65536\n", to: world.folder + "/etc/subuid")
            try await world.run {
                world.client.put(world.pod("plain"))
                try await world.until("plain") { $0?.isReady ?? false }
                world.client.put(Self.pod(world, "web"))
                let words = "mismatched subuids and subgids for user \"kubelet\""
                #expect(try await Self.refusal(world, "web") == "Failed to create pod sandbox: " + words)
            }
        }
    }
}
