import API
import APIMachinery
import Testing

@testable import Kubelet

/// Pods whose ConfigMaps and Secrets come later than they do. Without a cause they would wait for minutes.
@Suite(.timeLimit(.minutes(1))) struct AwaitedObjectsTests {
    private static func secret(_ data: [String: String]) -> Secret {
        var secret = Secret(namespace: "default", name: "late")
        secret.data = data.mapValues { Array($0.utf8) }
        return secret
    }

    private static func configMap() -> ConfigMap {
        var map = ConfigMap(namespace: "default", name: "late")
        map.data = ["key": "value"]
        return map
    }

    /// What a kubelet always observes: its pods, and the node in two places.
    private static let observedAnyhow = 3

    /// Runs a kubelet, puts a pod that `change` has changed, and lets it wait for the first time. Returns how many
    /// observations there were before.
    private static func wait(
        _ world: KubeletWorld, _ observations: Int, _ change: (inout Pod) -> Void
    ) async throws -> Int {
        world.client.put(world.pod("first"))
        try await world.until("first") { $0?.isReady ?? false }
        await world.client.waitForObservers { $0 >= observedAnyhow }
        let before = world.client.observerCount
        var pod = world.pod("web")
        change(&pod)
        world.client.put(pod)
        await world.client.waitForObservers { $0 >= before + observations }
        return before
    }

    @Test func `a container starts when the object comes that it waits for`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                let before = try await Self.wait(world, 1) {
                    $0.spec.containers[0].value["envFrom"] = [["configMapRef": ["name": "late"]]]
                }
                try await world.until("web") {
                    $0?.first?.state.waiting?.reason == "CreateContainerConfigError"
                }
                world.client.put(Self.configMap())
                try await world.until("web") { $0?.isReady ?? false }
                await world.client.waitForObservers { $0 == before }
            }
        }
    }

    @Test func `it starts when an object gets the key that it lacked`() async throws {
        try await KubeletWorld.with { world in
            world.client.put(Self.secret(["other": "x"]))
            try await world.run {
                _ = try await Self.wait(world, 1) {
                    $0.spec.containers[0].value["env"] = [
                        ["name": "A", "valueFrom": ["secretKeyRef": ["name": "late", "key": "key"]]]
                    ]
                }
                // Neither is a reason: another object, and the same as before.
                world.client.put(Self.configMap())
                world.client.put(Self.secret(["other": "x", "key": "value"]))
                try await world.until("web") { $0?.isReady ?? false }
            }
            let creates = world.runtime.calls.count { $0 == "create web" }
            #expect(creates == 1)
        }
    }

    @Test func `volumes are mounted when the object comes that they are made from`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                // The volume's own interest, and the pod's.
                let before = try await Self.wait(world, 2) {
                    $0.spec.volumes = [Volume(["name": "v", "configMap": ["name": "late"]])]
                    $0.spec.containers[0].volumeMounts = [VolumeMount(["name": "v", "mountPath": "/v"])]
                }
                world.client.put(Self.configMap())
                try await world.until("web") { $0?.isReady ?? false }
                await world.client.waitForObservers { $0 == before + 1 }
            }
        }
    }

    @Test func `a pod that goes while it waits is waited for no more`() async throws {
        try await KubeletWorld.with { world in
            try await world.run {
                let before = try await Self.wait(world, 1) {
                    $0.spec.containers[0].value["envFrom"] = [["secretRef": ["name": "late"]]]
                }
                world.delete("web")
                try await world.until("web") { $0 == nil }
                await world.client.waitForObservers { $0 == before }
            }
        }
    }
}
