import APIMachinery
import Host
public import Support
import Wire

extension DockerRuntime {
    /// So much of what a command prints is kept, of either stream; containerd's figure.
    private static let outputLimit = 16 << 20

    public func execSync(
        _ id: String, _ command: [String], timeout: Duration?
    ) async throws(Fault) -> CRI.ExecSyncResponse {
        let made = try await client.makeCommand(id, command, CRI.Streams())
        let client = client
        guard let timeout else { return try await Self.run(made, client) }
        if let answer = try await withTimeLimit(timeout, { () throws(Fault) in try await Self.run(made, client) }) {
            return answer
        }
        // Docker has no word for ending a command.
        let running = try await client.command(made)
        if running["Running"]?.bool == true, let pid = running["Pid"]?.integer, pid > 0,
            let process = ProcessIdentity(pid: Int32(clamping: pid))
        {
            try process.send(.kill)
        }
        throw Fault(.timedOut, "\(command.first ?? "nothing") in the container \(id) did not end within \(timeout)")
    }

    private static func run(_ command: String, _ client: DockerClient) async throws(Fault) -> CRI.ExecSyncResponse {
        let process = try await client.startCommand(command, isTerminal: false)
        var (frames, response) = (DockerFrames(), CRI.ExecSyncResponse())
        do {
            while let bytes = try await process.read() {
                for part in frames.take(bytes) {
                    if part.stream == .stdout {
                        response.stdout += part.bytes.prefix(outputLimit - response.stdout.count)
                    } else {
                        response.stderr += part.bytes.prefix(outputLimit - response.stderr.count)
                    }
                }
            }
        } catch {
            await process.close()
            throw Fault(.unavailable, "the output of a command broke off", cause: error)
        }
        await process.close()
        response.exitCode = try await client.exitCode(ofCommand: command)
        return response
    }

    public func exec(_ id: String, _ command: [String], _ streams: CRI.Streams) async throws(Fault) -> String {
        try streaming.url(for: .exec(container: id, command: command, streams))
    }

    public func attach(_ id: String, _ streams: CRI.Streams) async throws(Fault) -> String {
        try streaming.url(for: .attach(container: id, streams))
    }

    public func portForward(_ sandbox: String) async throws(Fault) -> String {
        try streaming.url(for: .forward(sandbox: sandbox))
    }
}
