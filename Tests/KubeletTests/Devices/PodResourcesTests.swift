import API
import APIMachinery
import Client
import Host
import Support
import Testing
import Wire

@testable import Kubelet
@testable import Runtime

/// Devices of a real plug-in, as monitoring and the pod's status tell of them.
@Suite(.timeLimit(.minutes(1)))
struct PodResourcesTests {
    private static let resource = "example.com/dev"

    private static func pod(_ world: KubeletWorld, _ name: String, _ count: Int) -> Pod {
        var pod = world.pod(name)
        pod.spec.containers[0].resources.limits = [resource: "\(count)"]
        pod.spec.containers[0].resources.requests = [resource: "\(count)"]
        return pod
    }

    private static func ask<Answer: ProtobufMessage>(
        _: Answer.Type, _ world: KubeletWorld, _ method: String, _ request: [UInt8] = []
    ) async throws -> Answer {
        let socket = world.folder + "/kubelet/pod-resources/kubelet.sock"
        while !Files.exists(socket) { try await Task.sleep(for: .milliseconds(5)) }
        let answer = try await GRPCClient(.unix(socket)).unary(method, request, timeout: .seconds(20))
        return try Answer(protobuf: answer.message)
    }

    private static func with(
        _ body: @escaping @Sendable (KubeletWorld, DevicePluginProgram) async throws -> Void
    ) async throws {
        try await KubeletWorld.with { world in
            let program = DevicePluginProgram(
                resource, [DeviceLedgerTests.device("a", [0]), DeviceLedgerTests.device("b", [])])
            try await world.run {
                let folder = world.folder + "/kubelet/device-plugins"
                while !Files.exists(folder + "/kubelet.sock") { try await Task.sleep(for: .milliseconds(5)) }
                try await program.run(at: folder + "/x.sock", registering: folder + "/kubelet.sock") {
                    let node = ObjectName(name: "n1")
                    while world.client.present(Node.self, node)?.status.capacity[resource] != "2" {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    try await body(world, program)
                }
            }
        }
    }

    private static func health(_ pod: Pod?) -> [Value] {
        pod?.first?.allocatedResourcesStatus.flatMap { status in status.resources.map(\.value) } ?? []
    }

    @Test func `monitoring is told who has which device`() async throws {
        try await Self.with { world, _ in
            for (name, count) in [("web", 2), ("plain", 0)] {
                world.client.put(count > 0 ? Self.pod(world, name, count) : world.pod(name))
                try await world.until(name) { $0?.isReady ?? false }
            }
            let service = "/v1.PodResourcesLister/"
            let list = try await Self.ask(PodResourcesAPI.ListResponse.self, world, service + "List")
            #expect(list.podResources.map(\.name) == ["plain", "web"])
            #expect(list.podResources[0].containers.map(\.devices) == [[]])
            let devices = try #require(list.podResources[1].containers.first).devices
            #expect(devices.map(\.deviceIDs) == [["a"], ["b"]] && devices.allSatisfy { $0.resourceName == Self.resource })
            #expect(devices.map { $0.topology?.nodes.map(\.id) } == [[0], nil])
            let old = try await Self.ask(
                PodResourcesAPI.ListResponse.self, world, "/v1alpha1.PodResourcesLister/List")
            #expect(old == list)

            let all = try await Self.ask(
                PodResourcesAPI.AllocatableResponse.self, world, service + "GetAllocatableResources")
            #expect(all.devices == devices && all.cpuIDs.isEmpty && all.memory.isEmpty)

            var request = PodResourcesAPI.GetRequest()
            (request.podName, request.podNamespace) = ("web", "default")
            let one = try await Self.ask(
                PodResourcesAPI.GetResponse.self, world, service + "Get", request.protobuf)
            #expect(one.podResources == list.podResources[1])
            request.podName = "none"
            let unknown = request.protobuf
            let status = await #expect(throws: GRPCStatus.self) {
                _ = try await Self.ask(PodResourcesAPI.GetResponse.self, world, service + "Get", unknown)
            }
            #expect(status?.message == "pod none in namespace default not found")
        }
    }

    @Test func `a pod's status tells how its devices are`() async throws {
        try await Self.with { world, program in
            world.client.put(Self.pod(world, "web", 2))
            @Sendable func device(_ id: String, _ health: String) -> Value {
                ["resourceID": .string(id), "health": .string(health)]
            }
            try await world.until("web") { $0?.isReady == true && Self.health($0).count == 2 }
            let name = ObjectName(namespace: "default", name: "web")
            let first = world.client.present(Pod.self, name)
            #expect(first?.first?.allocatedResourcesStatus.map(\.name) == [Self.resource])
            #expect(Self.health(first) == [device("a", "Healthy"), device("b", "Healthy")])
            program.change { $0.devices[1].health = "Unhealthy" }
            try await world.until("web") { Self.health($0) == [device("a", "Healthy"), device("b", "Unhealthy")] }
            program.change { $0.devices.removeFirst() }
            try await world.until("web") { Self.health($0) == [device("a", "Unknown"), device("b", "Unhealthy")] }
            // A pod that is over keeps what was told of it.
            var done = try #require(world.client.present(Pod.self, name))
            done.spec.activeDeadlineSeconds = 1
            world.client.put(done)
            try await world.until("web") { $0?.status.phase == "Failed" }
            #expect(Self.health(world.client.present(Pod.self, name)).count == 2)
        }
    }
}

@Suite struct PodResourcesReportTests {
    @Test func `processors and memory of one's own are told`() throws {
        var topology: [Int: MachineTopology.MemoryNode] = [:]
        topology[0] = MachineTopology.MemoryNode(memory: 1000)
        var state = ResourceDesk.State()
        state.memory = try MemoryLedger(topology, reserved: [0: ["memory": 100]])
        let report = PodResourcesReport(devices: DeviceLedger(), claims: ClaimLedger(), state: state)
        let memory = try #require(report.allocatable.memory.first)
        #expect(memory.memoryType == "memory" && memory.size == 900 && memory.topology?.nodes.map(\.id) == [0])
        #expect(report.allocatable.cpuIDs.isEmpty && report.allocatable.devices.isEmpty)
        let pod = report.pod(Pod([
            "metadata": ["namespace": "ns", "name": "web", "uid": "u"],
            "spec": [
                "initContainers": [["name": "first"], ["name": "side", "restartPolicy": "Always"]],
                "containers": [["name": "main"]],
            ],
        ]))
        #expect(pod.containers.map(\.name) == ["side", "main"] && pod.namespace == "ns")
    }

    @Test func `devices of claims are told`() throws {
        var claims = ClaimLedger()
        let name = ObjectName(namespace: "ns", name: "one")
        try claims.use(name, uid: "c", drivers: ["a.io"], by: "u")
        let device = ClaimLedger.Device(pool: "p", name: "d", share: "s", requests: ["r"], cdi: ["x=1", "x=2"])
        claims.give(name, "a.io", [device])
        let report = PodResourcesReport(devices: DeviceLedger(), claims: claims, state: ResourceDesk.State())
        let pod = report.pod(Pod([
            "metadata": ["namespace": "ns", "name": "web", "uid": "u"],
            "spec": [
                "resourceClaims": [["name": "gpu", "resourceClaimName": "one"]],
                "containers": [["name": "main", "resources": ["claims": [["name": "gpu"]]]], ["name": "other"]],
            ],
        ]))
        #expect(pod.containers.map(\.dynamicResources.count) == [1, 0])
        let told = try #require(pod.containers[0].dynamicResources.first)
        #expect(told.claimName == "one" && told.claimNamespace == "ns")
        let own = try #require(told.claimResources.first)
        #expect(own.cdiDevices.map(\.name) == ["x=1", "x=2"])
        #expect([own.driverName, own.poolName, own.deviceName, own.shareID] == ["a.io", "p", "d", "s"])
    }
}
