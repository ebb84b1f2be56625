internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS
internal import Support

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
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(TimeAmount(timeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let tls else { return }
                    var host = ""
                    if case .tcp(let name, _) = address { host = name }
                    try channel.pipeline.syncOperations.addHandlers(
                        [try tls.makeHandler(host: host), HandshakeWaiter(channel.eventLoop, timeout)])
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
            // In the same turn of the loop: the handshake cannot end before somebody waits for its end.
            return try await connected.flatMap { channel in
                let ready =
                    tls == nil
                    ? channel.eventLoop.makeSucceededVoidFuture() : HandshakeWaiter.done(on: channel)
                return ready.flatMapThrowing { try install(channel) }
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

/// Waits for the end of a client's handshake.
private final class HandshakeWaiter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let done: EventLoopPromise<Void>
    private let timer: Scheduled<Void>

    init(_ loop: any EventLoop, _ timeout: Duration) {
        let done = loop.makePromise(of: Void.self)
        self.done = done
        timer = loop.scheduleTask(in: TimeAmount(timeout)) {
            done.fail(Fault(.timedOut, "the TLS handshake was not finished in time"))
        }
    }

    /// Fulfilled when the channel's handshake is complete. A channel whose handshake failed is closed.
    static func done(on channel: any Channel) -> EventLoopFuture<Void> {
        do {
            let waiter = try channel.pipeline.syncOperations.handler(type: HandshakeWaiter.self)
            let result = waiter.done.futureResult
            result.whenFailure { _ in channel.close(promise: nil) }
            return result
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent { finish(context) { $0.succeed() } }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(context) { $0.fail(error) }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(context) { $0.fail(ChannelError.eof) }
        context.fireChannelInactive()
    }

    private func finish(_ context: ChannelHandlerContext, _ fulfil: (EventLoopPromise<Void>) -> Void) {
        timer.cancel()
        fulfil(done)
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
