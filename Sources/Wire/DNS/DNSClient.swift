import NIOCore
import NIOPosix
public import Support

/// Asks a server one question.
///
/// Each question has a socket, and thereby a port, and an id of its own, both random: a forger must guess 32
/// bits (RFC 5452).
public enum DNSClient {
    private static let longestDatagram = 8192

    /// Sends a query and returns its answer, under the query's id. What does not answer the question is not
    /// heard. Fails with `timedOut`, or `unavailable` when nobody listens there.
    public static func ask(
        _ query: DNSPacket, at server: DNSAddress, overStream isStream: Bool = false,
        within patience: Duration
    ) async throws(Fault) -> DNSPacket {
        var sent = query
        sent.id = UInt16.random(in: 0...UInt16.max)
        do {
            var answer = try await exchange(sent, server, isStream, TimeAmount(patience))
            answer.id = query.id
            return answer
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(.unavailable, "the name server \(server) cannot be reached", cause: error)
        }
    }

    private static func exchange(
        _ query: DNSPacket, _ server: DNSAddress, _ isStream: Bool, _ patience: TimeAmount
    ) async throws -> DNSPacket {
        let address = try server.socketAddress
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: DNSPacket.self)
        let deadline = loop.scheduleTask(in: patience) {
            promise.fail(Fault(.timedOut, "the name server \(server) does not answer"))
        }
        defer { deadline.cancel() }
        let prepare: @Sendable (any Channel) -> EventLoopFuture<Void> = { channel in
            channel.eventLoop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                if !isStream { try pipeline.addHandler(EnvelopeOpener()) }
                try pipeline.addHandler(DNSAnswerReader(query, isStream, promise))
            }
        }
        let connecting =
            if isStream {
                ClientBootstrap(group: loop).connectTimeout(patience).channelInitializer(prepare)
                    .connect(to: address)
            } else {
                DatagramBootstrap(group: loop)
                    .channelOption(
                        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: longestDatagram)
                    )
                    .channelInitializer(prepare).connect(to: address)
            }
        connecting.whenFailure { promise.fail($0) }
        connecting.whenSuccess { channel in
            if isStream {
                channel.writeAndFlush(ByteBuffer(bytes: DNSStreamDecoder.frame(query.bytes)), promise: nil)
            } else {
                let datagram = AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: query.bytes))
                channel.writeAndFlush(datagram, promise: nil)
            }
            promise.futureResult.whenComplete { _ in channel.close(promise: nil) }
        }
        return try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            promise.fail(CancellationError())
        }
    }
}

/// Takes datagrams out of their envelopes.
private final class EnvelopeOpener: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias InboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(wrapInboundOut(unwrapInboundIn(data).data))
    }
}

/// Waits for what answers the query.
private final class DNSAnswerReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let query: DNSPacket
    private let isStream: Bool
    private let promise: EventLoopPromise<DNSPacket>
    private var decoder = DNSStreamDecoder()

    init(_ query: DNSPacket, _ isStream: Bool, _ promise: EventLoopPromise<DNSPacket>) {
        self.query = query
        self.isStream = isStream
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytesView
        for message in isStream ? decoder.receive(bytes) : [Array(bytes)] {
            if let answer = DNSPacket(message), answer.answers(query) { promise.succeed(answer) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) { promise.fail(ChannelError.eof) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }
}
