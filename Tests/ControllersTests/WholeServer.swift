import API
import APIMachinery
import APIServer
import Client
import Datastore
import PKI
import Support
import Testing

/// Runs `body` on a whole API server in memory, with the namespace `default` and its service account.
func withServer(
    now: (@Sendable () -> Timestamp)? = nil, _ body: (APIServer) async throws -> Void
) async throws {
    var options = APIServerOptions(
        durable: MemoryDatastore(), volatile: MemoryDatastore(), clientAuthorities: [],
        serviceAccountKeys: [try PrivateKey.generateP256()], serviceCIDR: try #require(IPPrefix("10.43.0.0/16")),
        advertiseAddress: try #require(IPAddress("127.0.0.1")), advertisePort: 6443,
        version: ["gitVersion": "v1.36.3+k3s1"])
    if let now { options.now = now }
    let server = try await APIServer.open(options)
    await server.bootstrap()
    try await server.client().create(ServiceAccount(namespace: "default", name: "default"))
    try await body(server)
    await server.close()
}

extension APIServer {
    /// What a controller of this name is given: its own rights to write, those of all of them to observe.
    func controllerClient(_ account: String) -> LocalClient {
        client(as: .serviceAccount(namespace: "kube-system", name: account), observingAs: .controllerManager)
    }
}

/// Waits until the object is as `condition` wants it: `nil` stands for none. Ends with the test's own time limit.
@discardableResult
func wait<R: ResourceView>(
    for _: R.Type, _ name: ObjectName, _ client: some Client, until condition: (R?) -> Bool
) async throws -> R? {
    let set = try await client.observe(R.self)
    let (changes, bell) = AsyncStream.makeStream(of: Void.self)
    let observation = set.observe { _ in bell.yield() }
    defer { observation.cancel() }
    bell.yield()
    for await _ in changes {
        let object = set.get(R.self, name)
        if condition(object) { return object }
    }
    return nil
}

/// Waits until there is an object, whatever its name, as `condition` wants it.
func wait<R: ResourceView>(among _: R.Type, _ client: some Client, until condition: (R) -> Bool) async throws {
    let set = try await client.observe(R.self)
    let (changes, bell) = AsyncStream.makeStream(of: Void.self)
    let observation = set.observe { _ in bell.yield() }
    defer { observation.cancel() }
    bell.yield()
    for await _ in changes where set.list(namespace: nil).contains(where: { condition(R($0.value)) }) { return }
}
