import Glibc
import NIOCore
import NIOPosix
public import Support
import Synchronization

/// What a server does with questions.
public protocol DNSHandler: Sendable {
    /// Called on an event loop: return the answer at once, encoded, or `nil` and answer later with
    /// ``DNSQuery/respond(_:)``, or never.
    func answer(_ query: DNSQuery) -> [UInt8]?
}

/// A message that came to a server, not decoded.
public struct DNSQuery: Sendable {
    public let bytes: [UInt8]
    /// Over TCP, where an answer may have any length.
    public let isStream: Bool
    private let send: @Sendable ([UInt8]) -> Void

    /// A query whose answers go to `send`.
    public init(bytes: [UInt8], isStream: Bool, send: @escaping @Sendable ([UInt8]) -> Void) {
        self.bytes = bytes
        self.isStream = isStream
        self.send = send
    }

    /// Sends the answer of a query that was kept; from any thread, at most once. Nothing happens when the
    /// client has gone.
    public func respond(_ bytes: [UInt8]) { send(bytes) }
}

/// Serves DNS over UDP and TCP, with one handler, on event loops.
///
/// Memory does not grow with traffic: datagrams that cannot be sent are dropped, and TCP connections are few,
/// short and one question at a time.
public final class DNSServer: Sendable {
    private let handler: any DNSHandler
    private let group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    private let channels = Mutex<[any Channel]>([])
    private let connections = DNSStreamCount()

    /// A query is short: EDNS without payload, or a cookie, at most.
    static let longestQuery = 4096

    public init(handler: any DNSHandler) { self.handler = handler }

    /// Begins to answer. Port 0 takes a free one, the same for both; the address that was bound is returned.
    /// Fails with `conflict` when the port is in use, `denied` when it may not be used, `invalid` when the
    /// address is not ours. Without `isHosts` the host may get the address later.
    public func listen(on address: DNSAddress, isHosts: Bool = true) async throws(Fault) -> DNSAddress {
        // A port that is free for datagrams may be taken for connections: then another one is.
        var triesLeft = address.port == 0 ? 32 : 1
        while true {
            triesLeft -= 1
            do {
                let (bound, opened) = try await bind(address, isHosts)
                channels.withLock { $0 += opened }
                return bound
            } catch let error as IOError where error.errnoCode == EADDRINUSE && triesLeft > 0 {
                continue
            } catch {
                throw Fault(error, binding: address)
            }
        }
    }

    private func bind(_ address: DNSAddress, _ isHosts: Bool) async throws -> (DNSAddress, [any Channel]) {
        var address = address
        // ip(7): it may bind to an address that is none of the host's. IPv6 sockets know the option too.
        let isFree = ChannelOptions.Types.SocketOption(level: .ip, name: .init(rawValue: IP_FREEBIND))
        let freedom: SocketOptionValue = isHosts ? 0 : 1
        let datagrams = try await datagramBootstrap.channelOption(isFree, value: freedom)
            .bind(to: address.socketAddress).get()
        address.port = UInt16(datagrams.localAddress?.port ?? Int(address.port))
        do {
            let streams = try await streamBootstrap.serverChannelOption(isFree, value: freedom)
                .bind(to: address.socketAddress).get()
            return (address, [datagrams, streams])
        } catch {
            // The connections' part failed: that is what is told.
            try? await datagrams.close()
            throw error
        }
    }

    /// Stops listening, on all addresses.
    public func close() async {
        let open = channels.withLock { channels in
            defer { channels = [] }
            return channels
        }
        // One that is closed already is no fault.
        for channel in open { try? await channel.close() }
    }

    private var datagramBootstrap: DatagramBootstrap {
        let batch = 16
        return DatagramBootstrap(group: group)
            .channelOption(.datagramVectorReadMessageCount, value: batch)
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: batch * Self.longestQuery)
            )
            .channelInitializer { [handler] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DNSDatagrams(handler))
                }
            }
    }

    private var streamBootstrap: ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 128)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [handler, connections] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DNSStream(handler, connections))
                }
            }
    }
}

/// Answers datagrams.
private final class DNSDatagrams: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private let handler: any DNSHandler
    private var mustFlush = false

    init(_ handler: any DNSHandler) { self.handler = handler }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        let (channel, client) = (context.channel, envelope.remoteAddress)
        let query = DNSQuery(bytes: Array(envelope.data.readableBytesView), isStream: false) { bytes in
            // UDP promises nothing: where the socket is full the client asks again.
            guard channel.isWritable else { return }
            let reply = AddressedEnvelope(remoteAddress: client, data: ByteBuffer(bytes: bytes))
            channel.writeAndFlush(reply, promise: nil)
        }
        guard let answer = handler.answer(query), context.channel.isWritable else { return }
        let reply = AddressedEnvelope(remoteAddress: client, data: ByteBuffer(bytes: answer))
        context.write(wrapOutboundOut(reply), promise: nil)
        mustFlush = true
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if mustFlush { context.flush() }
        mustFlush = false
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A client that has gone is told by an error of the next call; the socket serves the others.
    }
}
