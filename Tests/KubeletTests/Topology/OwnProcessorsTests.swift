import API
import APIMachinery
import Client
import Host
import Runtime
import Support
import Testing

@testable import Kubelet

/// Pods that have processors and memory for themselves, on a machine of two processors at two nodes of
/// memory.
@Suite(.timeLimit(.minutes(1)))
struct OwnProcessorsTests {
    private static let basic = [
        "cpu-manager-policy": "static", "reserved-cpus": "0", "memory-manager-policy": "Static",
        "system-reserved": "memory=100Mi", "reserved-memory": "0:memory=100Mi",
    ]

    /// What the kernel of that machine tells.
    private func makeMachine(_ world: KubeletWorld) throws {
        func write(_ path: String, _ text: String) throws {
            let file = world.folder + "/system" + path
            try Files.makeDirectory(Path.parent(of: file))
            try Files.write(text + "\n", to: file, mode: 0o644)
        }
        try write("/cpu/online", "0-1")
        for number in 0...1 {
            try write("/cpu/cpu\(number)/topology/thread_siblings_list", "\(number)")
            try write("/cpu/cpu\(number)/topology/physical_package_id", "\(number)")
            try write("/node/node\(number)/cpulist", "\(number)")
            try write("/node/node\(number)/meminfo", "Node \(number) MemTotal: 1048576 kB")
            try write("/node/node\(number)/distance", number == 0 ? "10 20" : "20 10")
        }
    }

    private func world(
        _ arguments: [String: String], _ body: @escaping (KubeletWorld) async throws -> Void
    ) async throws {
        try #require(Machine.processorCount >= 2, "the test needs a machine of two processors")
        try await KubeletWorld.with({ world in
            world.arguments = arguments
            world.hasSystemFolder = true
        }) { world in
            try makeMachine(world)
            try await body(world)
        }
    }

    private func pod(_ world: KubeletWorld, _ name: String, cpu: String, memory: String = "64Mi") -> Pod {
        var pod = world.pod(name)
        var container = pod.spec.containers[0]
        if !cpu.isEmpty { container.resources.limits = ["cpu": cpu, "memory": memory] }
        container.resources.requests = container.resources.limits
        pod.spec.containers = [container]
        return pod
    }

    private func resources(_ world: KubeletWorld, _ name: String) -> CRI.LinuxContainerResources? {
        guard let id = world.runtime.container(named: name)?.id else { return nil }
        return world.runtime.read { $0.configs[id]?.linux.resources }
    }

    private func untilProcessors(_ world: KubeletWorld, _ name: String, _ list: String) async throws {
        while resources(world, name)?.cpusetCPUs != list { try await Task.sleep(for: .milliseconds(5)) }
    }

    @Test func `a pod has processors and memory for itself, and the others share the rest`() async throws {
        try await world(Self.basic) { world in
            try await world.run {
                world.client.put(pod(world, "shared", cpu: ""))
                try await world.until("shared") { $0?.isReady ?? false }
                #expect(resources(world, "shared")?.cpusetCPUs == "0-1")
                world.client.put(pod(world, "own", cpu: "1"))
                try await world.until("own") { $0?.isReady ?? false }
                let own = resources(world, "own")
                #expect(
                    own?.cpusetCPUs == "1" && own?.cpusetMems == "0" && own?.cpuQuota == 0
                        && own?.cpuShares == 1024)
                try await untilProcessors(world, "shared", "0")
                let file = try CPUCheckpoint(json: Files.read(world.folder + "/kubelet/cpu_manager_state"))
                #expect(file.shared == [0] && file.assignments == ["uid-own": ["own": [1]]])
                let memory = try MemoryCheckpoint(
                    json: Files.read(world.folder + "/kubelet/memory_manager_state"))
                #expect(memory.assignments["uid-own"]?["own"]?.map(\.size) == [64 << 20])
                world.delete("own")
                try await world.until("own") { $0 == nil }
                try await untilProcessors(world, "shared", "0-1")
            }
        }
    }

    @Test func `a kubelet that starts leaves each on its processors, and takes back what nobody has`()
        async throws
    {
        try await world(Self.basic) { world in
            try await world.run {
                world.client.put(pod(world, "own", cpu: "1"))
                try await world.until("own") { $0?.isReady ?? false }
            }
            try await world.run {
                world.client.put(pod(world, "shared", cpu: ""))
                try await world.until("shared") { $0?.isReady ?? false }
                #expect(resources(world, "shared")?.cpusetCPUs == "0")
                #expect(resources(world, "own")?.cpusetCPUs == "1")
            }
            // It goes while no kubelet looks.
            world.runtime.change { state in
                (state.containers, state.sandboxes) = ([:], [:])
            }
            world.client.remove(Pod.self, ObjectName(namespace: "default", name: "own"))
            world.client.remove(Pod.self, ObjectName(namespace: "default", name: "shared"))
            try Files.remove(world.folder + "/kubelet/pods")
            try await world.run {
                world.client.put(pod(world, "next", cpu: "1"))
                try await world.until("next") { $0?.isReady ?? false }
                #expect(resources(world, "next")?.cpusetCPUs == "1")
            }
            // Another reservation than the one under which pods got theirs.
            func changed(_ arguments: [String: String]) -> KubeletWorld {
                var changed = world
                changed.arguments.merge(arguments) { $1 }
                return changed
            }
            let reserved = changed(["reserved-cpus": "1"])
            let fault = await #expect(throws: Fault.self) {
                try await reserved.run { try await Task.sleep(for: .seconds(30)) }
            }
            #expect(fault?.summary.contains("not all reserved cpus: \"1\"") == true)
            let plain = changed(["cpu-manager-policy": "none"])
            let other = await #expect(throws: Fault.self) {
                try await plain.run { try await Task.sleep(for: .seconds(30)) }
            }
            #expect(
                other?.summary
                    == "could not restore state from checkpoint: configured policy \"none\" differs from state "
                    + "checkpoint policy \"static\"")
        }
    }

    @Test func `what cannot lie together is refused`() async throws {
        var arguments = Self.basic
        arguments["topology-manager-policy"] = "single-numa-node"
        try await world(arguments) { world in
            try await world.run {
                // The only processor that can be had is at node 1, and so is the memory.
                world.client.put(pod(world, "own", cpu: "1", memory: "900Mi"))
                try await world.until("own") { $0?.isReady ?? false }
                #expect(resources(world, "own")?.cpusetMems == "1")
                world.delete("own")
                try await world.until("own") { $0 == nil }
                world.client.put(pod(world, "large", cpu: "1", memory: "1100Mi"))
                try await world.until("large") { $0?.status.phase == "Failed" }
                let large = world.client.present(Pod.self, ObjectName(namespace: "default", name: "large"))
                #expect(large?.status.reason == "TopologyAffinityError")
                #expect(
                    large?.status.message
                        == "Pod was rejected: Resources cannot be allocated with Topology locality")
            }
        }
    }

    @Test func `devices, processors and memory of a pod lie at one node`() async throws {
        var arguments = Self.basic
        arguments["topology-manager-policy"] = "restricted"
        arguments["topology-manager-scope"] = "pod"
        try await world(arguments) { world in
            let resource = "example.com/dev"
            let program = DevicePluginProgram(
                resource, [("a", Int64(0)), ("b", 0), ("c", 1)].map { DeviceLedgerTests.device($0, [$1]) })
            try await world.run {
                let folder = world.folder + "/kubelet/device-plugins/"
                while !Files.exists(folder + "kubelet.sock") { try await Task.sleep(for: .milliseconds(5)) }
                try await program.run(at: folder + "x.sock", registering: folder + "kubelet.sock") {
                    func wanted(_ name: String, _ count: String) -> Pod {
                        var pod = pod(world, name, cpu: "1")
                        var container = pod.spec.containers[0]
                        container.resources.limits[resource] = count
                        container.resources.requests[resource] = count
                        pod.spec.containers = [container]
                        return pod
                    }
                    while program.hasNoListeners { try await Task.sleep(for: .milliseconds(5)) }
                    try await Task.sleep(for: .milliseconds(100))
                    world.client.put(wanted("one", "1"))
                    try await world.until("one") { $0?.isReady ?? false }
                    #expect(program.calls == ["Allocate c"])
                    let one = resources(world, "one")
                    #expect(one?.cpusetCPUs == "1" && one?.cpusetMems == "1")
                    world.delete("one")
                    try await world.until("one") { $0 == nil }
                    // Two devices are at node 0 only, where no processor can be had.
                    world.client.put(wanted("two", "2"))
                    try await world.until("two") { $0?.status.reason == "TopologyAffinityError" }
                }
            }
        }
    }
}
