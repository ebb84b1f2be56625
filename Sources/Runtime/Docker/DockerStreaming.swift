import APIMachinery
import Host
import Logging
import Support
import Synchronization
import Wire

/// Serves what a client does with a running container over one connection: commands, attaching, forwarded ports.
///
/// The interface answers with a URL and leaves the rest to the runtime's own server. This one listens on a free port of
/// loopback, speaks SPDY and WebSocket, and knows a URL for a minute and one connection: whoever does not know it gets
/// nothing.
final class DockerStreaming: Sendable {
    /// What a URL stands for.
    enum Conversation: Hashable, Sendable {
        case exec(container: String, command: [String], CRI.Streams)
        case attach(container: String, CRI.Streams)
        case forward(sandbox: String)
    }

    private struct State {
        var origin: String?
        var waiting = StreamingTickets()
    }

    let client: DockerClient
    let log: Logger
    private let state = Mutex(State())

    init(client: DockerClient, log: Logger) { (self.client, self.log) = (client, log) }

    /// Serves until cancelled. `ready` is called when URLs can be had.
    func run(ready: @Sendable () async throws -> Void) async throws {
        let server = HTTPServer(handler: DockerStreamingHandler(streaming: self), log: log)
        let address = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0))
        state.withLock { $0.origin = "http://\(address)" }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            try await ready()
            try await group.waitForAll()
        }
    }

    /// A URL for one connection. Fails with `unavailable` before ``run(ready:)``.
    func url(for conversation: Conversation) throws(Fault) -> String {
        let token = (0..<16).map { _ in UInt8.random(in: 0...255) }
        let origin = state.withLock { state -> String? in
            state.waiting.add(conversation, Hex.encode(token), at: .sinceBoot)
            return state.origin
        }
        guard let origin else { throw Fault(.unavailable, "streams are not served yet") }
        return "\(origin)/cri/\(Hex.encode(token))"
    }

    /// What the URL with this path stands for; once.
    func take(_ path: String) -> Conversation? {
        let token = String(path.dropFirst("/cri/".utf8.count))
        return state.withLock { $0.waiting.take(token, at: .sinceBoot) }
    }
}

/// The URLs that wait for their connection. Pure; there is a bound to them.
struct StreamingTickets: Sendable {
    private static let limit = 1000
    private static let lifetime = Duration.seconds(60)

    private var waiting: [String: (conversation: DockerStreaming.Conversation, since: Timestamp)] = [:]

    /// Of too many the oldest goes.
    mutating func add(_ conversation: DockerStreaming.Conversation, _ token: String, at now: Timestamp) {
        waiting = waiting.filter { now - $0.value.since < Self.lifetime }
        if waiting.count >= Self.limit, let oldest = waiting.min(by: { $0.value.since < $1.value.since }) {
            waiting[oldest.key] = nil
        }
        waiting[token] = (conversation, now)
    }

    mutating func take(_ token: String, at now: Timestamp) -> DockerStreaming.Conversation? {
        guard let ticket = waiting.removeValue(forKey: token), now - ticket.since < Self.lifetime else { return nil }
        return ticket.conversation
    }
}

private struct DockerStreamingHandler: HTTPHandler {
    let streaming: DockerStreaming

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        guard request.path.hasPrefix("/cri/"), let conversation = streaming.take(request.path) else {
            return exchange.respond(.notFound)
        }
        exchange.run {
            do throws(Fault) {
                let talk = try await streaming.prepare(conversation)
                guard let carrier = try await StreamingCarrier(request, exchange, isForwarding: talk.isForwarding) else {
                    return exchange.respond(.badRequest, [:], Array("neither SPDY nor a known WebSocket is spoken".utf8))
                }
                do { try await streaming.serve(talk, over: carrier) } catch {
                    streaming.log.debug("a stream ended: \(error)")
                }
            } catch {
                exchange.respond(.internalServerError, ["Content-Type": "text/plain"], Array(error.summary.utf8))
            }
        }
    }
}

/// A connection after its handshake, by either protocol.
enum StreamingCarrier: Sendable {
    case spdy(any ByteStream)
    case webSocket(WebSocket, ChannelFormat)
    /// SPDY inside of a WebSocket.
    case tunnel(WebSocket)

    private static let subprotocols = [
        WebSocketSubprotocol.channelV5, WebSocketSubprotocol.channelV4, WebSocketSubprotocol.base64ChannelV4,
    ]

    /// Completes the handshake; `nil`, with nothing answered, for a request that is none of ours.
    init?(_ request: HTTPRequest, _ exchange: HTTPExchange, isForwarding: Bool) async throws(Fault) {
        if request.headers.lists("SPDY/3.1", in: "Upgrade") {
            let offered = request.headers.values(of: "X-Stream-Protocol-Version")
            let supported = [isForwarding ? "portforward.k8s.io" : WebSocketSubprotocol.channelV4]
            guard let chosen = WebSocketHandshake.choose(offered: offered, supported: supported) else { return nil }
            let headers: HTTPHeaders = ["Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": chosen]
            self = .spdy(try await exchange.upgrade(headers))
            return
        }
        let key = request.headers["Sec-WebSocket-Key"] ?? ""
        let offered = request.headers.values(of: "Sec-WebSocket-Protocol")
        let supported = isForwarding ? [WebSocketSubprotocol.tunneledPortForward] : Self.subprotocols
        guard request.headers.lists("websocket", in: "Upgrade"), WebSocketHandshake.isValid(key: key),
            let chosen = WebSocketHandshake.choose(offered: offered, supported: supported)
        else { return nil }
        let headers: HTTPHeaders = [
            "Upgrade": "websocket", "Sec-WebSocket-Accept": WebSocketHandshake.accept(key: key),
            "Sec-WebSocket-Protocol": chosen,
        ]
        let webSocket = WebSocket(try await exchange.upgrade(headers), role: .server)
        if isForwarding {
            self = .tunnel(webSocket)
        } else {
            guard let format = ChannelFormat(subprotocol: chosen) else {
                throw Fault(.unsupported, "the subprotocol \(chosen) has no channels")
            }
            self = .webSocket(webSocket, format)
        }
    }
}
