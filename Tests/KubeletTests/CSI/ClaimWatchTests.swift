import API
import APIMachinery
import APIServer
import Client
import Datastore
import PKI
import Support
import Testing

@testable import Kubelet

/// What a node may see of claims, against the real API.
@Suite struct ClaimWatchTests {
    @Test func `a node watches the claims of its pods, by name, and no others`() async throws {
        let server = try await APIServer.open(
            APIServerOptions(
                durable: MemoryDatastore(), volatile: MemoryDatastore(), clientAuthorities: [],
                serviceAccountKeys: [try PrivateKey.generateP256()],
                serviceCIDR: try #require(IPPrefix("10.43.0.0/16")),
                advertiseAddress: try #require(IPAddress("127.0.0.1")), advertisePort: 6443,
                version: ["gitVersion": "v1.36.3+k3s1"]))
        await server.bootstrap()
        let admin = server.client()
        try await admin.create(Node(name: "node-1"))
        try await admin.create(ServiceAccount(namespace: "default", name: "default"))
        for name in ["mine", "other"] {
            var claim = PersistentVolumeClaim(namespace: "default", name: name)
            claim.value["spec"] = ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]
            try await admin.create(claim)
        }
        var pod = Pod(namespace: "default", name: "web")
        pod.value["spec"] = [
            "nodeName": "node-1", "containers": [["name": "main", "image": "busybox"]],
            "volumes": [["name": "data", "persistentVolumeClaim": ["claimName": "mine"]]],
        ]
        try await admin.create(pod)
        let node = server.client(as: User(name: "system:node:node-1", groups: ["system:nodes"]))
        func see(_ selector: String) async throws -> Int {
            let scope = ObservationScope(namespace: "default", fieldSelector: selector)
            return try await node.observe(PersistentVolumeClaim.self, scope).list(namespace: nil).count
        }
        #expect(try await see("metadata.name=mine") == 1)
        await #expect(throws: Status.self) { try await see("metadata.name=other") }
        await #expect(throws: Status.self) { try await see("") }
        await server.close()
    }
}
