import API
import APIMachinery
import Client
import Host
import Runtime
import Support
import Testing
import Wire

@testable import Kubelet

/// Device plug-ins on real sockets, and pods that ask for their devices.
@Suite(.timeLimit(.minutes(1)))
struct DevicesTests {
    private static let resource = "example.com/dev"

    private func program(_ ids: [String] = ["a", "b", "c"]) -> DevicePluginProgram {
        DevicePluginProgram(Self.resource, ids.map { DeviceLedgerTests.device($0, []) })
    }

    private func pod(_ world: KubeletWorld, _ name: String, _ count: Int) -> Pod {
        var pod = world.pod(name)
        var container = pod.spec.containers[0]
        container.resources.limits = [Self.resource: "\(count)"]
        container.resources.requests = [Self.resource: "\(count)"]
        container.env = [EnvVar(["name": "LEVEL", "value": "pod"])]
        pod.spec.containers = [container]
        return pod
    }

    private func untilNode(_ world: KubeletWorld, _ capacity: String, _ allocatable: String) async throws {
        let set = try await world.client.observe(Node.self)
        let (news, input) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let observation = set.observe { _ in input.yield() }
        defer { observation.cancel() }
        input.yield()
        for await _ in news {
            let status = set.get(Node.self, ObjectName(name: "n1"))?.status
            if status?.capacity[Self.resource] == capacity, status?.allocatable[Self.resource] == allocatable
            {
                return
            }
        }
    }

    private func untilServed(_ world: KubeletWorld) async throws -> String {
        let socket = world.folder + "/kubelet/device-plugins/kubelet.sock"
        while !Files.exists(socket) { try await Task.sleep(for: .milliseconds(5)) }
        return socket
    }

    /// Runs `program`, and `body` once the node shows its three devices.
    private func serve(
        _ program: DevicePluginProgram, _ world: KubeletWorld, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let socket = try await untilServed(world)
        try await program.run(at: world.folder + "/kubelet/device-plugins/x.sock", registering: socket) {
            try await untilNode(world, "3", "3")
            try await body()
        }
    }

    @Test func `a pod gets the devices of a plug-in, with all that belongs to them`() async throws {
        try await KubeletWorld.with { world in
            let program = program()
            program.change { $0.options.preStartRequired = true }
            try await world.run {
                try await serve(program, world) {
                    world.client.put(pod(world, "web", 2))
                    try await world.until("web") { $0?.isReady ?? false }
                    let config = try #require(world.runtime.read { $0.configs.values.first })
                    #expect(
                        config.envs.filter { ["DEVICES", "LEVEL"].contains($0.key) }.map {
                            $0.key + "=" + String(decoding: $0.value, as: UTF8.self)
                        } == ["DEVICES=a,b", "LEVEL=device", "LEVEL=pod"])
                    #expect(config.devices.map(\.containerPath) == ["/dev/x-a", "/dev/x-b"])
                    #expect(config.devices.map(\.hostPath) == ["/dev/a", "/dev/b"])
                    #expect(config.mounts.contains(CRI.Mount("/opt/driver", at: "/driver", readonly: true)))
                    #expect(config.annotations["example.com/devices"] == "a,b")
                    #expect(config.cdiDevices.map(\.name) == ["example.com/dev=a"])
                    #expect(program.calls == ["Allocate a b", "PreStart a b"])
                }
                // It is gone.
                try await untilNode(world, "3", "0")
            }
        }
    }

    @Test func `a pod that asks for more than is free is refused, and one that ends makes room`() async throws
    {
        try await KubeletWorld.with { world in
            let program = program()
            program.change { $0.options.getPreferredAllocationAvailable = true }
            try await world.run {
                try await serve(program, world) {
                    world.client.put(pod(world, "one", 2))
                    try await world.until("one") { $0?.isReady ?? false }
                    #expect(program.calls == ["Prefer a b c", "Allocate b c"])
                    world.client.put(pod(world, "two", 2))
                    try await world.until("two") { $0?.status.phase == "Failed" }
                    let two = world.client.present(Pod.self, ObjectName(namespace: "default", name: "two"))
                    #expect(two?.status.reason == "UnexpectedAdmissionError")
                    #expect(
                        two?.status.message
                            == "Pod was rejected: Allocate failed due to requested number of devices "
                            + "unavailable for example.com/dev. Requested: 2, Available: 1, which is unexpected"
                    )
                    world.delete("one")
                    try await world.until("one") { $0 == nil }
                    program.change { $0.refusal = GRPCStatus(.unknown, "broken") }
                    program.change { $0.options.getPreferredAllocationAvailable = false }
                    world.client.put(pod(world, "three", 1))
                    try await world.until("three") { $0?.status.phase == "Failed" }
                    let three = world.client.present(
                        Pod.self, ObjectName(namespace: "default", name: "three"))
                    #expect(three?.status.message.contains("rpc error: code = Unknown desc = broken") == true)
                    program.change { $0.refusal = nil }
                    world.client.put(pod(world, "four", 3))
                    try await world.until("four") { $0?.isReady ?? false }
                }
            }
        }
    }

    @Test func `a kubelet that starts knows who has what, and waits for the plug-in`() async throws {
        try await KubeletWorld.with { world in
            let program = program()
            try await world.run {
                try await serve(program, world) {
                    world.client.put(pod(world, "one", 2))
                    try await world.until("one") { $0?.isReady ?? false }
                }
            }
            let file = world.folder + "/kubelet/device-plugins/kubelet_internal_checkpoint"
            #expect(try Files.readText(file).contains("uid-one"))
            // A socket of before tells a plug-in nothing of the new kubelet.
            try Files.write("", to: world.folder + "/kubelet/device-plugins/stale.sock", mode: 0o600)
            try Files.remove(world.folder + "/kubelet/device-plugins/kubelet.sock")
            try await world.run {
                let socket = try await untilServed(world)
                #expect(!Files.exists(world.folder + "/kubelet/device-plugins/stale.sock"))
                try await untilNode(world, "0", "0")
                try await program.run(
                    at: world.folder + "/kubelet/device-plugins/x.sock", registering: socket
                ) {
                    try await untilNode(world, "3", "3")
                    // The container that comes after has what its predecessor had.
                    world.runtime.exit("one", code: 1)
                    try await world.until("one") { $0?.first?.restartCount == 1 && $0?.isReady == true }
                    let configs = world.runtime.read { state in
                        state.configs.filter { state.containers[$0.key]?.state == .running }.values.map(
                            \.devices)
                    }
                    #expect(configs.map { $0.map(\.hostPath) } == [["/dev/a", "/dev/b"]])
                    world.client.put(pod(world, "two", 2))
                    try await world.until("two") { $0?.status.reason == "UnexpectedAdmissionError" }
                }
            }
        }
    }

    @Test func `devices come and go, fall ill, and a plug-in registers again`() async throws {
        try await KubeletWorld.with { world in
            let program = program()
            try await world.run {
                let socket = try await untilServed(world)
                let own = world.folder + "/kubelet/device-plugins/x.sock"
                try await program.run(at: own, registering: socket) {
                    try await untilNode(world, "3", "3")
                    program.change { $0.devices[0].health = "Unhealthy" }
                    try await untilNode(world, "3", "2")
                    program.change { $0.devices.removeLast() }
                    try await untilNode(world, "2", "1")
                }
                try await untilNode(world, "2", "0")
                // Somebody removes the kubelet's socket: it is made again.
                try Files.remove(socket)
                _ = try await untilServed(world)
                try await self.program(["n"]).run(at: own, registering: socket) {
                    try await untilNode(world, "1", "1")
                }
            }
        }
    }

    @Test func `a plug-in of another version or with a bad name is refused`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                let socket = try await untilServed(world)
                let old = await #expect(throws: GRPCStatus.self) {
                    try await program().register(socket, endpoint: "x.sock", version: "v1alpha")
                }
                #expect(
                    old?.message == "requested API version \"v1alpha\" is not supported by kubelet. "
                        + "Supported version is [\"v1beta1\"]")
                let bad = await #expect(throws: GRPCStatus.self) {
                    try await DevicePluginProgram("cpu", []).register(socket, endpoint: "x.sock")
                }
                #expect(bad?.message == "the ResourceName \"cpu\" is invalid")
            }
        }
    }
}
