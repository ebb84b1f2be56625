import API
import APIMachinery
import Client
import Datastore
import Logging
import PKI
import Support
import Testing

@testable import APIServer

/// The objects that every cluster has, where somebody stands in their way.
@Suite(.timeLimit(.minutes(1))) struct FirstObjectsTests {
    @Test func `what cannot be made holds nothing up, is told, and is made when it can be`() async throws {
        let options = APIServerOptions(
            durable: MemoryDatastore(), volatile: MemoryDatastore(), clientAuthorities: [],
            serviceAccountKeys: [try PrivateKey.generateP256()],
            serviceCIDR: try #require(IPPrefix("10.43.0.0/16")),
            advertiseAddress: try #require(IPAddress("192.0.2.1")), advertisePort: 6443,
            version: ["gitVersion": "v1.36.3+k3s1"])
        let server = try await APIServer.open(options)
        #expect(await server.bootstrap().isEmpty)

        let admin = server.client()
        let endpoints = Target(Endpoints.resource, namespace: "default", name: "kubernetes")
        // Of a step before that of the endpoints, and of one behind it.
        let others = [
            Target(.clusterRoles, name: "view"), Target(ConfigMap.resource, AccountTokenSecret.tracking),
        ]
        let configuration = Target(.validatingWebhookConfigurations, name: "down")
        _ = try await admin.create(
            Target(.validatingWebhookConfigurations), Self.unreachable(for: "endpoints"), WriteOptions())
        _ = try await admin.delete(endpoints, DeletionOptions())
        for other in others { _ = try await admin.delete(other, DeletionOptions()) }

        let failures = await server.bootstrap()
        #expect(failures.count == 1 && failures[0].summary.contains("poststarthook/bootstrap-controller"))
        for other in others { _ = try await admin.get(other) }
        await #expect(throws: Status.self) { try await admin.get(endpoints) }

        let (made, told) = AsyncStream.makeStream(of: ObjectName.self)
        let following = try await admin.observe(Endpoints.resource, .all).observe { change in
            if change.new != nil { told.yield(change.name) }
        }
        let running = Task { await server.run(reportingTo: Logger(label: "test")) }
        _ = try await admin.delete(configuration, DeletionOptions())
        for await present in made where present == endpoints.objectName { break }
        following.cancel()
        running.cancel()
        await running.value
        await server.close()
    }

    /// A webhook that nobody answers and that must be asked.
    private static func unreachable(for resource: String) -> Value {
        [
            "metadata": ["name": "down"],
            "webhooks": [
                [
                    "name": "down.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                    "failurePolicy": "Fail", "clientConfig": ["url": "https://127.0.0.1:1/"],
                    "rules": [
                        [
                            "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE"],
                            "resources": [.string(resource)],
                        ]
                    ],
                ]
            ],
        ]
    }
}
