import APIMachinery
import Support
import Wire

extension DockerClient {
    /// Makes a command in a running container, and does not start it; returns its id.
    func makeCommand(_ container: String, _ command: [String], _ streams: CRI.Streams) async throws(Fault) -> String {
        let what = "cannot run \(command.first ?? "nothing") in the container \(container)"
        let body: Value = [
            "Cmd": Value(command), "AttachStdin": .bool(streams.stdin), "AttachStdout": .bool(streams.stdout),
            "AttachStderr": .bool(streams.stderr), "Tty": .bool(streams.isTerminal),
        ]
        let answer = try await call(.post, "/containers/\(container)/exec", body: body, what)
        guard let id = answer["Id"]?.string else { throw Fault(.corrupt, "\(what): Docker tells no id") }
        return id
    }

    func startCommand(_ id: String, isTerminal: Bool) async throws(Fault) -> any ByteStream {
        try await hijack(
            "/exec/\(id)/start", body: ["Detach": false, "Tty": .bool(isTerminal)], "cannot start a command")
    }

    func attach(_ container: String, _ streams: CRI.Streams) async throws(Fault) -> any ByteStream {
        var query = [("stream", "1")]
        for (name, isWanted) in [("stdin", streams.stdin), ("stdout", streams.stdout), ("stderr", streams.stderr)] {
            query.append((name, isWanted ? "1" : "0"))
        }
        return try await hijack(
            "/containers/\(container)/attach", query: query, body: .emptyObject,
            "cannot attach to the container \(container)")
    }

    /// How a command whose output has ended has ended itself. Docker takes note of that a moment later, and tells nobody who
    /// could wait for it.
    func exitCode(ofCommand id: String) async throws(Fault) -> Int32 {
        let start = ContinuousClock.now
        var pause = Duration.milliseconds(1)
        while true {
            let command = try await self.command(id)
            if command["Running"]?.bool != true { return Int32(clamping: command["ExitCode"]?.integer ?? 0) }
            // One that closed its output and runs on is none of ours to wait for.
            guard ContinuousClock.now - start < .seconds(10) else {
                throw Fault(.timedOut, "the command has ended its output and runs on")
            }
            do { try await Task.sleep(for: pause) } catch {
                throw Fault(.unavailable, "nobody waits for the command any more", cause: error)
            }
            pause = min(pause * 2, .milliseconds(100))
        }
    }

    func command(_ id: String) async throws(Fault) -> Value {
        try await call(.get, "/exec/\(id)/json", "cannot look at a command")
    }
}
