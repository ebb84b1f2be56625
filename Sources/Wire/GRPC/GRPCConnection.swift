import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import Synchronization

typealias GRPCStream = NIOAsyncChannel<HTTP2Frame.FramePayload, HTTP2Frame.FramePayload>

/// At most one connection to a server, made by the call that needs it and shared by the calls of that time.
///
/// A connection that broke, or that the server wants to end (GOAWAY), is forgotten; the next call makes a
/// new one. At rest there is an open socket and nothing else: no timer, no ping.
final class GRPCConnection: Sendable {
    /// A connection and the way to open streams on it.
    struct Established: Sendable {
        var channel: any Channel
        var multiplexer: NIOHTTP2Handler.AsyncStreamMultiplexer<Void>
    }

    private enum Slot {
        case empty
        case made(number: Int, EventLoopFuture<Established>)
        case closed
    }

    private struct State {
        var slot = Slot.empty
        var made = 0
    }

    private let address: GRPCClient.Address
    private let group: any EventLoopGroup
    private let connectTimeout: Duration
    private let state = Mutex(State())

    init(to address: GRPCClient.Address, group: any EventLoopGroup, connectTimeout: Duration) {
        self.address = address
        self.group = group
        self.connectTimeout = connectTimeout
    }

    /// Ends the connection and every call on it; later calls fail.
    func close() {
        let slot = state.withLock { state in
            defer { state.slot = .closed }
            return state.slot
        }
        if case .made(_, let future) = slot {
            future.whenSuccess { $0.channel.close(promise: nil) }
        }
    }

    /// Opens a stream for one call, connecting first if there is no connection, within `timeout`.
    ///
    /// A connection may break between two calls without anybody having noticed: a stream that cannot be
    /// opened on a used connection is therefore tried once more on a new one. Nothing was sent by then.
    func openStream(within timeout: Duration?) async throws -> GRPCStream {
        let (number, future, isNew) = try current()
        let established = try await future.get(within: timeout)
        do {
            return try await open(on: established)
        } catch {
            forget(number)
            guard !isNew, !Task.isCancelled else { throw error }
            return try await open(on: try await current().1.get(within: timeout))
        }
    }

    /// Returns when the connection, which is made if there is none, is lost.
    func stay(connected: @Sendable () -> Void) async throws {
        let established = try await current().1.get(within: nil)
        connected()
        try await established.channel.closeFuture.get(within: nil)
    }

    private func open(on connection: Established) async throws -> GRPCStream {
        try await UnusedChannels.open { wrap in try await connection.multiplexer.openStream(wrap) }
    }

    /// The connection in use, or a new one under way.
    private func current() throws -> (Int, EventLoopFuture<Established>, isNew: Bool) {
        let loop = group.next()
        let promise = loop.makePromise(of: Established.self)
        let slot: (Int, EventLoopFuture<Established>, isNew: Bool)? = state.withLock { state in
            switch state.slot {
            case .made(let number, let future): return (number, future, isNew: false)
            case .closed: return nil
            case .empty:
                state.made += 1
                state.slot = .made(number: state.made, promise.futureResult)
                return (state.made, promise.futureResult, isNew: true)
            }
        }
        guard let slot else {
            let error = GRPCStatus(.unavailable, "the client was closed")
            promise.fail(error)
            throw error
        }
        if slot.isNew { connect(slot.0, loop, promise) } else { promise.fail(CancellationError()) }
        return slot
    }

    private func forget(_ number: Int) {
        state.withLock { state in
            if case .made(number, _) = state.slot { state.slot = .empty }
        }
    }

    private func connect(_ number: Int, _ loop: any EventLoop, _ promise: EventLoopPromise<Established>) {
        let configured = loop.makePromise(of: Established.self)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(connectTimeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    configured.succeed(try self.configure(channel, number))
                }
            }
        let connected =
            switch address {
            case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
            case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
            }
        connected.whenFailure { error in
            self.forget(number)
            configured.fail(error)
        }
        let address = address
        connected.flatMap { channel in
            channel.closeFuture.whenComplete { _ in self.forget(number) }
            return configured.futureResult
        }.flatMapErrorThrowing { error in
            throw GRPCStatus(.unavailable, "cannot connect to \(address): \(error)")
        }.cascade(to: promise)
    }

    private func configure(_ channel: any Channel, _ number: Int) throws -> Established {
        var configuration = NIOHTTP2Handler.Configuration()
        configuration.connection.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .maxHeaderListSize, value: HPACKDecoder.defaultMaxHeaderListSize),
        ]
        // gRPC servers measure the bandwidth with a PING for nearly every request. The limits on such
        // frames are made against hostile clients and would end a busy connection to a server that is our
        // own.
        configuration.connection.controlFrameRateLimit.maximumCount = .max
        configuration.stream.streamResetFrameRateLimit.maximumCount = .max
        let pipeline = channel.pipeline.syncOperations
        let multiplexer = try pipeline.configureAsyncHTTP2Pipeline(
            mode: .client, configuration: configuration
        ) {
            $0.close()
        }
        try pipeline.addHandler(FarewellHandler { self.forget(number) })
        return Established(channel: channel, multiplexer: multiplexer)
    }
}

/// Hears the frames that belong to no stream, for the server's wish to end the connection.
private final class FarewellHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    private let onFarewell: () -> Void

    init(onFarewell: @escaping () -> Void) { self.onFarewell = onFarewell }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .goAway = unwrapInboundIn(data).payload { onFarewell() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A broken connection is of no more use; its calls learn from the close.
        context.close(promise: nil)
    }
}

extension EventLoopFuture where Value: Sendable {
    /// Waits like `get()`, but no longer than `timeout`, nor after the task was cancelled. What the future
    /// stands for goes on for those who share it.
    fileprivate func get(within timeout: Duration?) async throws -> Value {
        let waiting = eventLoop.makePromise(of: Value.self)
        cascade(to: waiting)
        let deadline = timeout.map { timeout in
            eventLoop.scheduleTask(in: TimeAmount(max(timeout, .zero))) {
                waiting.fail(GRPCStatus(.deadlineExceeded, "no connection was made in the time for the call"))
            }
        }
        defer { deadline?.cancel() }
        return try await withTaskCancellationHandler {
            try await waiting.futureResult.get()
        } onCancel: {
            waiting.fail(CancellationError())
        }
    }
}
