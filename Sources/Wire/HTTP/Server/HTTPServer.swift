public import Logging
internal import NIOCore
internal import NIOPosix
public import Support
internal import Synchronization

/// Serves HTTP/1.1, and over TLS also HTTP/2, on any number of addresses, with one handler.
///
///     let server = HTTPServer(handler: handler, log: log)
///     let address = try await server.listen(on: .tcp(host: "0.0.0.0", port: 6443), certificates: identity)
///     await withDiscardingTaskGroup { group in
///         group.addTask { await server.run() }
///         ...
///         await server.stop(within: .seconds(5))
///     }
///
/// Connections are served from `listen` on, on event loops. What handlers give to ``HTTPExchange/run(_:)``
/// runs as child tasks of ``run()``.
public final class HTTPServer: Sendable {
    private struct State {
        var listeners: [any Channel] = []
        var loops: [ObjectIdentifier: NIOLoopBound<HTTPServerLoop>] = [:]
        var isStopping = false
    }

    private let handler: any HTTPHandler
    private let limits: HTTPServerLimits
    private let log: Logger
    private let group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    private let lanes: [ObjectIdentifier: HTTPServerLane]
    private let ending = AsyncStream.makeStream(of: Never.self)
    private let state = Mutex(State())

    public init(handler: any HTTPHandler, limits: HTTPServerLimits = HTTPServerLimits(), log: Logger) {
        self.handler = handler
        self.limits = limits
        self.log = log
        lanes = Dictionary(
            uniqueKeysWithValues: group.makeIterator().map { (ObjectIdentifier($0), HTTPServerLane($0)) })
    }

    /// Begins to accept connections. Port 0 takes a free one; the address that was bound is returned.
    ///
    /// With `certificates` the connections are TLS (1.2 or later), asked for a client certificate, and choose
    /// HTTP/2 or HTTP/1.1 by ALPN; without, they are plain HTTP/1.1. A socket file that nobody listens on any
    /// more is replaced. Fails with `conflict` when the port is in use, `denied` when it may not be used,
    /// `invalid` when the address is not ours.
    public func listen(
        on address: HTTPAddress, certificates: (any CertificateSource)? = nil
    ) async throws(Fault) -> HTTPAddress {
        let bootstrap = bootstrap(certificates)
        let channel: any Channel
        do {
            switch address {
            case .tcp(let host, let port): channel = try await forTCP(bootstrap).bind(host: host, port: port).get()
            case .unix(let path):
                channel = try await bootstrap.bind(
                    unixDomainSocketPath: path, cleanupExistingSocketFile: true
                ).get()
            }
        } catch {
            throw Fault(error, binding: address)
        }
        return try await add(channel)
    }

    /// The same on a socket that is bound already, such as one of another network namespace; it is closed in the end.
    public func listen(
        onSocket number: Int32, certificates: (any CertificateSource)? = nil
    ) async throws(Fault) -> HTTPAddress {
        let channel: any Channel
        do {
            channel = try await forTCP(bootstrap(certificates)).withBoundSocket(number).get()
        } catch {
            throw Fault(.failed, "cannot listen on a socket that was handed over", cause: error)
        }
        return try await add(channel)
    }

    private func bootstrap(_ certificates: (any CertificateSource)?) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture { try accept(channel, certificates) }
            }
    }

    private func forTCP(_ bootstrap: ServerBootstrap) -> ServerBootstrap {
        bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
    }

    private func add(_ channel: any Channel) async throws(Fault) -> HTTPAddress {
        let isLate = state.withLock { state in
            if !state.isStopping { state.listeners.append(channel) }
            return state.isStopping
        }
        if isLate {
            try? await channel.close()
            throw Fault(.unavailable, "the server is stopping")
        }
        return HTTPAddress(channel.localAddress)
    }

    /// Runs what handlers hand over until ``stop(within:)`` has finished. If the task is cancelled,
    /// everything is cut off.
    public func run() async {
        await withDiscardingTaskGroup { group in
            for lane in lanes.values {
                group.addTask { await lane.run() }
            }
            for await _ in ending.stream {}
            if Task.isCancelled { await stop(within: .zero) }
        }
    }

    /// Stops in good order: accepts no more, ends idle connections and endless responses, lets requests
    /// finish, and after the given time cuts off what is left.
    public func stop(within grace: Duration) async {
        let (listeners, loops) = state.withLock { state in
            state.isStopping = true
            defer { state.listeners = [] }
            return (state.listeners, Array(state.loops.values))
        }
        for listener in listeners { try? await listener.close() }
        let cutOff = group.any().scheduleTask(in: TimeAmount(grace)) {
            for loop in loops { loop.execute { $0.cutOff() } }
        }
        let emptied = loops.map { loop in loop.eventLoop.flatSubmit { loop.value.stop() } }
        for loop in emptied { try? await loop.get() }
        cutOff.cancel()
        for lane in lanes.values { lane.finish() }
        ending.continuation.finish()
    }

    // MARK: Connections

    private func accept(_ channel: any Channel, _ certificates: (any CertificateSource)?) throws {
        let server = loop(of: channel)
        if let certificates {
            try TLSFrontDoor.install(server, certificates, on: channel)
        } else {
            let info = HTTPConnectionInfo(
                remoteAddress: HTTPAddress(channel.remoteAddress),
                localAddress: HTTPAddress(channel.localAddress))
            try channel.pipeline.syncOperations.addHandler(HTTP1ServerConnection(server: server, info: info))
        }
    }

    /// What the connections of this channel's loop share. Called on that loop.
    private func loop(of channel: any Channel) -> HTTPServerLoop {
        let bound = state.withLock { state in
            if let known = state.loops[ObjectIdentifier(channel.eventLoop)] { return known }
            guard let lane = lanes[ObjectIdentifier(channel.eventLoop)] else {
                preconditionFailure("a connection lives on a loop of the group that accepted it")
            }
            let loop = HTTPServerLoop(
                loop: channel.eventLoop, handler: handler, lane: lane, limits: limits, log: log)
            let bound = NIOLoopBound(loop, eventLoop: channel.eventLoop)
            state.loops[ObjectIdentifier(channel.eventLoop)] = bound
            return bound
        }
        return bound.value
    }
}
