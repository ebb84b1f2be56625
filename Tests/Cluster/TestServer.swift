import Glibc
import Host
import Support
import Testing

/// A `k3s server` of its own in a temporary folder, with its own `/etc/rancher`, on a port that was free.
final class TestServer: Sendable {
    let folder: String
    let port: Int
    private let process: ChildProcess

    /// The binary under test: `K3S_BINARY`, or the one that was built beside the tests.
    static var binary: String {
        if let path = Command.ownEnvironment["K3S_BINARY"] { return path }
        return Path.join(Path.parent(of: CommandLine.arguments[0]), "k3s")
    }

    private init(folder: String, port: Int, process: ChildProcess) {
        self.folder = folder
        self.port = port
        self.process = process
    }

    /// Makes a folder, starts a server, runs the test, and leaves nothing behind.
    static func with<R>(_ body: (TestServer) async throws -> R) async throws -> R {
        let folder = try makeFolder()
        let server = try await start(in: folder)
        do {
            let result = try await body(server)
            try await server.end(folder)
            return result
        } catch {
            try? await server.end(folder)
            throw error
        }
    }

    /// Starts a server over the state in `folder` and returns when it says that it is ready. `place` is a process whose
    /// mounts it sees.
    static func start(in folder: String, port: Int? = nil, place: ChildProcess? = nil) async throws -> TestServer {
        let port = try port ?? freePort()
        let arguments = [
            "server", "--disable-agent", "--data-dir", folder + "/data", "--https-listen-port", "\(port)",
            "--bind-address", "127.0.0.1", "--write-kubeconfig", folder + "/kubeconfig", "--node-ip", "127.0.0.1",
            "--log", folder + "/log",
        ]
        var command = isolated(folder, arguments)
        if let place {
            command = Command("/usr/bin/nsenter", ["-t", "\(place.pid)", "-m", command.executable] + command.arguments)
        }
        command.output = .null
        command.parentDeathSignal = .kill
        let process = try await command.start()
        let server = TestServer(folder: folder, port: port, process: process)
        try await server.waitUntilReady()
        return server
    }

    /// The binary in a mount namespace in which `/etc/rancher` is the folder's. `setting` is shell that comes first,
    /// `wrapper` what the binary is started by.
    static func isolated(
        _ folder: String, _ arguments: [String], setting: String = "true", wrapper: [String] = []
    ) -> Command {
        let quoted = (wrapper + [binary] + arguments).map { "'\($0)'" }.joined(separator: " ")
        let script = "mount --bind '\(folder)/etc' /etc/rancher && \(setting) && exec \(quoted)"
        return Command("/usr/bin/unshare", ["--mount", "sh", "-c", script])
    }

    static func makeFolder() throws -> String {
        var template = Array("/tmp/k3s-cluster-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Unready("no temporary folder can be made") }
        let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        try Files.makeDirectory(folder + "/etc")
        try Files.makeDirectory("/etc/rancher")
        return folder
    }

    // MARK: Using it

    /// Runs `kubectl` against the server, with `input` as a file on its standard input.
    func kubectl(_ arguments: String..., input: String? = nil) async throws -> Command.Output {
        try await kubectl(arguments, input: input)
    }

    func kubectl(_ arguments: [String], input: String? = nil) async throws -> Command.Output {
        var words = ["--kubeconfig", folder + "/kubeconfig"] + arguments
        if let input {
            let file = "\(folder)/input-\(UInt64.random(in: 0...UInt64.max)).yaml"
            try Files.write(Array(input.utf8), to: file)
            words += ["-f", file]
        }
        return try await Command("/usr/bin/kubectl", words).run(limit: .mebibytes(8))
    }

    func stop(_ signal: Signal) async throws -> Host.ExitStatus {
        try process.send(signal)
        return try await process.wait()
    }

    private func waitUntilReady() async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if Files.exists(folder + "/kubeconfig") {
                let answer = try await kubectl("get", "--raw", "/readyz")
                if answer.status.isSuccess { return }
            }
            guard process.identity != nil else { throw Unready("the server ended before it was ready") }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Unready("the server was not ready within a minute")
    }

    private func end(_ folder: String) async throws {
        if process.identity != nil { _ = try await stop(.terminate) }
        try Files.remove(folder)
    }

    static func freePort() throws -> Int { try TakenPort().number }

    /// Runs a start that cannot be to its end: at once, with one sentence, which is returned, and exit code 1.
    static func refusal(
        of command: Command, at location: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let begun = ContinuousClock.now
        let outcome = try await command.run()
        #expect(ContinuousClock.now - begun < .seconds(5), sourceLocation: location)
        #expect(outcome.status == .exited(1), "\(outcome.errorText)", sourceLocation: location)
        let lines = outcome.errorText.split(separator: "\n")
        // What it logged before goes to the same place.
        let sentences = lines.filter { $0.hasPrefix("k3s: ") }
        #expect(sentences.count == 1, "\(outcome.errorText)", sourceLocation: location)
        #expect(lines.last == sentences.first, "\(outcome.errorText)", sourceLocation: location)
        return sentences.first.map(String.init) ?? ""
    }
}

/// Why a server cannot be tested.
struct Unready: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
