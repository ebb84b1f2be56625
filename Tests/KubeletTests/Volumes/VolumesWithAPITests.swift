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

/// Volumes and environment against the real API, in the name of a node that may do only what nodes may.
@Suite struct VolumesWithAPITests {
    private static func server() async throws -> APIServer {
        let server = try await APIServer.open(
            APIServerOptions(
                durable: MemoryDatastore(), volatile: MemoryDatastore(), clientAuthorities: [],
                serviceAccountKeys: [try PrivateKey.generateP256()],
                serviceCIDR: try #require(IPPrefix("10.43.0.0/16")),
                advertiseAddress: try #require(IPAddress("127.0.0.1")), advertisePort: 6443,
                version: ["gitVersion": "v1.36.3+k3s1"]))
        await server.bootstrap()
        return server
    }

    private static func populate(_ client: some Client) async throws -> Pod {
        try await client.create(Node(name: "node-1"))
        try await client.create(ServiceAccount(namespace: "default", name: "default"))
        var map = ConfigMap(namespace: "default", name: "kube-root-ca.crt")
        map.data = ["ca.crt": "CA"]
        try await client.create(map)
        var pod = Pod(namespace: "default", name: "web")
        pod.value["spec"] = ["nodeName": "node-1", "containers": [["name": "main", "image": "busybox"]]]
        return try await client.create(pod)
    }

    @Test func `the token volume that every pod gets is made and followed as the node`() async throws {
        try await VolumeWorld.run { world in
            let server = try await Self.server()
            let pod = try await Self.populate(server.client())
            let node = server.client(as: User(name: "system:node:node-1", groups: ["system:nodes"]))
            let volumes = PodVolumes(
                layout: world.layout, client: node, nodeName: "node-1", log: Logger(label: "test"), wake: { _ in })
            let name = try #require(pod.spec.volumes.first?.name)
            let mounted = try await volumes.mount(pod)
            let path = try #require(mounted.path(of: name))
            let content = try world.content(path)
            #expect(content["token"]?.split(separator: ".").count == 3)
            #expect(content.filter { $0.key != "token" } == ["ca.crt": "CA", "namespace": "default"])
            let mounts = try volumes.mounts(of: pod.spec.containers[0], in: pod, mounted, environment: [:])
            #expect(mounts.map(\.containerPath) == ["/var/run/secrets/kubernetes.io/serviceaccount"])
            #expect(mounts[0].readonly)

            let placement = PodPlacement(
                nodeName: "node-1", hostIP: "10.0.0.1", hostIPs: [], podIPs: [], allocatable: [:])
            let environment = try await ContainerEnvironment(client: node)
                .resolve(pod.spec.containers[0], in: pod, placement)
            #expect(environment.contains { $0 == ("KUBERNETES_SERVICE_PORT", "443") })

            try await volumes.unmount(podUID: pod.metadata.uid)
            await server.close()
        }
    }

    @Test func `a node cannot mount what no pod of its own refers to`() async throws {
        try await VolumeWorld.run { world in
            let server = try await Self.server()
            var pod = try await Self.populate(server.client())
            let node = server.client(as: User(name: "system:node:node-2", groups: ["system:nodes"]))
            let volumes = PodVolumes(
                layout: world.layout, client: node, nodeName: "node-2", log: Logger(label: "test"), wake: { _ in })
            pod.spec.nodeName = "node-2"
            let fault = await #expect(throws: Fault.self) { try await volumes.mount(pod) }
            #expect(fault?.code == .denied)
            await server.close()
        }
    }
}
