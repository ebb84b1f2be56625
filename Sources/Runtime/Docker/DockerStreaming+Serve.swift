import APIMachinery
import Host
import Support
import Wire

extension DockerStreaming {
    /// A conversation of which Docker knows: what can fail before the client is promised anything has not.
    struct Talk: Sendable {
        enum Kind: Sendable {
            /// Of a command that was made and not started, or of the container's own process.
            case exec(id: String)
            case attach(container: String)
            /// The network namespace; `nil` for the node's own.
            case forward(namespace: String?)
        }

        var kind: Kind
        var streams = CRI.Streams()
        /// Whether the process has a terminal, whatever the client has.
        var isTerminal = false

        var isForwarding: Bool { if case .forward = kind { true } else { false } }
    }

    func prepare(_ conversation: Conversation) async throws(Fault) -> Talk {
        switch conversation {
        case .exec(let container, let command, let streams):
            let id = try await client.makeCommand(container, command, streams)
            return Talk(kind: .exec(id: id), streams: streams, isTerminal: streams.isTerminal)
        case .attach(let container, let streams):
            let inspected = try await client.inspect(container)
            return Talk(
                kind: .attach(container: container), streams: streams,
                isTerminal: inspected.at("Config", "Tty")?.bool == true)
        case .forward(let sandbox):
            let inspected = try await client.inspect(sandbox)
            guard let namespace = DockerRuntime.networkNamespace(inspected) else {
                throw Fault(.unavailable, "the sandbox \(sandbox) is not running")
            }
            return Talk(kind: .forward(namespace: namespace))
        }
    }

    /// Returns when the command, or the client, has ended.
    func serve(_ talk: Talk, over carrier: StreamingCarrier) async throws {
        if case .forward(let namespace) = talk.kind {
            return try await forward(over: carrier, into: namespace ?? "/proc/self/ns/net")
        }
        let (streams, isTerminal) = (talk.streams, talk.streams.isTerminal)
        let wanted = RemoteCommandStreams.Wanted(
            stdin: streams.stdin, stdout: streams.stdout, stderr: streams.stderr, resize: isTerminal)
        switch carrier {
        case .spdy(let stream):
            try await SPDYSession.run(over: stream, role: .server) { session in
                try await self.run(talk, try await RemoteCommandStreams.accept(over: session, wanted))
            }
        case .webSocket(let webSocket, let format):
            try await RemoteCommandStreams.serve(over: webSocket, format: format, wanted) { streams in
                try await self.run(talk, streams)
            }
        case .tunnel(let webSocket): await webSocket.close()
        }
    }

    // MARK: Commands

    private func run(_ talk: Talk, _ streams: RemoteCommandStreams) async throws {
        let outcome: Value
        do throws(Fault) {
            switch talk.kind {
            case .exec(let id):
                let process = try await client.startCommand(id, isTerminal: talk.isTerminal)
                await carry(streams, process, talk, sizes: "/exec/\(id)/resize")
                outcome = StreamOutcome.exited(try await client.exitCode(ofCommand: id))
            case .attach(let container):
                let process = try await client.attach(container, talk.streams)
                await carry(streams, process, talk, sizes: "/containers/\(container)/resize")
                outcome = StreamOutcome.success
            case .forward: return
            }
        } catch {
            outcome = StreamOutcome.failed(error.summary)
        }
        try await streams.stdout?.closeWrite()
        try await streams.stderr?.closeWrite()
        try await streams.error.write(outcome.json)
        try await streams.error.closeWrite()
    }

    /// Carries bytes both ways until the process has ended its output, or the client is gone; then the process' side closes.
    private func carry(
        _ streams: RemoteCommandStreams, _ process: any ByteStream, _ talk: Talk, sizes path: String
    ) async {
        await withTaskGroup(of: Bool.self) { group in
            if let stdin = streams.stdin {
                group.addTask {
                    // A process may end without having read its input.
                    try? await Self.feed(process, from: stdin)
                    return false
                }
            }
            if let resize = streams.resize {
                group.addTask {
                    try? await self.follow(resize, path)
                    return false
                }
            }
            group.addTask {
                try? await Self.show(process, to: streams, isTerminal: talk.isTerminal)
                return true
            }
            while let hasEnded = await group.next(), !hasEnded {}
            group.cancelAll()
        }
        await process.close()
    }

    private static func feed(_ process: any ByteStream, from stdin: any ByteStream) async throws {
        while let bytes = try await stdin.read() { try await process.write(bytes) }
        try await process.closeWrite()
    }

    private static func show(
        _ process: any ByteStream, to streams: RemoteCommandStreams, isTerminal: Bool
    ) async throws {
        var frames = DockerFrames()
        while let bytes = try await process.read() {
            guard !isTerminal else {
                try await streams.stdout?.write(bytes)
                continue
            }
            for part in frames.take(bytes) {
                try await (part.stream == .stdout ? streams.stdout : streams.stderr)?.write(part.bytes)
            }
        }
    }

    /// Each size is an object, `{"Width":80,"Height":24}`; they may come together or in pieces.
    private func follow(_ resize: any ByteStream, _ path: String) async throws {
        var sizes = TerminalSizes()
        while let bytes = try await resize.read() {
            for size in sizes.take(bytes) {
                // A process that has ended, or not begun, has no terminal.
                _ = try? await client.call(
                    .post, path, query: [("w", "\(size.width)"), ("h", "\(size.height)")],
                    "cannot set a terminal's size")
            }
        }
    }

    // MARK: Ports

    private func forward(over carrier: StreamingCarrier, into namespace: String) async throws {
        let stream: any ByteStream
        switch carrier {
        case .spdy(let raw): stream = raw
        case .tunnel(let webSocket): stream = WebSocketByteStream(webSocket)
        case .webSocket(let webSocket, _): return await webSocket.close()
        }
        try await SPDYSession.run(over: stream, role: .server) { session in
            try await withThrowingDiscardingTaskGroup { group in
                var connections = PortForwardAcceptor(session)
                while let connection = try await connections.next() {
                    group.addTask { await Self.join(connection, into: namespace) }
                }
            }
        }
    }

    private static func join(_ connection: PortForwardConnection, into namespace: String) async {
        do {
            let port = connection.port
            let socket = try await BlockingWork.run { () throws(Fault) in
                try NetworkNamespace(path: namespace).connect(toLoopback: port)
            }
            let target = try await StreamDialer.adopt(socket: socket)
            try await connection.error.closeWrite()
            await connection.data.join(target)
        } catch {
            let text = "failed to connect to port \(connection.port) of the pod: \(error)"
            try? await connection.error.write(Array(text.utf8))
            try? await connection.error.closeWrite()
            await connection.data.close()
        }
    }
}

/// How a command ended, as clients read it on the stream for errors (`metav1.Status`).
enum StreamOutcome {
    static let success: Value = ["metadata": [:], "status": "Success"]

    static func exited(_ code: Int32) -> Value {
        guard code != 0 else { return success }
        return [
            "metadata": [:], "status": "Failure",
            "message": .string("command terminated with non-zero exit code: exit status \(code)"),
            "reason": "NonZeroExitCode",
            "details": ["causes": [["reason": "ExitCode", "message": .string("\(code)")]]],
        ]
    }

    static func failed(_ message: String) -> Value {
        ["metadata": [:], "status": "Failure", "message": .string(message), "reason": "InternalError", "code": 500]
    }
}

/// Reads the sizes of a terminal from a stream of objects. Pure; it holds back no more than one.
struct TerminalSizes: Sendable {
    private var begun: [UInt8] = []

    mutating func take(_ bytes: [UInt8]) -> [(width: Int64, height: Int64)] {
        var sizes: [(width: Int64, height: Int64)] = []
        for byte in bytes {
            begun.append(byte)
            // No object in it has another.
            guard byte == UInt8(ascii: "}") || begun.count > 256 else { continue }
            if let size = try? Value(json: begun), let width = size["Width"]?.integer, let height = size["Height"]?.integer,
                width > 0, height > 0
            {
                sizes.append((width, height))
            }
            begun = []
        }
        return sizes
    }
}
