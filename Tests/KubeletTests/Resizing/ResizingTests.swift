import API
import APIMachinery
import Support
import Testing

@testable import Kubelet

/// Resizing with everything around it, on a runtime that only remembers.
@Suite(.timeLimit(.minutes(1)))
struct ResizingTests {
    private static let name = ObjectName(namespace: "default", name: "web")

    private static func pod(_ world: KubeletWorld, _ cpu: String, _ memory: String) -> Pod {
        var pod = world.pod("web")
        pod.metadata.generation = 1
        pod.spec.containers[0].resources = resources(cpu, memory)
        return pod
    }

    private static func resources(_ cpu: String, _ memory: String) -> ResourceRequirements {
        ResourceRequirements([
            "limits": ["cpu": .string(cpu), "memory": .string(memory)],
            "requests": ["cpu": .string(cpu), "memory": .string(memory)],
        ])
    }

    private static func resize(_ world: KubeletWorld, _ cpu: String, _ memory: String) throws {
        var pod = try #require(world.client.present(Pod.self, name))
        pod.spec.containers[0].resources = resources(cpu, memory)
        pod.metadata.generation += 1
        world.client.put(pod)
    }

    /// Whether the pod has this much, and nothing is left to do.
    private static func isSettled(_ pod: Pod?, _ cpu: String, _ memory: String) -> Bool {
        guard let pod else { return false }
        return pod.first?.resources == resources(cpu, memory)
            && pod.first?.allocatedResources == ["cpu": cpu, "memory": memory]
            && pod.status.observedGeneration == pod.metadata.generation
            && !pod.status.conditions.contains { $0.type.hasPrefix("PodResize") }
    }

    @Test func `a running container gets other resources, and the next kubelet knows`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                world.client.put(Self.pod(world, "100m", "64Mi"))
                try await world.until("web") { $0?.isReady ?? false }
                try Self.resize(world, "200m", "128Mi")
                try await world.until("web") { Self.isSettled($0, "200m", "128Mi") }
                #expect(world.runtime.calls.last == "update web 204 20000 134217728")
            }
            let before = world.runtime.calls.count
            // The node was away when somebody asked for more than it can give.
            try Self.resize(world, "100k", "128Mi")
            try await world.run {
                try await world.until("web") { pod in
                    pod?.status.conditions.first { $0.type == "PodResizePending" }?.reason == "Infeasible"
                }
                let pod = try #require(world.client.present(Pod.self, Self.name))
                #expect(pod.first?.allocatedResources == ["cpu": "200m", "memory": "128Mi"])
                #expect(pod.status.observedGeneration == 3)
                try Self.resize(world, "150m", "128Mi")
                try await world.until("web") { Self.isSettled($0, "150m", "128Mi") }
                world.delete("web")
                try await world.until("web") { $0 == nil }
            }
            #expect(world.runtime.calls.dropFirst(before).contains("update web 153 15000 134217728"))
            #expect(!world.runtime.calls.contains { $0.hasPrefix("create") && $0 != "create web" })
        }
    }

    @Test func `what a pod has itself grows while it runs, and the next kubelet knows`() async throws {
        @Sendable func isSettled(_ pod: Pod?, _ cpu: String, _ memory: String) -> Bool {
            guard let pod else { return false }
            return pod.status.resources == Self.resources(cpu, memory)
                && pod.status.allocatedResources == ["cpu": cpu, "memory": memory]
                && !pod.status.conditions.contains { $0.type.hasPrefix("PodResize") }
        }
        @Sendable func resize(_ world: KubeletWorld, _ cpu: String, _ memory: String) throws {
            var pod = try #require(world.client.present(Pod.self, Self.name))
            pod.spec.resources = Self.resources(cpu, memory)
            pod.metadata.generation += 1
            world.client.put(pod)
        }
        try await KubeletWorld.with { world in
            try await world.run {
                var pod = world.pod("web")
                pod.metadata.generation = 1
                pod.spec.resources = Self.resources("100m", "64Mi")
                world.client.put(pod)
                try await world.until("web") { $0?.isReady == true && isSettled($0, "100m", "64Mi") }
                try resize(world, "200m", "128Mi")
                try await world.until("web") { isSettled($0, "200m", "128Mi") }
                // The container has no limits of its own.
                #expect(world.runtime.calls.last == "update web 2 20000 134217728")
            }
            try resize(world, "100k", "128Mi")
            try await world.run {
                try await world.until("web") { pod in
                    pod?.status.conditions.first { $0.type == "PodResizePending" }?.reason == "Infeasible"
                }
                let pod = try #require(world.client.present(Pod.self, Self.name))
                #expect(pod.status.allocatedResources == ["cpu": "200m", "memory": "128Mi"])
            }
        }
    }

    @Test func `a container restarts for memory where its policy says so`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                var pod = Self.pod(world, "100m", "64Mi")
                pod.spec.containers[0].resizePolicy = [
                    ContainerResizePolicy(["resourceName": "memory", "restartPolicy": "RestartContainer"])
                ]
                world.client.put(pod)
                try await world.until("web") { $0?.isReady ?? false }
                try Self.resize(world, "100m", "128Mi")
                try await world.until("web") { pod in
                    pod?.isReady == true && pod?.first?.restartCount == 1 && Self.isSettled(pod, "100m", "128Mi")
                }
                #expect(!world.runtime.calls.contains { $0.hasPrefix("update") })
            }
        }
    }
}
