import APIMachinery
import Support
import Wire

/// Carries a remote command between a client's WebSocket and a kubelet's SPDY.
struct CommandRelay: Sendable {
    let wanted: RemoteCommandStreams.Wanted
    let kubelet: KubeletClient
    let address: KubeletAddress
    /// Path and query of the kubelet's side.
    let target: String

    private static let subprotocols = [
        WebSocketSubprotocol.channelV5, WebSocketSubprotocol.channelV4, WebSocketSubprotocol.base64ChannelV4,
        WebSocketSubprotocol.channel, WebSocketSubprotocol.base64Channel,
    ]

    /// Answers the client's handshake and returns when the command has ended, or either side is gone.
    func run(_ request: WebSocketRequest, _ exchange: HTTPExchange) async throws {
        let subprotocol = try request.choose(Self.subprotocols)
        guard let format = ChannelFormat(subprotocol: subprotocol) else {
            throw Status.badRequest("unable to negotiate protocol: \(subprotocol ?? "")")
        }
        let webSocket = try await request.accept(exchange, subprotocol: subprotocol)
        let outcome = CommandOutcome(subprotocol: subprotocol)
        try await RemoteCommandStreams.serve(over: webSocket, format: format, wanted) { client in
            do {
                try await withKubelet { node in try await Self.carry(client, node, outcome) }
            } catch let status as Status {
                // The handshake is done: how it went is told like the end of a command.
                try await client.error.write(outcome.message(status.value.json))
            }
        }
    }

    private func withKubelet(
        _ body: @escaping @Sendable (RemoteCommandStreams) async throws -> Void
    ) async throws {
        let headers: HTTPHeaders = [
            "Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": WebSocketSubprotocol.channelV4,
        ]
        switch try await kubelet.upgrade(.post, address, target, headers: headers) {
        case .refused(let response):
            throw Status.internalError("unable to upgrade connection: \(await response.refusal())")
        case .upgraded(_, let backend):
            do {
                try await SPDYSession.run(over: backend, role: .client) { session in
                    try await body(try await RemoteCommandStreams.open(over: session, wanted))
                }
            } catch ByteStreamError.connectionLost {
                throw Status.internalError("the connection to the node was lost")
            }
        }
    }

    /// Returns when the node has ended all that it writes. The client's side then needs no end: who has gone is not
    /// listened to any more.
    private static func carry(
        _ client: RemoteCommandStreams, _ node: RemoteCommandStreams, _ outcome: CommandOutcome
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for (source, sink) in [(client.stdin, node.stdin), (client.resize, node.resize)] {
                guard let source, let sink else { continue }
                group.addTask {
                    // A command may end without having read its input; how it ended is told elsewhere.
                    try? await copy(from: source, to: sink)
                    return false
                }
            }
            for (source, sink) in [(node.stdout, client.stdout), (node.stderr, client.stderr)] {
                guard let source, let sink else { continue }
                group.addTask {
                    try await copy(from: source, to: sink)
                    return true
                }
            }
            group.addTask {
                let status = try await readAll(node.error)
                let message = outcome.message(status)
                if !message.isEmpty { try await client.error.write(message) }
                return true
            }
            var left = 1 + (node.stdout == nil ? 0 : 1) + (node.stderr == nil ? 0 : 1)
            while left > 0, let isOutput = try await group.next() { left -= isOutput ? 1 : 0 }
            group.cancelAll()
        }
    }

    private static func copy(from source: any ByteStream, to sink: any ByteStream) async throws {
        while let bytes = try await source.read() { try await sink.write(bytes) }
        try await sink.closeWrite()
    }

    /// The whole of a short stream; what is beyond the bound is dropped.
    private static func readAll(_ stream: any ByteStream) async throws -> [UInt8] {
        var whole: [UInt8] = []
        while let bytes = try await stream.read() { whole += bytes.prefix((64 << 10) - whole.count) }
        return whole
    }
}

/// What a client is told about the end of its command. Pure.
struct CommandOutcome: Hashable, Sendable {
    /// The first version of the channels knows a text for a failure and nothing for a success.
    private let isText: Bool

    init(subprotocol: String?) {
        isText = [nil, WebSocketSubprotocol.channel, WebSocketSubprotocol.base64Channel].contains(subprotocol)
    }

    /// `status` is a `Status` object in JSON, as kubelets send it; empty when there is nothing to tell.
    func message(_ status: [UInt8]) -> [UInt8] {
        guard isText else { return status }
        // A kubelet that sends no JSON means the text itself.
        guard let value = try? Value(json: status) else { return status }
        guard value["status"]?.string != "Success" else { return [] }
        return Array((value["message"]?.string ?? "").utf8)
    }
}
