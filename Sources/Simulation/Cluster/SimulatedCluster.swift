import APIMachinery
import APIServer
import Client
import Controllers
import Datastore
import Logging
import PKI
import Scheduler
import Support

/// A whole cluster: the API server on its disk, the controllers, the scheduler, and nodes.
final class SimulatedCluster: Sendable {
    let world: World
    let disk: Disk
    let server: SimulatedServer
    /// The weather between the control plane's parts, and between the nodes and the server.
    let weather: Weather
    let nodes: [SimulatedNode]
    /// What runs in the server's process: it dies with the server.
    let controlPlane: [Part]
    /// The last of them.
    let scheduler: Part
    /// A second run of each controller, for a moment: two servers that both believe to lead.
    let doubles: [Part]
    /// The nodes' kubelets, in the order of the nodes.
    let kubelets: [Part]
    private let serverPart: Part
    private let log: Logger

    /// `times` is told how long each request of a part took, by the clock on the wall.
    init(
        _ world: World, nodes count: Int, _ image: BootImage, _ witness: Witness, log: Logger, times: CallTimes? = nil
    ) {
        self.world = world
        self.log = log
        let disk = Disk(holding: image.entries)
        let server = SimulatedServer(world, disk, keys: image.keys, log: log)
        let weather = Weather(world.dice("weather"))
        let nodes = (1...count).map { number in
            let way = { @Sendable () throws(Status) -> any Client in try server.client(as: .node("node-\(number)")) }
            return SimulatedNode(
                number, world,
                UnreliableClient(way: way, weather: weather, world: world, isUp: server.isUp, times: times), witness)
        }
        let links = Links(world: world, nodes: count, server: server, weather: weather, log: log, times: times)
        scheduler = links.scheduler
        controlPlane = links.parts("") + [scheduler]
        doubles = links.parts("second ")
        kubelets = nodes.map { node in Part(node.name) { await node.run() } }
        serverPart = Part("server") { await server.run() }
        (self.disk, self.server, self.weather, self.nodes) = (disk, server, weather, nodes)
    }

    /// Starts everything, then runs `body` until it returns.
    func run<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        try await server.start()
        let parts = [serverPart] + controlPlane + doubles + kubelets
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            for part in parts {
                group.addTask {
                    await part.run()
                    return nil
                }
            }
            for part in [serverPart] + controlPlane + kubelets { part.start() }
            group.addTask { try await body() }
            defer {
                group.cancelAll()
                server.kill()
            }
            while let result = try await group.next() { if let result { return result } }
            throw Fault(.failed, "the simulated cluster ended by itself")
        }
    }

    /// The administrator, whose way is always good. Fails while the server is down.
    func admin() throws(Status) -> LocalClient { try server.client(as: .apiServer) }

    /// Kills the server's process with all that runs in it, and starts it again after a while.
    func restartServer(after pause: Duration) async throws(Fault) {
        server.kill()
        for part in [serverPart] + controlPlane + doubles { await part.kill() }
        await world.pause(pause)
        try await server.start()
        for part in [serverPart] + controlPlane { part.start() }
    }
}

/// Makes the control plane's parts.
private struct Links: Sendable {
    let world: World
    let nodes: Int
    let server: SimulatedServer
    let weather: Weather
    let log: Logger
    let times: CallTimes?

    func parts(_ prefix: String) -> [Part] {
        ControllerRoster.entries.map { entry in
            Part(prefix + entry.account) { await run(entry) }
        }
    }

    private func run(_ entry: ControllerRoster.Entry) async {
        guard let api = server.present else { return }
        let client = unreliable(
            api.client(
                as: .serviceAccount(namespace: "kube-system", name: entry.account), observingAs: .controllerManager))
        let events = EventRecorder(client, component: "controller-manager")
        let context = ControllerContext(client: client, events: events, log: log, clock: world.clock, now: world.now)
        await ControllerGroup(entry.make(.init(api: api, now: world.now, nodes: nodes))).run(context)
    }

    var scheduler: Part {
        Part("scheduler") {
            // One that cannot begin is started again by its process.
            while !Task.isCancelled, let api = server.present {
                let client = unreliable(api.client(as: .scheduler))
                do throws(Status) {
                    try await Scheduler(
                        client: client, log: log, clock: world.clock, random: SeededRandom(seed: world.seed), now: world.now
                    ).run()
                } catch {
                    await world.pause(.seconds(1))
                }
            }
        }
    }

    private func unreliable(_ client: LocalClient) -> UnreliableClient {
        UnreliableClient(
            way: { () throws(Status) in client }, weather: weather, world: world, isUp: server.isUp, times: times)
    }
}
