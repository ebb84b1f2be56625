internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS
internal import Support
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#endif

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

    /// Takes over a socket that is connected already, such as one of another network namespace, and closes it in the end.
    public static func adopt(socket number: Int32) async throws -> any ByteStream {
        let name = HTTPAddress.unix(path: "socket \(number)")
        return try await connect(
            name, tls: nil, timeout: .seconds(10), open: { bootstrap in bootstrap.withConnectedSocket(number) }
        ) { channel in
            try RawStreamHandler.install(on: channel, after: nil)
        }
    }

    /// Connects, completes the handshake and lets the caller put its handlers in, on the channel's event loop
    /// and before any byte of the peer's is read.
    static func connect<Result: Sendable>(
        _ address: HTTPAddress, tls: TLSClientIdentity?, timeout: Duration,
        _ install: @escaping @Sendable (any Channel) throws -> Result
    ) async throws -> Result {
        func open(_ bootstrap: ClientBootstrap) -> EventLoopFuture<any Channel> {
            switch address {
            case .tcp(let host, let port):
                bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .channelOption(.socketOption(.so_keepalive), value: 1).connect(host: host, port: port)
            case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
            }
        }
        return try await connect(address, tls: tls, timeout: timeout, open: open, install)
    }

    /// The same, by whatever way `open` makes the connection; `address` is for faults.
    private static func connect<Result: Sendable>(
        _ address: HTTPAddress, tls: TLSClientIdentity?, timeout: Duration,
        open: (ClientBootstrap) -> EventLoopFuture<any Channel>,
        _ install: @escaping @Sendable (any Channel) throws -> Result
    ) async throws -> Result {
        let waiters = Waiters()
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(TimeAmount(timeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    var security: ConnectionWaiter.Security?
                    if let tls {
                        var host = ""
                        if case .tcp(let name, _) = address { host = name }
                        let (first, handler) = (FirstBytes(), try tls.makeHandler(host: host))
                        try channel.pipeline.syncOperations.addHandlers([first, handler])
                        security = .init(host: tls.serverName ?? host, handler: handler, first: first)
                    }
                    let waiter = ConnectionWaiter(channel.eventLoop, timeout, security)
                    try channel.pipeline.syncOperations.addHandler(waiter)
                    waiters.note(waiter, on: channel)
                }
            }
        let connected = open(bootstrap)
        do {
            return try await result(of: connected) { channel in
                guard let waiter = waiters.waiter(on: channel) else {
                    preconditionFailure("a channel that connected was initialized")
                }
                return ConnectionWaiter.finished(waiter, on: channel) { try install(channel) }
            }
        } catch {
            throw fault(error, address)
        }
    }

    /// What `finish` makes of a connection. A task that is cancelled waits no longer: the connection is closed when it
    /// stands.
    private static func result<Result: Sendable>(
        of connected: EventLoopFuture<any Channel>,
        _ finish: @escaping @Sendable (any Channel) -> EventLoopFuture<Result>
    ) async throws -> Result {
        let answer = connected.eventLoop.makePromise(of: Result.self)
        connected.flatMap(finish).cascade(to: answer)
        return try await withTaskCancellationHandler {
            try await answer.futureResult.get()
        } onCancel: {
            answer.fail(CancellationError())
            connected.whenSuccess { $0.close(promise: nil) }
        }
    }

    static func fault(_ error: any Error, _ address: HTTPAddress) -> any Error {
        switch error {
        case is Fault, is CancellationError: return error
        case let error as ChannelError:
            if case .connectTimeout = error {
                return Fault(
                    .timedOut, "\(address) did not take the connection in time",
                    cause: ConnectionFailure(dialling: address, "i/o timeout"))
            }
            // It hung up before the connection stood.
            if case .eof = error { return Fault(.unavailable, "cannot reach \(address)", cause: ConnectionFailure("EOF")) }
        case let failure as ConnectionFailure:
            return Fault(
                .denied, "no secure connection to \(address)",
                remedy:
                    "check that its certificate names this address and is signed by the expected authority",
                cause: failure)
        default: break
        }
        if let why = systemError(error) {
            let failure =
                why == noSuchHost
                ? ConnectionFailure("dial tcp: lookup \(host(of: address)): \(why)")
                : ConnectionFailure(dialling: address, "connect: \(why)")
            return Fault(.unavailable, "cannot reach \(address): \(why)", cause: failure)
        }
        return Fault(.unavailable, "cannot reach \(address)", cause: error)
    }

    private static let noSuchHost = "no such host"

    private static func host(of address: HTTPAddress) -> String {
        if case .tcp(let host, _) = address { host } else { "" }
    }

    /// The system's word for why there is no connection, in the words of Go, which people search for.
    private static func systemError(_ error: any Error) -> String? {
        var error = error
        if let attempts = error as? NIOConnectionError {
            guard let last = attempts.connectionErrors.last else { return noSuchHost }
            error = last.error
        }
        guard let error = error as? IOError else { return nil }
        switch error.errnoCode {
        case ECONNREFUSED: return "connection refused"
        case ECONNRESET: return "connection reset by peer"
        case EHOSTUNREACH: return "no route to host"
        case ENETUNREACH: return "network is unreachable"
        case ETIMEDOUT: return "connection timed out"
        default: return String(cString: strerror(error.errnoCode)).lowercased()
        }
    }
}

/// The waiters of the channels that are tried, of which one connects. Kept apart from the channels: one whose handshake
/// has failed is closed, and knows its handlers no more, before the caller hears of the connection.
private final class Waiters: Sendable {
    private let waiters = Mutex<[ObjectIdentifier: NIOLoopBound<ConnectionWaiter>]>([:])

    /// Called on the channel's event loop.
    func note(_ waiter: ConnectionWaiter, on channel: any Channel) {
        let bound = NIOLoopBound(waiter, eventLoop: channel.eventLoop)
        waiters.withLock { $0[ObjectIdentifier(channel)] = bound }
    }

    func waiter(on channel: any Channel) -> NIOLoopBound<ConnectionWaiter>? {
        waiters.withLock { $0[ObjectIdentifier(channel)] }
    }
}

/// Waits until a connection stands, with TLS for the end of the handshake, and holds back what comes until somebody is
/// there to read it: the peer may speak before the caller hears of the connection.
private final class ConnectionWaiter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// What tells why TLS was not agreed on.
    struct Security {
        /// Who the server must be.
        let host: String
        let handler: NIOSSLClientHandler
        let first: FirstBytes
    }

    private let done: EventLoopPromise<Void>
    private let timer: Scheduled<Void>
    /// `nil` when the connection stands without TLS.
    private let security: Security?
    private var held: [ByteBuffer] = []

    init(_ loop: any EventLoop, _ timeout: Duration, _ security: Security?) {
        self.security = security
        let done = loop.makePromise(of: Void.self)
        self.done = done
        timer = loop.scheduleTask(in: TimeAmount(timeout)) {
            done.fail(Fault(.timedOut, "the connection was not made in time"))
        }
    }

    /// Runs `install` when the channel's connection stands. A channel that does not come so far is closed.
    static func finished<Result: Sendable>(
        _ waiter: NIOLoopBound<ConnectionWaiter>, on channel: any Channel,
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

    func channelActive(context: ChannelHandlerContext) {
        if security == nil { finish { $0.succeed() } }
        context.fireChannelActive()
    }

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
        let failure = security.flatMap { security in
            HandshakeFailure.words(
                error, security.handler.peerCertificate.map(PeerCertificate.init), host: security.host,
                firstBytes: security.first.bytes, now: .now)
        }
        finish { $0.fail(failure.map { ConnectionFailure($0) } ?? error) }
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
