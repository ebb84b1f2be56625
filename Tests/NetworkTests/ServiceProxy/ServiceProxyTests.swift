import API
import APIMachinery
import Logging
import Support
import Testing

@testable import Host
@testable import Network

/// The shell: from objects in a cluster to packets.
@Suite(.timeLimit(.minutes(1))) struct ServiceProxyTests {
    /// Runs the proxy of a world until `body` is done.
    private func withProxy(
        _ cluster: FakeCluster, _ world: NodeWorld, _ body: () async throws -> Void
    ) async throws {
        let proxy = ServiceProxy(client: cluster, options: world.options, log: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await proxy.run() }
            try await body()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Asks until the answer is the one.
    private func answers(
        _ answer: Conversation.Answer, from client: NetworkNamespace, _ address: String
    ) async throws {
        for _ in 0..<100 {
            if try Conversation.ask(from: client, address, port: 80, patience: 200) == answer { return }
            await Task.yield()
        }
        Issue.record("\(address) never answered \(answer)")
    }

    /// Nothing while the map is being replaced.
    private static func elements(_ map: String, _ world: NodeWorld) throws -> [Nftables.Socket.StoredElement]
    {
        do throws(Fault) {
            return try Nftables.Socket(in: world.node).elements(of: map, in: "k3s", .inet)
        } catch where error.code == .notFound {
            return []
        }
    }

    @Test func `services that are there, that come, change and go, are served`() async throws {
        let world = try NodeWorld(pods: 3)
        for pod in 1...2 { try world.serve(pod) }
        let cluster = FakeCluster()
        cluster.put(service("old", "10.43.0.7"))
        cluster.put(slice("old", world.endpoints(1)))
        try await withProxy(cluster, world) {
            let client = world.pods[2]
            try await answers(.from("pod-1 10.42.0.4"), from: client, "10.43.0.7")
            cluster.put(service("new", "10.43.0.8"))
            try await answers(.refused, from: client, "10.43.0.8")
            cluster.put(slice("new", world.endpoints(2)))
            try await answers(.from("pod-2 10.42.0.4"), from: client, "10.43.0.8")
            // A slice that changes sides concerns both.
            cluster.put(
                slice("new", world.endpoints(2)) { $0.metadata.labels = [SliceIndex.serviceLabel: "old"] })
            try await answers(.refused, from: client, "10.43.0.8")
            cluster.remove(EndpointSlice.self, ObjectName(namespace: "default", name: "old-1"))
            while try Self.elements("endpoints4", world).count != 1 { await Task.yield() }
        }
        // The rules stay.
        #expect(try Conversation.ask(from: world.pods[2], "10.43.0.7", port: 80) == .from("pod-2 10.42.0.4"))
        // A new process takes over, and what went in between is gone.
        cluster.remove(Service.self, ObjectName(namespace: "default", name: "new"))
        try await withProxy(cluster, world) {
            while try Self.elements("services4", world).count != 1 { await Task.yield() }
        }
    }

    @Test func `a table that somebody took away is made anew at the next change`() async throws {
        let world = try NodeWorld(pods: 2)
        try world.serve(1)
        let cluster = FakeCluster()
        cluster.put(service("web", "10.43.0.7"))
        cluster.put(slice("web", world.endpoints(1)))
        try await withProxy(cluster, world) {
            try await answers(.from("pod-1 10.42.0.3"), from: world.pods[1], "10.43.0.7")
            _ = try await world.node.output(of: "nft", "flush ruleset")
            cluster.put(service("other", "10.43.0.8"))
            try await answers(.refused, from: world.pods[1], "10.43.0.8")
            try await answers(.from("pod-1 10.42.0.3"), from: world.pods[1], "10.43.0.7")
        }
    }
}
