import API
import APIMachinery
import Client
import Glibc
import Host
import HostTestSupport
import Logging
import Runtime
import Support
import Synchronization

@testable import Kubelet

/// A folder for plug-ins, an API, and drivers behind sockets at which nobody listens: what they answer is scripted.
final class PluginWorld: Sendable {
    /// What the program behind a socket says of itself, and what it is told.
    final class Registrar: PluginRegistrar {
        let answer: Mutex<Result<PluginInfo, Fault>>
        let verdicts: AsyncStream<String?>
        private let told: AsyncStream<String?>.Continuation

        init(_ info: PluginInfo) {
            answer = Mutex(.success(info))
            (verdicts, told) = AsyncStream.makeStream()
        }

        func info() async throws(Fault) -> PluginInfo { try answer.withLock(\.self).get() }
        func notify(error: String?) async throws(Fault) { told.yield(error) }

        /// What it is told next: `nil` for success.
        func verdict() async -> String? {
            for await verdict in verdicts { return verdict }
            return "nothing"
        }
    }

    let root: String
    let client = MemoryClient()
    let drivers = CSIDrivers()
    private let registrars = Mutex<[String: Registrar]>([:])
    /// By endpoint.
    private let services = Mutex<[String: ScriptedDriver]>([:])

    var folder: String { root + "/plugins_registry" }

    private init(root: String) { self.root = root }

    /// Runs the registry of a node while `body` runs.
    static func run(_ body: @escaping @Sendable (PluginWorld) async throws -> Void) async throws {
        let root = "/tmp/kubelet-plugins-\(UInt32.random(in: 0...UInt32.max))"
        let world = PluginWorld(root: root)
        try Files.makeDirectory(world.folder)
        defer { try? Files.remove(root) }
        var node = Node(name: "n1")
        node.metadata.uid = "uid-n1"
        world.client.put(node)
        try await world.live { try await body(world) }
    }

    /// Runs a registry that knows nothing yet while `body` runs.
    func live(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let node = StorageNodeKeeper(client: client, nodeName: "n1", drivers: drivers, log: log)
        let handler = CSIRegistration(drivers: drivers, node: node, came: { _ in }) { self.service($0) }
        let registry = PluginRegistry(
            folder: folder, handlers: ["CSIPlugin": handler], log: log, firstPause: .milliseconds(1)
        ) { self.registrar($0) }
        try await withThrowingTaskGroup { group in
            group.addTask { await node.run() }
            group.addTask { await registry.run() }
            group.addTask { try await body() }
            // The body ends first.
            try await group.next()
            group.cancelAll()
        }
    }

    private func registrar(_ socket: String) -> any PluginRegistrar {
        registrars.withLock { $0[Path.name(of: socket)] } ?? Registrar(PluginInfo())
    }

    private func service(_ endpoint: String) -> any CSINodeService {
        services.withLock { $0[endpoint] } ?? ScriptedDriver()
    }

    /// A program makes its socket, at a place below the folder.
    @discardableResult
    func plug(
        _ socket: String, _ name: String, _ driver: ScriptedDriver = ScriptedDriver(), type: String = "CSIPlugin",
        versions: [String] = ["1.0.0"]
    ) throws -> Registrar {
        var info = PluginInfo()
        (info.type, info.name, info.supportedVersions) = (type, name, versions)
        info.endpoint = "/plugins/\(name)/csi.sock"
        let registrar = Registrar(info)
        registrars.withLock { $0[Path.name(of: socket)] = registrar }
        services.withLock { $0[info.endpoint] = driver }
        let path = Path.join(folder, socket)
        try Files.makeDirectory(Path.parent(of: path))
        try Self.makeSocket(path)
        return registrar
    }

    func unplug(_ socket: String) throws { try Files.remove(Path.join(folder, socket)) }

    /// Suspends until the CSINode satisfies the condition; `nil` stands for one that is not there.
    func untilStorageNode(_ condition: @escaping @Sendable (CSINode?) -> Bool) async throws {
        try await until(CSINode.self, condition)
    }

    func untilNode(_ condition: @escaping @Sendable (Node?) -> Bool) async throws {
        try await until(Node.self, condition)
    }

    private func until<R: ResourceView>(_: R.Type, _ condition: @escaping @Sendable (R?) -> Bool) async throws {
        let set = try await client.observe(R.self)
        let (news, input) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let observation = set.observe { _ in input.yield() }
        defer { observation.cancel() }
        input.yield()
        for await _ in news where condition(set.get(R.self, ObjectName(name: "n1"))) { return }
    }

    /// The file of a socket.
    static func makeSocket(_ path: String) throws { close(try TestSocket.bind(path)) }
}
