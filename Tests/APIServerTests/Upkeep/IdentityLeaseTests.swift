import API
import APIMachinery
import Client
import Support
import Testing

@testable import APIServer

/// The lease by which an API server tells that it is there.
@Suite(.timeLimit(.minutes(1))) struct IdentityLeaseTests {
    private static let now = Timestamp(seconds: 1_800_000_000)

    /// As Kubernetes names them.
    @Test(arguments: [
        ("server", "apiserver-qiczmurnxxy4duoopog2qwr2ru"),
        ("Node-1.example.com", "apiserver-xtumob35b42q6mubjtopl4szeq"),
    ])
    func `the lease has a name of the machine's`(hostname: String, name: String) {
        let identity = IdentityLease(hostname: hostname, run: "r")
        #expect(identity.name == ObjectName(namespace: "kube-system", name: name))
        let lease = identity.renewed(nil, at: Self.now)
        #expect(lease.objectName == identity.name)
        #expect(
            lease.metadata.labels
                == ["apiserver.kubernetes.io/identity": "kube-apiserver", "kubernetes.io/hostname": hostname])
        #expect(lease.spec.holderIdentity == name + "_r")
        #expect(lease.spec.leaseDurationSeconds == 3600)
        #expect(lease.spec.renewTime == Self.now)
    }

    @Test func `what others wrote into the lease stays`() {
        let identity = IdentityLease(hostname: "server", run: "r")
        var present = identity.renewed(nil, at: Self.now)
        present.metadata.labels["own"] = "1"
        present.spec.leaseTransitions = 3
        present.spec.holderIdentity = "another"
        let renewed = identity.renewed(present, at: Timestamp(seconds: Self.now.seconds + 60))
        #expect(renewed.metadata.labels["own"] == "1")
        #expect(renewed.spec.leaseTransitions == 3)
        #expect(renewed.spec.holderIdentity == identity.name.name + "_r")
        #expect(renewed.spec.renewTime == Timestamp(seconds: Self.now.seconds + 60))
    }

    private static func lease(
        _ name: String, namespace: String = "kube-system", component: String? = "kube-apiserver", age: Int64?,
        lifetime: Int? = 3600, now: Timestamp = IdentityLeaseTests.now
    ) -> Lease {
        var lease = Lease(namespace: namespace, name: name)
        if let component { lease.metadata.labels = ["apiserver.kubernetes.io/identity": component] }
        lease.spec.renewTime = age.map { Timestamp(seconds: now.seconds - $0) }
        lease.spec.leaseDurationSeconds = lifetime
        return lease
    }

    private static let leases: [(Lease, Bool)] = [
        (lease("a", age: 3601), true), (lease("a", age: 3600), false), (lease("a", age: -10), false),
        (lease("a", age: nil), true), (lease("a", age: 1, lifetime: nil), true), (lease("a", age: 20, lifetime: 10), true),
        (lease("a", namespace: "default", age: 9999), false), (lease("a", component: nil, age: 9999), false),
        (lease("a", component: "extension", age: 9999), false),
    ]

    @Test(arguments: leases)
    func `a lease that was not renewed is that of a server which is gone`(lease: Lease, isForsaken: Bool) {
        #expect(IdentityLease.isForsaken(lease, at: Self.now) == isForsaken)
    }

    @Test func `the lease is there as long as the server runs, and those of others go when they are over`() async throws {
        try await TestAPI.run({ $0.hostname = "server" }) { api in
            let client = api.server.client()
            let name = IdentityLease(hostname: "server", run: "").name
            let made = try await Self.wait(client, name) { $0 != nil }
            #expect(made?.metadata.labels["kubernetes.io/hostname"] == "server")
            try await client.create(Self.lease("gone", age: 9999, now: .now))
            try await client.create(Self.lease("there", age: 9, now: .now))
            try await client.delete(Lease.self, name)
            let again = try await Self.wait(client, name) { $0 != nil && $0?.metadata.uid != made?.metadata.uid }
            #expect(again?.spec.holderIdentity == made?.spec.holderIdentity)
            try await Self.wait(client, ObjectName(namespace: "kube-system", name: "gone")) { $0 == nil }
            _ = try await client.get(Lease.self, ObjectName(namespace: "kube-system", name: "there"))
        }
    }

    @discardableResult
    private static func wait(
        _ client: LocalClient, _ name: ObjectName, until condition: (Lease?) -> Bool
    ) async throws -> Lease? {
        let set = try await client.observe(Lease.self)
        let (changes, bell) = AsyncStream.makeStream(of: Void.self)
        let observation = set.observe { _ in bell.yield() }
        defer { observation.cancel() }
        bell.yield()
        for await _ in changes {
            let present = set.get(Lease.self, name)
            if condition(present) { return present }
        }
        return nil
    }
}
