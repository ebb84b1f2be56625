import Kubelet
import Logging
import Runtime
import Support
import Synchronization
import Wire

/// A runtime without containers: it tells the statuses that it is given, and its streaming server speaks SPDY as
/// containerd's does. A command reads its input to the end and prints it backwards.
final class StreamingRuntime: RuntimeService {
    private struct State {
        var containers: [String: CRI.ContainerStatus] = [:]
        var listeners: [Int: AsyncStream<ContainerEvent>.Continuation] = [:]
        var nextListener = 0
        var commands: [[String]] = []
        var checkpoints: [Checkpoint] = []
        var makesCheckpoints = true
    }

    /// One that was asked for.
    struct Checkpoint: Hashable {
        var id: String
        var path: String
        var timeout: Duration
    }

    private let state = Mutex(State())
    private let origin = Mutex("")

    /// The commands that were asked for.
    var commands: [[String]] { state.withLock { $0.commands } }

    var checkpoints: [Checkpoint] { state.withLock { $0.checkpoints } }

    // MARK: What a test says

    func add(_ id: String, logPath: String, state containerState: CRI.ContainerState = .running) {
        var status = CRI.ContainerStatus()
        status.id = id
        status.logPath = logPath
        status.state = containerState
        state.withLock { $0.containers[id] = status }
    }

    /// From now on it is a runtime without this method.
    func refuseCheckpoints() { state.withLock { $0.makesCheckpoints = false } }

    /// The container has ended, and everybody who listens hears of it.
    func end(_ id: String) {
        let listeners = state.withLock { state in
            state.containers[id]?.state = .exited
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.yield(ContainerEvent(.exited, id)) }
    }

    /// Serves streams on a free loopback port while `body` runs.
    func serve(_ body: () async throws -> Void) async throws {
        let server = HTTPServer(handler: StreamingServer(), log: Logger(label: "streaming"))
        let address = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0))
        origin.withLock { $0 = "http://\(address)" }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            do {
                try await body()
            } catch {
                await server.stop(within: .zero)
                throw error
            }
            await server.stop(within: .zero)
        }
    }

    // MARK: RuntimeService

    func exec(_ id: String, _ command: [String], _ streams: CRI.Streams) async throws(Fault) -> String {
        guard command.first != "missing" else { throw Fault(.failed, "cannot run missing") }
        state.withLock { $0.commands.append(command) }
        return origin.withLock { $0 } + "/command?\(streams.query)"
    }

    func attach(_ id: String, _ streams: CRI.Streams) async throws(Fault) -> String {
        origin.withLock { $0 } + "/command?\(streams.query)"
    }

    func portForward(_ sandbox: String) async throws(Fault) -> String { origin.withLock { $0 } + "/forward" }

    func containerStatus(_ id: String) async throws(Fault) -> CRI.ContainerStatus {
        guard let status = state.withLock({ $0.containers[id] }) else { throw Fault(.notFound, "no container \(id)") }
        return status
    }

    func listPodSandboxes(_ filter: CRI.PodSandboxFilter) async throws(Fault) -> [CRI.PodSandbox] {
        var sandbox = CRI.PodSandbox()
        sandbox.id = "sandbox"
        sandbox.labels = filter.labelSelector
        return [sandbox]
    }

    func listContainerStats(_ filter: CRI.ContainerStatsFilter) async throws(Fault) -> [CRI.ContainerStats] { [] }

    func checkpointContainer(_ id: String, to path: String, timeout: Duration) async throws(Fault) {
        let checkpoint = Checkpoint(id: id, path: path, timeout: timeout)
        let isMade = state.withLock { state in
            if state.makesCheckpoints { state.checkpoints.append(checkpoint) }
            return state.makesCheckpoints
        }
        guard isMade else {
            throw Fault("cannot checkpoint", GRPCStatus(.unimplemented, "unknown method CheckpointContainer"))
        }
    }

    /// `fail` fails; all others tell what they were.
    func execSync(
        _ id: String, _ command: [String], timeout: Duration?
    ) async throws(Fault) -> CRI.ExecSyncResponse {
        var response = CRI.ExecSyncResponse()
        if command.first == "fail" {
            response.exitCode = 3
            response.stderr = Array("no way".utf8)
        } else {
            response.stdout = Array(command.joined(separator: "|").utf8)
            response.stderr = Array(command.count > 1 ? "!".utf8 : "".utf8)
        }
        return response
    }

    func containerEvents(
        ready: @Sendable () async -> Void, _ body: @Sendable (ContainerEvent) async -> Void
    ) async throws(Fault) {
        let (events, listener) = AsyncStream.makeStream(of: ContainerEvent.self)
        let number = state.withLock { state in
            state.nextListener += 1
            state.listeners[state.nextListener] = listener
            return state.nextListener
        }
        await ready()
        for await event in events { await body(event) }
        state.withLock { $0.listeners[number] = nil }
    }

    // MARK: What nobody asks here

    private var unbuilt: Fault { Fault(.unsupported, "this runtime streams and does nothing else") }

    func version() async throws(Fault) -> CRI.Version { throw unbuilt }
    func status() async throws(Fault) -> CRI.StatusResponse { throw unbuilt }
    func runPodSandbox(_ config: CRI.PodSandboxConfig, handler: String) async throws(Fault) -> String { throw unbuilt }
    func stopPodSandbox(_ id: String) async throws(Fault) { throw unbuilt }
    func removePodSandbox(_ id: String) async throws(Fault) { throw unbuilt }
    func podSandboxStatus(_ id: String) async throws(Fault) -> CRI.PodSandboxStatus { throw unbuilt }
    func createContainer(
        in sandbox: String, _ config: CRI.ContainerConfig, sandboxConfig: CRI.PodSandboxConfig
    ) async throws(Fault) -> String { throw unbuilt }
    func startContainer(_ id: String) async throws(Fault) { throw unbuilt }
    func stopContainer(_ id: String, timeout: Duration) async throws(Fault) { throw unbuilt }
    func removeContainer(_ id: String) async throws(Fault) { throw unbuilt }
    func listContainers(_ filter: CRI.ContainerFilter) async throws(Fault) -> [CRI.Container] { throw unbuilt }
    func updateContainerResources(
        _ id: String, _ resources: CRI.LinuxContainerResources, annotations: [String: String]
    ) async throws(Fault) { throw unbuilt }
    func reopenContainerLog(_ id: String) async throws(Fault) { throw unbuilt }
    func containerStats(_ id: String) async throws(Fault) -> CRI.ContainerStats { throw unbuilt }
    func podSandboxStats(_ id: String) async throws(Fault) -> CRI.PodSandboxStats { throw unbuilt }
}

extension CRI.Streams {
    fileprivate var query: String { "in=\(stdin)&out=\(stdout)&err=\(stderr)&tty=\(isTerminal)" }
}

/// The streaming server, for SPDY alone.
private struct StreamingServer: HTTPHandler {
    static let success = Array(#"{"metadata":{},"status":"Success"}"#.utf8)

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        exchange.run {
            guard request.headers.lists("SPDY/3.1", in: "Upgrade") else {
                return exchange.respond(.badRequest, [:], Array("only SPDY is spoken here".utf8))
            }
            let offered = request.headers.values(of: "X-Stream-Protocol-Version")
            let stream = try await exchange.upgrade([
                "Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": offered.first ?? "",
            ])
            if request.path == "/forward" {
                try await SPDYSession.run(over: stream, role: .server, body: Self.forward)
            } else {
                let wanted = RemoteCommandStreams.Wanted(request.query)
                try await SPDYSession.run(over: stream, role: .server) { session in
                    try await Self.command(try await RemoteCommandStreams.accept(over: session, wanted))
                }
            }
        }
    }

    @Sendable private static func command(_ streams: RemoteCommandStreams) async throws {
        try await streams.stderr?.write(Array("ready".utf8))
        var input: [UInt8] = []
        while input.last != UInt8(ascii: "!"), let bytes = try await streams.stdin?.read() { input += bytes }
        try await streams.stdout?.write(input.reversed())
        try await streams.error.write(success)
        try await streams.error.closeWrite()
    }

    @Sendable private static func forward(_ session: SPDYSession) async throws {
        var acceptor = PortForwardAcceptor(session)
        while let connection = try await acceptor.next() {
            var input: [UInt8] = []
            while let bytes = try await connection.data.read() { input += bytes }
            try await connection.data.write(Array("\(connection.port):".utf8) + input.reversed())
            try await connection.data.closeWrite()
            try await connection.error.closeWrite()
        }
    }
}

extension RemoteCommandStreams.Wanted {
    fileprivate init(_ query: HTTPQuery) {
        self.init(
            stdin: query["in"] == "true", stdout: query["out"] == "true", stderr: query["err"] == "true",
            resize: query["tty"] == "true")
    }
}
