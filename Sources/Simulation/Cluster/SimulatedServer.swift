import APIMachinery
import APIServer
import Client
import Datastore
import Logging
import PKI
import Support
import Synchronization

/// The API server of a simulated cluster: as in the product but for its listeners. It can be killed at any instant and
/// started again from its disk.
final class SimulatedServer: Sendable {
    private struct Life {
        var server: APIServer
        var connections: [DiskConnection]
    }

    /// On while there is a server that answers.
    let isUp = Switch(false)
    private let world: World
    private let disk: Disk
    private let randomness: Randomness
    private let keys: [PrivateKey]
    private let log: Logger
    private let life = Mutex<Life?>(nil)

    /// `keys` sign the tokens of service accounts.
    init(_ world: World, _ disk: Disk, keys: [PrivateKey], log: Logger) {
        self.world = world
        self.disk = disk
        self.keys = keys
        self.log = log
        let dice = world.dice("identifiers")
        randomness = Randomness { dice.bits() }
    }

    /// Opens a server on the disk, with all that every cluster has.
    func start() async throws(Fault) {
        let connection = disk.connect()
        // Above everything given out before, as in the product.
        let volatile = DiskConnection(MemoryDatastore(startingAt: world.now().seconds * 1000))
        let server = try await APIServer.open(options(durable: connection, volatile: volatile))
        await server.bootstrap()
        life.withLock { $0 = Life(server: server, connections: [connection, volatile]) }
        isUp.turn(true)
    }

    /// The power fails: what was under way fails, also where it was done. The server's own parts are to be ended by
    /// whoever runs them.
    func kill() {
        isUp.turn(false)
        let connections = life.withLock { life in
            defer { life = nil }
            return life?.connections ?? []
        }
        for connection in connections { connection.cut() }
    }

    /// What the server does by itself, until the task is cancelled.
    func run() async { await life.withLock(\.self)?.server.run(reportingTo: log) }

    /// The server, while there is one.
    var present: APIServer? { life.withLock { $0?.server } }

    /// The way to the server; fails while it is down.
    func client(as user: User, observingAs observer: User? = nil) throws(Status) -> LocalClient {
        guard let present else { throw .serviceUnavailable("connection refused") }
        return present.client(as: user, observingAs: observer)
    }

    private func options(durable: any Datastore, volatile: any Datastore) throws(Fault) -> APIServerOptions {
        guard let services = IPPrefix("10.43.0.0/16"), let address = IPAddress("10.0.0.1") else {
            throw Fault(.invalid, "the addresses of the simulated cluster cannot be read")
        }
        var options = APIServerOptions(
            durable: durable, volatile: volatile, clientAuthorities: [], serviceAccountKeys: keys,
            serviceCIDR: services, advertiseAddress: address, advertisePort: 6443,
            version: ["gitVersion": "v1.36.3+k3s1"])
        // There are no requests over HTTP that would have to wait for their turn.
        options.sharesFairly = false
        options.now = world.now
        options.clock = world.clock
        options.randomness = randomness
        return options
    }
}
