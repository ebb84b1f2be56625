internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS
internal import Support
internal import Synchronization

/// Opens connections to others.
public enum StreamDialer {
    /// Connects and returns the raw bytes, for port forwarding and tunnels. With `tls` the connection is
    /// returned after the handshake. Fails with `unavailable`, `timedOut`, or `denied` when the certificate
    /// is not trusted.
    public static func dial(
        _ address: HTTPAddress, tls: TLSClientIdentity? = nil, timeout: Duration = .seconds(10)
    ) async throws -> any ByteStream {
        try await connect(address, tls: tls, timeout: timeout) { channel in
            try RawStreamHandler.install(on: channel, after: nil)
        }
    }

    /// Connects, completes the handshake and lets the caller put its handlers in, on the channel's event loop
    /// and before any byte of the peer's is read.
    static func connect<Result: Sendable>(
        _ address: HTTPAddress, tls: TLSClientIdentity?, timeout: Duration,
        _ install: @escaping @Sendable (any Channel) throws -> Result
    ) async throws -> Result {
        let handshakes = Handshakes()
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(TimeAmount(timeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let tls else { return }
                    var host = ""
                    if case .tcp(let name, _) = address { host = name }
                    let waiter = HandshakeWaiter(channel.eventLoop, timeout)
                    try channel.pipeline.syncOperations.addHandlers([try tls.makeHandler(host: host), waiter])
                    handshakes.note(waiter, on: channel)
                }
            }
        let connected: EventLoopFuture<any Channel>
        switch address {
        case .tcp(let host, let port):
            connected = bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(.socketOption(.so_keepalive), value: 1).connect(host: host, port: port)
        case .unix(let path): connected = bootstrap.connect(unixDomainSocketPath: path)
        }
        do {
            return try await connected.flatMap { channel in
                guard let waiter = handshakes.waiter(on: channel) else {
                    return channel.eventLoop.makeCompletedFuture { try install(channel) }
                }
                return HandshakeWaiter.finished(waiter, on: channel) { try install(channel) }
            }.get()
        } catch {
            throw fault(error, address)
        }
    }

    static func fault(_ error: any Error, _ address: HTTPAddress) -> Fault {
        switch error {
        case let error as Fault: return error
        case let error as ChannelError:
            if case .connectTimeout = error {
                return Fault(.timedOut, "\(address) did not take the connection in time")
            }
        case NIOSSLError.handshakeFailed(let reason):
            return Fault(
                .denied, "no secure connection to \(address)",
                remedy:
                    "check that its certificate names this address and is signed by the expected authority",
                cause: reason)
        case is NIOSSLExtraError:
            return Fault(
                .denied, "the certificate of \(address) does not name this address",
                remedy: "add the name or address to the certificate", cause: error)
        default: break
        }
        return Fault(.unavailable, "cannot reach \(address)", cause: error)
    }
}

/// The waiters of the channels that are tried, of which one connects. Kept apart from the channels: one whose handshake
/// has failed is closed, and knows its handlers no more, before the caller hears of the connection.
private final class Handshakes: Sendable {
    private let waiters = Mutex<[ObjectIdentifier: NIOLoopBound<HandshakeWaiter>]>([:])

    /// Called on the channel's event loop.
    func note(_ waiter: HandshakeWaiter, on channel: any Channel) {
        let bound = NIOLoopBound(waiter, eventLoop: channel.eventLoop)
        waiters.withLock { $0[ObjectIdentifier(channel)] = bound }
    }

    /// `nil` for a channel without TLS.
    func waiter(on channel: any Channel) -> NIOLoopBound<HandshakeWaiter>? {
        waiters.withLock { $0[ObjectIdentifier(channel)] }
    }
}

/// Waits for the end of a client's handshake, and holds back what comes behind it until somebody is there to read it:
/// the handshake may be over before the caller hears of the connection.
private final class HandshakeWaiter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let done: EventLoopPromise<Void>
    private let timer: Scheduled<Void>
    private var held: [ByteBuffer] = []

    init(_ loop: any EventLoop, _ timeout: Duration) {
        let done = loop.makePromise(of: Void.self)
        self.done = done
        timer = loop.scheduleTask(in: TimeAmount(timeout)) {
            done.fail(Fault(.timedOut, "the TLS handshake was not finished in time"))
        }
    }

    /// Runs `install` when the channel's handshake is complete. A channel whose handshake failed is closed.
    static func finished<Result: Sendable>(
        _ waiter: NIOLoopBound<HandshakeWaiter>, on channel: any Channel,
        _ install: @escaping @Sendable () throws -> Result
    ) -> EventLoopFuture<Result> {
        let result = waiter.value.done.futureResult.flatMapThrowing {
            // The peer may have closed again meanwhile.
            guard channel.isActive else { throw ChannelError.eof }
            let result = try install()
            channel.pipeline.syncOperations.removeHandler(waiter.value, promise: nil)
            return result
        }
        result.whenFailure { _ in channel.close(promise: nil) }
        return result
    }

    /// A channel that never connected goes without another word.
    func handlerRemoved(context: ChannelHandlerContext) { finish { $0.fail(ChannelError.eof) } }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { held.append(unwrapInboundIn(data)) }

    func removeHandler(context: ChannelHandlerContext, removalToken: ChannelHandlerContext.RemovalToken) {
        for buffer in held { context.fireChannelRead(wrapInboundOut(buffer)) }
        if !held.isEmpty { context.fireChannelReadComplete() }
        context.leavePipeline(removalToken: removalToken)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent { finish { $0.succeed() } }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish { $0.fail(error) }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish { $0.fail(ChannelError.eof) }
        context.fireChannelInactive()
    }

    private func finish(_ fulfil: (EventLoopPromise<Void>) -> Void) {
        timer.cancel()
        fulfil(done)
    }
}
